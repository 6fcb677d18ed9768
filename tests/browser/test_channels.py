"""Carriers at the console: pause, see the queue, resume; the dry run; the trace; rules, the audit log, settings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from river.program import TEXT, Customer, Program, eventually, running
from river.smsc import Smsc, smsc
from river.test_console import LISTEN, url_of

from .chromium import PASSWORD, complaints, log_in, note_faults, visit


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smsc]:
    """An SMSC to send to."""
    with smsc(tmp_path_factory.mktemp("carrier")) as running_smsc:
        yield running_smsc


@pytest.fixture(scope="module")
def program(carrier: Smsc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway whose only way leads there."""
    with running(tmp_path_factory.mktemp("channels") / "data", **LISTEN) as program:
        settings = carrier.channel(password="hunter2", enquire_link_s=1)
        program.api("POST", "/channels", json={"name": settings.pop("name"), "settings": settings})
        for name, role in (("olga", "operator"), ("ada", "admin"), ("cui", "customer")):
            account = {"account": "C1"} if role == "customer" else {}
            if role == "customer":
                program.account("C1"), program.account("C2")
            program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **account})
        eventually(lambda: program.api("GET", "/channels/carrier")["channel"]["bound"])
        yield program


@pytest.fixture
def page(browser: Browser, program: Program) -> Iterator[Page]:
    """The operator, logged in; her browser complains of nothing."""
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "olga")
        faults = note_faults(page)
        yield page
        assert not [one for one in faults if "(Unprocessable Entity)" not in one and "(Conflict)" not in one]


def figure(page: Page, label: str) -> str:
    """A figure on the channel's page."""
    return page.locator("#now > div", has_text=label).locator("dd").inner_text()


def test_pause_see_the_queue_grow_resume(page: Page, program: Program) -> None:
    c1 = Customer("C1", "secret of C1")
    page.goto("/channels")
    page.get_by_role("button", name="Pause carrier").click()
    expect(page.locator(".notice")).to_contain_text("Paused")
    expect(page.get_by_role("row", name="carrier")).to_contain_text("paused")
    page.get_by_role("link", name="carrier").click()
    assert figure(page, "Queued for it").split()[0] == "0"
    program.send(c1, Mobile="13600000001,13600000002,13600000003")
    expect(page.locator("#now")).to_contain_text(re.compile(r"Queued for it\s*3"))  # by itself
    assert program.messages(state="queued", account="C1")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#now")).to_contain_text(re.compile(r"Queued for it\s*0"))
    program.wait_for("delivered", 3, account="C1")


def test_the_trace_shows_a_message_as_it_goes(page: Page, program: Program) -> None:
    page.goto("/channels/carrier/trace?number=13611112222")
    assert page.get_by_text("submit_sm", exact=True).count() == 0
    program.send(Customer("C1", "secret of C1"), Mobile="13611112222")
    submit = page.get_by_text("submit_sm", exact=True)
    expect(submit).to_have_count(1)  # by itself
    expect(page.get_by_text("submit_sm_resp", exact=True)).to_have_count(1)
    expect(page.get_by_text("deliver_sm", exact=True)).to_have_count(1)
    assert "13611112222" not in page.locator("table").inner_text(), "masked"
    submit.click()
    expect(page.locator("details[open]")).to_contain_text("destination_addr")
    page.get_by_label("Numbers and texts in clear").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_text("submit_sm", exact=True).click()
    expect(page.locator("details[open]")).to_contain_text("8613611112222")
    expect(page.locator("details[open]")).to_contain_text(TEXT)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download for Wireshark").click()
    assert Path(download.value.path()).read_bytes()[:4] == bytes.fromhex("d4c3b2a1")
    page.goto("/channels/carrier/trace?clear=yes&live=no")
    assert "hunter2" not in page.content()


