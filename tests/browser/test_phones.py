"""The phones on the screen: what is sent arrives without a reload, replies are fetched, fates are chosen."""

import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from river.program import Customer, Program, eventually, form, md5, running
from river.smsc import Smsc, smsc
from river.test_carrier import channels
from river.test_console import LISTEN, url_of

from .chromium import NARROW, PASSWORD, complaints, log_in, note_faults, visit

DEMO = Customer("demo", "demo")
Stage = tuple[Program, Smsc]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway with a simulator, which everything goes to, and a real carrier."""
    folder = tmp_path_factory.mktemp("phones")
    with smsc(folder / "smsc") as carrier:
        sandbox = {"name": "sandbox", "kind": "simulator", "receipt_delay_s": 0.05}
        with running(folder / "data", "--demo", **LISTEN, **channels(sandbox, carrier.channel(name="real"))) as program:
            program.api("POST", "/routes", json={"tiers": [{"sandbox": 1}]})
            for name, role in (("olga", "operator"), ("ulf", "auditor")):
                program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD})
            yield program, carrier


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """The phones, before an operator."""
    program, _ = stage
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "olga")
        faults = note_faults(page)
        page.goto("/phones")
        page.evaluate("window.untouched = true")
        yield page
        assert not [fault for fault in faults if "422" not in fault], faults


def curl(program: Program, number: str, text: str) -> str:
    """What an old program does, and what it is answered."""
    content = quote(text.encode("gb2312"))
    body = f"CorpID=demo&Pwd={md5('demo')}&Mobile={number}&Content={content}&Cell=12&SendTime="
    done = subprocess.run(
        ["curl", "-s", "-d", body, f"{program.url}IntlSend.aspx"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_what_curl_sends_in_gb2312_arrives_and_is_answered(page: Page, stage: Stage) -> None:
    program, _ = stage
    submission = curl(program, "13800000100", "您的验证码是804213【测试】")
    assert int(submission) > 0
    phone = page.get_by_role("article", name="+86 138 0000 0100")
    expect(phone.get_by_text("您的验证码是804213【测试】")).to_be_visible()
    expect(phone.get_by_text("from 1069000012")).to_be_visible()
    (message,) = program.messages(submission=submission)
    expect(phone.get_by_role("link", name="Timeline")).to_have_attribute("href", f"/messages/{message['id']}")

    curl(program, "13800000100", "长" * 100 + "【测试】")
    expect(phone.get_by_text("2 parts")).to_be_visible()
    assert page.evaluate("window.untouched"), "without loading the page anew"
    expect(phone.get_by_role("listitem")).to_have_count(2)

    phone.get_by_label("Reply from").fill("收到，谢谢")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("收到，谢谢")).to_be_visible()
    fetched = program.post("Get", form(CorpID="demo", Pwd="demo")).content.decode("gb18030")
    assert "||13800000100#收到，谢谢#" in fetched
    assert fetched.endswith("#12")


def test_the_code_is_copied(page: Page, stage: Stage) -> None:
    program, _ = stage
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    curl(program, "13800000101", "您的验证码是556677【测试】")
    page.get_by_role("button", name="Copy 556677").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "556677"


def test_the_fate_of_the_next_message(page: Page, stage: Stage) -> None:
    program, _ = stage
    page.get_by_label("Number of a new phone").fill("138 0000 0102")
    page.get_by_role("button", name="New phone").click()
    phone = page.get_by_role("article", name="+86 138 0000 0102")
    phone.get_by_text("Next message:").click()
    phone.get_by_label("What becomes of it").select_option(label="is not delivered (UNDELIV)")
    phone.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("status")).to_have_text("Chosen.")
    expect(phone.locator("summary")).to_contain_text("is not delivered (UNDELIV)")
    submission = int(curl(program, "13800000102", "您好【测试】"))
    expect(phone.get_by_text("UNDELIV", exact=True)).to_be_visible()
    expect(phone.locator("summary")).to_contain_text("by the last digits of the number")
    (message,) = program.wait_for("failed", submission=submission)
    assert (message["word"], message["refunded"]) == ("UNDELIV", 1)


def test_a_message_is_released_on_purpose(page: Page, stage: Stage) -> None:
    program, carrier = stage
    curl(program, "13800000103", "您的验证码是909090【测试】")
    phone = page.get_by_role("article", name="+86 138 0000 0103")
    phone.get_by_role("link", name="Release").click()
    assert not complaints(page)
    page.get_by_role("link", name="Back").click()
    page.locator("#story").get_by_role("link", name="Release").click()
    channel = page.get_by_label("Over which channel")
    assert channel.locator("option").all_inner_texts() == ["choose a channel", "real"]
    page.get_by_role("button", name="Send it to the real telephone").click()
    assert carrier.submits() == [], "nothing is chosen yet"
    channel.select_option("real")
    page.get_by_role("button", name="Send it to the real telephone").click()
    expect(page.get_by_role("status")).to_have_text("Released.")
    expect(page.locator("#story")).to_contain_text("released: a copy of message")
    assert page.locator("#story").get_by_role("link", name="Release").count() == 0, "it is on its way in earnest"
    (submit,) = eventually(carrier.submits)
    assert submit["number"].endswith("13800000103")
    (entry, *_) = program.api("GET", "/audit")
    assert (entry["actor"], entry["action"]) == ("person olga", "message release")


def test_what_is_no_number_is_said(page: Page) -> None:
    page.get_by_label("Number of a new phone").fill("12")
    page.get_by_role("button", name="New phone").click()
    expect(page.get_by_role("alert")).to_have_text("This is no telephone number.")


def test_an_auditor_looks_and_touches_nothing_on_a_narrow_screen(browser: Browser, stage: Stage) -> None:
    program, _ = stage
    curl(program, "13800000104", "您好【测试】")
    with visit(browser, url_of(program), "zh-CN", viewport=NARROW, color_scheme="dark") as context:
        page = context.new_page()
        log_in(page, "ulf")
        page.goto("/phones")
        phone = page.get_by_role("article", name="+86 138 0000 0104")
        expect(phone.get_by_text("您好【测试】")).to_be_attached()
        assert page.locator("main form").count() == 0
        assert page.get_by_role("link", name="真实发送").count() == 0
        assert not complaints(page)
