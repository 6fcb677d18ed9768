"""Sending at the console, as customers do it: by hand with a preview, and from a file with its progress."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from river.program import TEXT, Program, running
from river.test_console import LISTEN, url_of
from river.test_console import Browser as Client
from river.test_mailings import drafted, settle_in

from .chromium import log_in, note_faults, visit

# The same form, as an impatient network may send it.
_TWICE = """async form => {
  const body = new URLSearchParams(new FormData(form));
  body.set("step", "send");
  await Promise.all([1, 2].map(() => fetch("/send", {method: "POST", body, redirect: "manual"})));
}"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With two customers."""
    with running(tmp_path_factory.mktemp("send") / "data", **LISTEN) as program:
        settle_in(program)
        program.api("POST", "/keywords", json={"words": ["赌博"]})
        yield program


@pytest.fixture
def page(browser: Browser, program: Program) -> Iterator[Page]:
    """The customer of C1, logged in."""
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "cui")
        faults = note_faults(page)
        yield page
        assert not faults, faults


def test_by_hand(page: Page, program: Program) -> None:
    before = len(program.messages(account="C1"))
    page.get_by_role("link", name="Send", exact=True).first.click()
    page.get_by_label("Numbers").fill("13800000000\n13900000002;12345")
    page.get_by_label("Text").fill(f"赌博{TEXT}")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("a forbidden keyword")
    expect(preview.locator("mark")).to_have_text("赌博")
    page.get_by_label("Text").fill(TEXT)
    expect(preview).not_to_contain_text("a forbidden keyword")
    expect(preview).to_contain_text("12345")
    expect(preview).to_contain_text("2 × 1")
    page.get_by_role("button", name="Check").click()
    assert len(program.messages(account="C1")) == before, "nothing is sent before it is confirmed"
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_label("Text")).to_have_value(TEXT)
    page.get_by_role("button", name="Check").click()
    page.locator("main form").evaluate(_TWICE)
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_role("status")).to_contain_text("Accepted")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Submission")
    assert len(program.messages(account="C1")) == before + 3


def test_a_file(page: Page, program: Program) -> None:
    before = len(program.messages(account="C1"))
    page.goto("/mailings")
    rows = ["手机号,姓名", *(f"{13800000100 + n},客户{n}" for n in range(40)), "12345,李", "13800000100,客户0"]
    file = FilePayload(name="名单.csv", mimeType="text/csv", buffer="\r\n".join(rows).encode("gb18030"))
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Text for all").fill(f"{{姓名}}您好，{TEXT}")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("File 名单.csv")
    expect(page.locator("main")).to_contain_text(f"客户0您好，{TEXT}")
    expect(page.get_by_role("row", name="42 12345")).to_contain_text("not a telephone number")
    expect(page.get_by_role("row", name="43 13800000100")).to_contain_text("sent once")
    assert len(program.messages(account="C1")) == before, "nothing is sent before it is confirmed"
    page.get_by_role("button", name="Send to all of them (40)").dblclick()
    expect(page.get_by_role("heading", name="Progress")).to_contain_text("done")
    assert page.get_by_role("progressbar").evaluate("bar => [bar.value, bar.max]") == [40, 40]
    page.reload()
    expect(page.get_by_role("heading", name="Progress")).to_contain_text("done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Rows that were not sent").click()
    written = download.value.path().read_text("utf-8-sig").splitlines()
    assert written[1:] == ["42,12345,not a telephone number,", "43,13800000100,the same again: sent once,"]
    assert len(program.messages(account="C1")) == before + 40


def test_progress_moves_without_a_reload(page: Page, program: Program) -> None:
    page.goto("/mailings")
    rows = "\n".join(f"{13800010000 + n},{n}" for n in range(900))
    file = FilePayload(name="many.csv", mimeType="text/csv", buffer=rows.encode())
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Text for all").fill(f"{{2}}{TEXT}")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Send to all of them (900)").click()
    expect(page.get_by_role("heading", name="Progress")).to_contain_text("done")
    expect(page.locator("#progress")).to_contain_text("900 of 900")


def test_the_first_page_and_the_reports(page: Page, program: Program) -> None:
    for account, number in (("C1", "13800000076"), ("C2", "13800000077")):
        program.api("POST", "/messages", json={"account": account, "to": [number], "text": TEXT})
    page.goto("/")
    expect(page.locator("main")).to_contain_text("13800000076")
    expect(page.locator("main")).to_contain_text("Balance")
    expect(page.locator("main")).not_to_contain_text("13800000077")
    page.get_by_role("link", name="Statistics").first.click()
    page.get_by_label("Days").select_option("1")
    page.get_by_role("button", name="Show").click()
    assert page.locator("tbody tr").count() == 1


def test_anothers_pages_are_not_there(browser: Browser, program: Program) -> None:
    sent = program.api("POST", "/messages", json={"account": "C1", "to": ["13800000078"], "text": TEXT})
    with Client(url_of(program)) as cui:
        cui.log_in("cui")
        mailing = drafted(cui, "13800000079", TEXT)
    with visit(browser, url_of(program)) as context:
        page = context.new_page()
        log_in(page, "cao")
        for path in (mailing, f"{mailing}/progress", f"/submissions/{sent['submission']}", "/reports?account=C1"):
            answer = page.goto(path)
            assert answer is not None and answer.status == 404, path