def test_the_dry_run_marks_the_keyword(page: Page, program: Program) -> None:
    program.api("POST", "/keywords", json={"words": ["发票"]})
    page.goto("/explain")
    page.get_by_label("Account").fill("C1")
    page.get_by_label("Numbers").fill("13800000000, 12345")
    page.get_by_label("Text").fill(f"代开发票，{TEXT}")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("blockquote mark")).to_have_text("发票")
    expect(page.locator("p.mistake")).to_contain_text("-12")
    expect(page.locator("#told")).to_contain_text("carrier")
    page.get_by_label("Text").fill(TEXT)
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#told .notice")).to_be_visible()
    expect(page.get_by_role("row", name="12345")).to_contain_text("invalid number")
    assert not complaints(page)


def test_a_customer_asks_for_his_own_account_only(browser: Browser, program: Program) -> None:
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "cui")
        page.goto("/explain")
        assert page.get_by_label("Account").count() == 0
        page.get_by_label("Numbers").fill("13800000000")
        page.get_by_label("Text").fill(TEXT)
        page.get_by_role("button", name="Try").click()
        expect(page.locator("#told .notice")).to_be_visible()
        assert "carrier" not in page.locator("#told").inner_text()
        form = {"csrf": page.locator("form.search [name=csrf]").input_value(), "to": "13800000000", "text": TEXT}
        told = context.request.post("/explain", form={**form, "account": "C2"})
        assert told.status == 404
        for path in (
            "/channels",
            "/channels/carrier",
            "/channels/carrier/trace",
            "/routes",
            "/nodes",
            "/audit",
            "/settings",
        ):
            assert context.request.get(path).status == 404, path


def test_a_channel_and_a_rule_from_the_first_day_to_the_last(page: Page, program: Program) -> None:
    page.goto("/channels/new")
    page.get_by_label("Name of the channel").fill("backup")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("System id").fill("esme")
    page.get_by_label("Connections at the same time").fill("65")
    page.locator("form").last.evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".mistake")).to_contain_text("binds")
    page.get_by_label("Connections at the same time").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Channel backup")
    page.get_by_role("link", name="Change settings").click()
    page.get_by_label("Parts per second").fill("20")
    page.get_by_role("button", name="Save").click()
    settings = program.api("GET", "/channels/backup")["settings"]
    assert (settings["rate_per_s"], settings["binds"], settings["window"]) == (20, 2, 32)

    page.goto("/routes/new")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".mistake")).to_contain_text("needs a channel")
    page.get_by_label("Numbers that begin with").fill("852")
    page.get_by_label("Tier of carrier").select_option("1")
    page.get_by_label("Tier of backup").select_option("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="+852")).to_contain_text("carrier else backup")
    page.goto("/routes/new")
    page.get_by_label("Tier of carrier").select_option("1")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Move rule 2 up").click()
    expect(page.locator("tbody tr").first).to_contain_text("everything")
    assert [rule["prefix"] for rule in program.api("GET", "/routes")] == [None, "852"]

    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/channels/backup")
    page.get_by_role("button", name="Remove this channel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not now")
    page.goto("/routes")
    for _ in range(2):
        page.get_by_role("button", name="Remove").first.click()
        expect(page.locator(".notice")).to_have_text("Removed.")
    page.goto("/channels/backup")
    page.get_by_role("button", name="Remove this channel").click()
    expect(page.locator(".notice")).to_have_text("Removed.")

    page.goto("/audit?action=channel+set")
    expect(page.locator("tbody tr").first).to_contain_text("rate_per_s: after 20")
    page.goto("/audit?subject=backup")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_what_the_gateway_is(page: Page, program: Program) -> None:
    page.goto("/settings")
    expect(page.get_by_role("row", name="api_listen")).to_contain_text("YIZHAN_ADMIN__API_LISTEN")
    page.goto("/settings?all=yes")
    expect(page.get_by_role("row", name="query_interval_s")).to_contain_text("default")
    page.goto("/nodes")
    expect(page.get_by_role("row", name="this one")).to_contain_text("carrier")
    page.goto("/health")
    expect(page.locator("#checks")).to_contain_text("All is well.")
    page.goto("/channels/carrier")
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".steps")).to_contain_text("ok")
