"""The console's pages of messages, as forms and links get there: who sees what, what may be asked, what is exported."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .program import TEXT, Program, eventually, form, running
from .smsc import smsc
from .test_carrier import channels
from .test_console import LISTEN, PASSWORD, Browser, url_of

_SIMULATOR = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0}]'}
_PEOPLE = {"olga": "operator", "ulf": "auditor", "cui": "customer"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Two accounts, a message of each delivered and one of each scheduled."""
    with running(tmp_path_factory.mktemp("pages") / "data", **LISTEN, **_SIMULATOR) as program:
        for name in ("C1", "C2"):
            account = program.account(name)
            program.send(account, Mobile="13800000000,12x", Content=f"=1+1 of {name}{TEXT}")
            program.send(account, SendTime="20990101080000")
        program.wait_for("delivered", 2)
        for name, role in _PEOPLE.items():
            own = {"account": "C1"} if role == "customer" else {}
            program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **own})
        yield program


def browser_of(name: str) -> Any:
    """A fixture: somebody who has logged in."""

    @pytest.fixture(scope="module", name=name)
    def logged_in(program: Program) -> Iterator[Browser]:
        with Browser(url_of(program)) as browser:
            assert browser.log_in(name).status_code == 303
            yield browser

    return logged_in


olga, ulf, cui = browser_of("olga"), browser_of("ulf"), browser_of("cui")


def ids(program: Program, account: str) -> dict[str, Any]:
    """The delivered message of an account."""
    return program.messages(account=account, state="delivered")[0]


THEIRS = [
    "/messages/{id}",
    "/messages/{id}/story",
    "/submissions/{submission}",
    "/messages?account=C2",
    "/messages.csv?account=C2",
    "/scheduled?account=C2",
    "/replies?account=C2",
    "/refusals",
]


@pytest.mark.parametrize("path", THEIRS)
def test_customers_get_nothing_of_others(program: Program, cui: Browser, path: str) -> None:
    assert cui.get(path.format(**ids(program, "C2"))).status_code == 404


@pytest.mark.parametrize("path", [path for path in THEIRS if path != "/refusals"])
def test_customers_get_their_own(program: Program, cui: Browser, path: str) -> None:
    answer = cui.get(path.format(**ids(program, "C1")).replace("C2", "C1"))
    assert answer.status_code == 200 and "C2" not in answer.text.replace("%C2", "")  # a byte of the request


def test_customers_lists_hold_their_own_only(cui: Browser, program: Program) -> None:
    for path in ("/messages", "/messages.csv", "/scheduled"):
        text = cui.get(path).text
        assert TEXT in text and "C2" not in text, path
    assert cui.get("/messages", params={"id": ids(program, "C2")["id"]}).status_code == 422


ACTIONS = [
    "/messages/{id}/resend",
    "/messages/{id}/give-up",
    "/messages/{id}/block",
    "/submissions/{submission}/cancel",
]


@pytest.mark.parametrize("path", ACTIONS)
def test_who_may_not_change_has_no_form_and_no_path(program: Program, cui: Browser, ulf: Browser, path: str) -> None:
    message = program.messages(account="C1", state="scheduled")[0]
    for browser in (cui, ulf):
        assert path.format(**message) not in browser.get(f"/messages/{message['id']}").text
        assert browser.fill(path.format(**message)).status_code in (404, 405)
    assert program.messages(account="C1", state="scheduled")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param("since=yesterday", "A time is written", id="no time"),
        pytest.param("until=99999-01-01T00:00", "A time is written", id="beyond the calendar"),
        pytest.param("since=2026-02-01T00:00&until=2026-01-01T00:00", "must be earlier", id="back to front"),
        pytest.param("state=lost", "must be one of", id="no state"),
        pytest.param("before=x", "not a cursor", id="no cursor"),
        pytest.param(f"before={2**64}", "not a cursor", id="a cursor that is too large"),
        pytest.param("id=x", "whole number", id="no id"),
        pytest.param(f"id={2**64}", "whole number", id="an id that is too large"),
        pytest.param("id=5", "no message or submission", id="nothing's id"),
    ],
)
def test_mistakes_in_the_search(olga: Browser, query: str, says: str) -> None:
    answer = olga.get(f"/messages?{query}")
    assert answer.status_code == 422 and says in answer.text


