"""Addresses that no page of ours links to: they are told what is wrong, and never make a page fail."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from .program import TEXT, Program, running
from .test_console import LISTEN, PASSWORD, Browser, url_of

BAD, NOTHING = 422, 404
QUESTIONS = {
    "/messages.csv?state=lost": BAD,
    f"/messages?text={'x' * 60_000}": BAD,
    f"/messages.csv?text={'x' * 60_000}": BAD,
    f"/messages?before={'0' * 10}{'9' * 25}": BAD,
    f"/messages/{'9' * 5_000}": NOTHING,
    f"/messages/{2**63}": NOTHING,
    "/scheduled?after=99999999999999999999-1": BAD,
    f"/accounts/C1?before={'9' * 30}": BAD,
    "/accounts/C1?before=٢": BAD,
    f"/messages/{2**63}/release": NOTHING,
    f"/messages/{2**63 - 1}/release": NOTHING,
    "/channels/simulator/trace?after=x": BAD,
    "/channels/nothing/trace.pcap": NOTHING,
    "/mailings/a%00b": NOTHING,
    "/accounts/a%00b": NOTHING,
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One with an account that has sent something."""
    with running(tmp_path_factory.mktemp("odd") / "data", **LISTEN) as program:
        program.account("C1")
        program.api("POST", "/messages", json={"account": "C1", "to": ["13800000000"], "text": TEXT})
        program.api("POST", "/people", json={"name": "olga", "role": "operator", "password": PASSWORD})
        yield program


@pytest.fixture(scope="module")
def olga(program: Program) -> Iterator[Browser]:
    """An operator, logged in."""
    with Browser(url_of(program)) as browser:
        assert browser.log_in("olga").status_code == 303
        yield browser


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path[:40])
def test_an_odd_question(olga: Browser, program: Program, path: str) -> None:
    answer = olga.get(path)
    assert answer.status_code == QUESTIONS[path]
    assert "<main" in answer.text and "Traceback" not in answer.text
    assert '"a page failed"' not in program.said()


def test_strangers_make_no_page_fail(program: Program) -> None:
    with Browser(url_of(program)) as stranger:
        for path in QUESTIONS:
            assert stranger.get(path).headers["location"] == "/login"
    assert '"a page failed"' not in program.said()


EVIL = "<img src=x onerror=alert(1)>\"'&"
NAME = "a/b\"c'd<e>"  # of an account


def test_what_others_have_written_is_text_on_every_page(olga: Browser, program: Program) -> None:
    program.account(NAME)
    message = {"account": NAME, "to": ["13800000000"], "text": f"{EVIL}{TEXT}"}
    sent = program.api("POST", "/messages", json=message)
    program.api("POST", "/simulator/replies", json={"number": "13800000000", "to": "10690000", "text": EVIL})
    program.api("POST", f"/accounts/{quote(NAME, safe='')}/topup", json={"amount": 1, "note": EVIL})
    file = {"file": (f"{EVIL}.csv", b"number,name\n13800000001,<b>x\n", "text/csv")}
    form = {"csrf": olga.secret(), "account": NAME, "text": f"{{name}}{EVIL}{TEXT}"}
    mailing = olga.post("/mailings", data=form, files=file).headers["location"]
    (id,) = [one["id"] for one in program.api("GET", f"/messages?submission={sent['submission']}")]
    account = f"/accounts/{quote(NAME)}"
    pages = ["/messages", "/replies", "/accounts", "/mailings", "/phones", "/audit", "/scheduled", "/refusals", mailing]
    pages += [f"/messages/{id}", f"/submissions/{sent['submission']}", f"/messages?account={quote(NAME)}", account]
    for path in pages:
        answer = olga.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"<img|<e>|<b>x|\w=\"[^\"]*onerror=alert\(1\)>\"", answer.text), path
    assert EVIL.translate({60: "&lt;", 62: "&gt;"}).split('"')[0] in olga.get("/phones").text
    assert quote(NAME) in olga.get("/accounts").text
