"""Where is my message, and why was it refused: found, read, cancelled, exported; by a customer too."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from river.program import TEXT, Customer, Program, eventually, running
from river.test_console import LISTEN, url_of

from .chromium import PASSWORD, log_in, note_faults, visit

_SIMULATOR = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]'}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Two accounts, an operator, and a customer with the first one."""
    with running(tmp_path_factory.mktemp("messages") / "data", **LISTEN, **_SIMULATOR) as program:
        for name in ("C1", "C2"):
            program.account(name)
        program.api("POST", "/people", json={"name": "olga", "role": "operator", "password": PASSWORD})
        own = {"name": "cui", "role": "customer", "account": "C1", "password": PASSWORD}
        program.api("POST", "/people", json=own)
        yield program


@pytest.fixture
def page(browser: Browser, program: Program) -> Iterator[Page]:
    """The operator's."""
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "olga")
        faults = note_faults(page)
        yield page
        assert not faults, faults


def of(name: str) -> Customer:
    """An account of the fixture."""
    return Customer(name, f"secret of {name}")


def test_a_message_is_found_and_its_story_goes_on_by_itself(page: Page, program: Program) -> None:
    program.api("POST", "/channels/simulator/pause")
    program.send(of("C1"), Mobile="13800001111")
    page.get_by_role("link", name="Messages", exact=True).click()
    page.get_by_label("Number").fill("138 0000 1111")
    page.get_by_role("button", name="Search").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    timeline = page.locator("#story .timeline").first
    expect(timeline).to_contain_text("IntlSend over aspx from 127.0.0.1")
    expect(timeline).to_contain_text("channel simulator does not carry it now")
    program.api("POST", "/channels/simulator/resume")
    expect(page.locator("#story .figures .state")).to_have_text("delivered")
    expect(timeline).to_contain_text("part 1 of 1: DELIVRD")
    expect(timeline).to_contain_text("the report waits for GetReportSMS")
    expect(page.locator("#story")).not_to_have_attribute("hx-trigger", "every 2s")
    page.get_by_role("button", name="中文").click()
    expect(timeline).to_contain_text("已入库，扣费 1 条")


def test_a_refused_call_shows_the_rule_and_the_hit(page: Page, program: Program) -> None:
    program.api("POST", "/keywords", json={"words": ["发票"]})
    assert program.send(of("C1"), Content=f"代开发票{TEXT}") == -12
    eventually(lambda: program.api("GET", "/refusals"))
    page.get_by_role("link", name="Refusals").click()
    page.get_by_label("Rule").select_option(label="a forbidden keyword")
    page.get_by_role("button", name="Search").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("a forbidden keyword")
    expect(row).to_contain_text("-12")
    expect(row.locator("mark").first).to_have_text("发票")


def test_a_scheduled_one_is_cancelled_after_a_question(page: Page, program: Program) -> None:
    before = program.balance(of("C2"))
    submission = program.send(of("C2"), SendTime="20990101080000")
    page.get_by_role("link", name="Scheduled").click()
    row = page.locator("tbody tr", has_text=str(submission))
    expect(row).to_contain_text("2099-01-01 08:00:00")
    page.once("dialog", lambda dialog: dialog.dismiss())
    row.get_by_role("button").click()
    assert program.messages(account="C2", state="scheduled")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("Cancelled, and paid back.")
    expect(page.locator(".figures")).to_contain_text("cancelled")
    assert not program.messages(account="C2", state="scheduled") and program.balance(of("C2")) == before


def test_a_customer_sees_its_own_and_tries_the_others(browser: Browser, program: Program) -> None:
    program.send(of("C1"), Content=f"mine{TEXT}")
    program.send(of("C2"), Content=f"theirs{TEXT}")
    (theirs,) = program.messages(account="C2", text="theirs")
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "cui")
        page.get_by_role("link", name="Messages", exact=True).click()
        expect(page.locator("main")).to_contain_text("mine")
        expect(page.locator("main")).not_to_contain_text("theirs")
        expect(page.get_by_label("Account")).to_have_count(0)
        for path in (f"/messages/{theirs['id']}", f"/submissions/{theirs['submission']}", "/messages?account=C2"):
            answer = page.goto(path)
            assert answer is not None and answer.status == 404, path
            expect(page.locator("main")).not_to_contain_text("theirs")


def test_what_was_found_is_exported(page: Page, program: Program, tmp_path: Path) -> None:
    account = program.account("csv")
    program.send(account, Mobile="13800000000,13900000000", Content=f'=cmd|"x", y{TEXT}')
    program.wait_for("delivered", 2, account="csv")
    page.goto("/messages?account=csv")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "messages.csv"
    heads, *rows = csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig")))
    found = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [row["Number"] for row in found] == ["'+8613900000000", "'+8613800000000"]
    assert {row["Text"] for row in found} == {f'\'=cmd|"x", y{TEXT}'}
    assert {row["State"] for row in found} == {"delivered"}