@pytest.mark.parametrize("path", [f"/messages/{2**64}", "/messages/5", f"/submissions/{2**40}", "/submissions/0"])
def test_what_there_is_not(olga: Browser, path: str) -> None:
    assert olga.get(path).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, 6, id="all"),
        pytest.param({"account": "C1"}, 3, id="account"),
        pytest.param({"number": "138 0000 0000", "state": "delivered"}, 2, id="number as people write it, and state"),
        pytest.param({"number": "12x"}, 2, id="no number"),
        pytest.param({"text": "OF C2"}, 2, id="text"),
        pytest.param({"channel": "simulator"}, 2, id="channel"),
        pytest.param({"until": "2020-01-01T00:00"}, 0, id="until"),
        pytest.param({"since": "2020-01-01T00:00"}, 6, id="since"),
    ],
)
def test_the_search_and_its_export(olga: Browser, query: dict[str, str], found: int) -> None:
    assert len(re.findall(r'<a href="/messages/\d+">', olga.get("/messages", params=query).text)) == found
    answer = olga.get("/messages.csv", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heads, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert len(rows) == found and heads[:4] == ["Message", "Submission", "Account", "Number"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_an_id_leads_straight_there(program: Program, olga: Browser) -> None:
    message = ids(program, "C1")
    for id, there in ((message["id"], "/messages/"), (message["submission"], "/submissions/")):
        answer = olga.get("/messages", params={"id": id})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{there}{id}")


def test_pages_of_a_long_list(program: Program, olga: Browser) -> None:
    account = program.account("many")
    numbers = [f"139{n:06d}09" for n in range(120)]
    submission = program.send(account, Mobile=",".join(numbers))
    seen: list[str] = []
    path = f"/submissions/{submission}"
    while path:
        text = olga.get(path).text
        seen += re.findall(r'<a href="/messages/(\d+)">', text)
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert len(seen) == 120 == len(set(seen)) and seen == sorted(seen, reverse=True)


def test_the_story_in_both_languages_and_where_the_report_is(program: Program, olga: Browser) -> None:
    message = ids(program, "C2")
    english = olga.get(f"/messages/{message['id']}").text
    assert "stored and charged 1 条" in english and "the report waits for GetReportSMS" in english
    with Browser(url_of(program), language="zh-CN") as other:
        other.log_in("olga")
        chinese = other.get(f"/messages/{message['id']}").text
    assert "已入库，扣费 1 条" in chinese and "状态报告等待 GetReportSMS 获取" in chinese
    account = program.account("C2b")
    program.send(account)
    (sent,) = program.wait_for("delivered", account="C2b")
    answer = program.post("GetReportSMS", form(CorpID=account.corp_id, Pwd=account.password))
    assert "13800000000" in answer.text, answer.text
    assert eventually(lambda: "the report was fetched or pushed" in olga.get(f"/messages/{sent['id']}").text)


def test_what_an_operator_can_do(program: Program, olga: Browser) -> None:
    account = program.account("deeds")
    program.api("POST", "/channels/simulator/pause")
    try:
        program.send(account, Mobile="13700000000")
        (message,) = program.messages(account="deeds")
        page = f"/messages/{message['id']}"
        text = olga.get(page).text
        assert "every 2s" in text and "channel simulator does not carry it now" in text and ">paused<" in text
        assert olga.fill(f"{page}/resend").status_code == 409
        assert olga.fill(f"{page}/give-up").headers["location"] == page
        text = olga.get(page).text
        assert "failed" in text and "every 2s" not in text
        assert olga.fill(f"{page}/block", **{"for": "account"}).status_code == 303
        assert program.api("GET", "/numbers", params={"account": "deeds"})[0]["number"] == "+8613700000000"
        program.send(account, Mobile="13700000000,13600000000")
        (waits,) = program.messages(account="deeds", state="queued")
        assert olga.fill(f"/submissions/{waits['submission']}/cancel").status_code == 303
        text = olga.get(f"/submissions/{waits['submission']}").text
        assert "cancelled" in text and "blocked number" in text and "Cancel the submission" not in text
    finally:
        program.api("POST", "/channels/simulator/resume")
    deeds = [one["action"] for one in program.api("GET", "/audit") if one["actor"] == "person olga"]
    assert deeds[:3] == ["submission cancel", "number block", "message give-up"]
    log = olga.get("/audit").text
    assert f'href="{page}"' in log and f'href="/submissions/{waits["submission"]}"' in log


def test_refusals(program: Program, olga: Browser) -> None:
    account = program.account("refused")
    program.api("POST", "/keywords", json={"words": ["发票"]})
    program.send(account, Content=f"代开发票{TEXT}")
    program.send(account, Content="no signature")
    page = "/refusals?account=refused"
    eventually(lambda: olga.get(page).text.count("<tr id=") == 2)  # they are written in batches
    found = olga.get(page).text
    assert "<mark>发票</mark>" in found and ">-12<" in found and "the signature is missing" in found
    found = olga.get("/refusals?account=refused&reject=keyword").text
    assert "a forbidden keyword</td>" in found and "the signature is missing</td>" not in found
    assert "No refused call matches" in olga.get("/refusals?account=nobody").text
    assert olga.get("/refusals?reject=x").status_code == 422


def test_replies(program: Program, olga: Browser, cui: Browser) -> None:
    for number, text in (("13800000000", "TD"), ("13333333333", "谁？")):
        program.api("POST", "/simulator/replies", json={"number": number, "to": "10690000", "text": text})
    text = olga.get("/replies").text
    assert "opted out" in text and "谁？" in text and "unassigned" in text
    assert '<a href="/accounts/' in text
    only = olga.get("/replies?nobodys=1").text
    assert "谁？" in only and "TD" not in only
    assert "谁？" not in cui.get("/replies").text


def test_the_protocol_messages_of_a_message(tmp_path: Path) -> None:
    with (
        smsc(tmp_path / "one") as carrier,
        running(tmp_path / "data", **LISTEN, **channels(carrier.channel("one"))) as us,
    ):
        account = us.account("C1")
        us.api("POST", "/people", json={"name": "ulf", "role": "auditor", "password": PASSWORD})
        us.api("POST", "/people", json={"name": "cui", "role": "customer", "account": "C1", "password": PASSWORD})
        us.send(account, Mobile="13800001234", Content="字" * 100 + "【测试】")
        us.send(account, Mobile="13800005678")
        us.wait_for("delivered", 2)
        (message,) = us.messages(number="13800001234")
        page = f"/messages/{message['id']}"
        with Browser(url_of(us)) as ulf, Browser(url_of(us)) as cui:
            ulf.log_in("ulf")
            cui.log_in("cui")
            text = ulf.get(page).text
            found = re.findall(r'<span class="code">(\w+)', text[text.index('id="pdus"') :])
            assert Counter(found) == {"submit_sm": 2, "submit_sm_resp": 2, "deliver_sm": 2, "deliver_sm_resp": 2}
            assert "13800005678" not in text
            assert 'id="pdus"' not in cui.get(page).text
