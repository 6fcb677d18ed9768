"""Sending from files and by hand at the console, by HTTP: who may, what is refused, and what a kill leaves."""

import csv
import io
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .program import TEXT, Program, eventually, running
from .test_console import LISTEN, PASSWORD, Browser, url_of

# "ada" is an admin, "ulf" an auditor, "cui" and "cao" customers of C1 and C2.
PEOPLE = {"ada": ("admin", None), "ulf": ("auditor", None), "cui": ("customer", "C1"), "cao": ("customer", "C2")}


def settle_in(program: Program, credit: int = 1000) -> None:
    """Accounts and people."""
    for name in ("C1", "C2"):
        program.account(name, credit)
    for name, (role, account) in PEOPLE.items():
        program.api(
            "POST",
            "/people",
            json={"name": name, "role": role, "password": PASSWORD, **({"account": account} if account else {})},
        )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for most tests of this file; its limits are small."""
    limits = {"YIZHAN_ADMIN__MAX_UPLOAD_ROWS": "1000", "YIZHAN_ADMIN__MAX_UPLOAD_BYTES": "100000"}
    with running(tmp_path_factory.mktemp("mailings") / "data", **LISTEN, **limits) as program:
        settle_in(program)
        program.api("POST", "/keywords", json={"words": ["赌博"]})
        program.api("POST", "/numbers", json={"number": "13800000009", "account": "C1"})
        yield program


@pytest.fixture(scope="module")
def people(program: Program) -> Iterator[dict[str, Browser]]:
    """Everybody, logged in."""
    found = {name: Browser(url_of(program), f"192.0.2.{place}") for place, name in enumerate(PEOPLE, 1)}
    for name, browser in found.items():
        assert browser.log_in(name).status_code == 303
    yield found
    for browser in found.values():
        browser.close()


def upload(browser: Browser, file: str | bytes, text: str = "", **fields: str) -> httpx.Response:
    """Send the form of a file."""
    data = {"csrf": browser.secret(), "text": text, "cell": "", "send_at": "", **fields}
    content = file.encode() if isinstance(file, str) else file
    return browser.post("/mailings", data=data, files={"file": ("list.csv", content)})


def drafted(browser: Browser, file: str, text: str = "", **fields: str) -> str:
    """Where the draft is."""
    answer = upload(browser, file, text, **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def result(browser: Browser, path: str, only: str = "") -> list[list[str]]:
    """The rows of the result, without its header."""
    answer = browser.get(f"{path}/result.csv{only}")
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))[1:]


def done(browser: Browser, path: str) -> None:
    """Wait until it is."""
    eventually(lambda: "Progress: done" in browser.get(path).text)


def key_of(page: httpx.Response) -> str:
    """What the confirming form carries."""
    assert page.status_code == 200, page.text
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_by_hand_once(program: Program, people: dict[str, Browser]) -> None:
    cui = people["cui"]
    typed = {"mobile": "13800000000\n13900000002、12345；13800000000", "text": TEXT}
    before = len(program.messages())
    page = cui.fill("/send", **typed)
    key = key_of(page)
    assert "12345" in page.text and len(program.messages()) == before, "nothing is sent by looking"
    sent = [cui.fill("/send", **typed, step="send", key=key) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [303, 303]
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert len(program.messages()) == before + 3
    assert "+8613900000002" in cui.get(sent[0].headers["location"]).text
    other = cui.fill("/send", mobile="13800000001", text=TEXT, step="send", key=key)
    assert other.status_code == 422, "another message under the same key"
    (action, *_) = program.api("GET", "/audit", params={"limit": 1})
    assert (action["actor"], action["action"], action["subject"]) == ("person cui", "message send", "C1")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param({"text": f"赌博{TEXT}"}, "<mark>赌博</mark>", id="a forbidden word is marked"),
        pytest.param({"text": "您好"}, "signature is missing", id="no signature"),
        pytest.param({"mobile": "12345"}, "no valid number", id="no number"),
        pytest.param({"mobile": "13800000009"}, "are blocked", id="a blocked number"),
        pytest.param({"send_at": "2020-01-01T08:00"}, "SendTime is over", id="a time that is past"),
        pytest.param({"cell": "x"}, "Cell is wrong", id="no extension"),
        pytest.param({"text": "字" * 400 + TEXT}, "too long", id="too long"),
    ],
)
def test_by_hand_refused(people: dict[str, Browser], typed: dict[str, str], said: str) -> None:
    answer = people["cui"].fill("/send", **{"mobile": "13800000000", "text": TEXT, **typed})
    assert answer.status_code == 422 and said in answer.text
    assert people["cui"].fill("/send/preview", **{"mobile": "13800000000", "text": TEXT, **typed}).status_code == 200


def test_a_file(program: Program, people: dict[str, Browser]) -> None:
    cui = people["cui"]
    before, balance = len(program.messages()), program.api("GET", "/accounts/C1")["balance"]
    rows = [
        "手机号,姓名",
        "13800000000,王",
        "12345,李",
        "13900000002,赵",
        "13900000002,赵",
        "13800000009,孙",
        "13800000001,赌博",
    ]
    path = drafted(cui, "\n".join(rows), f"{{姓名}}{TEXT}")
    page = cui.get(path).text
    assert f"王{TEXT}" in page and "not a telephone number" in page and "a forbidden keyword" in page
    assert len(program.messages()) == before, "nothing is sent by looking"
    for _ in range(2):
        assert cui.fill(path, step="send").status_code == 303
    done(cui, path)
    said = [(line, why) for line, _, why, _ in result(cui, path)]
    assert said == [
        ("2", "accepted"),
        ("3", "not a telephone number"),
        ("4", "accepted"),
        ("5", "the same again: sent once"),
        ("6", "the number is blocked"),
        ("7", "a forbidden keyword"),
    ]
    assert [line for line, *_ in result(cui, path, "?only=failed")] == ["3", "5", "6", "7"]
    assert len(program.messages()) == before + 2
    assert program.query("SELECT count(*) FROM audit WHERE action = 'mailing send'") == [(1,)]
    assert program.api("GET", "/accounts/C1")["balance"] <= balance - 1


def test_so_many_drafts_of_a_person(tmp_path: Path) -> None:
    with running(tmp_path / "data", **LISTEN, YIZHAN_ADMIN__MAX_DRAFTS="2") as program:
        settle_in(program)
        with Browser(url_of(program)) as cui, Browser(url_of(program)) as cao:
            cui.log_in("cui")
            cao.log_in("cao")
            first = drafted(cui, "13800000000", TEXT)
            second = drafted(cui, "13800000001", TEXT)
            assert first in cui.get("/mailings").text and second in cui.get("/mailings").text
            refused = upload(cui, "13800000002", TEXT)
            assert refused.status_code == 422 and "Send or discard one" in refused.text
            drafted(cao, "13800000002", TEXT)
            cui.fill(first, step="discard")
            drafted(cui, "13800000002", TEXT)
            assert upload(cui, "13800000003", TEXT).status_code == 422
            cui.fill(second, step="send")
            drafted(cui, "13800000003", TEXT)
        assert program.query("SELECT count(*) FROM mailings") == [(4,)]


def test_a_draft_is_discarded_or_too_dear(program: Program, people: dict[str, Browser]) -> None:
    cao = people["cao"]
    path = drafted(cao, "13800000000", TEXT)
    assert cao.fill(path, step="discard").headers["location"] == "/mailings"
    assert cao.get(path).status_code == 404
    program.api("POST", "/accounts/C2/topup", json={"amount": -999})
    path = drafted(cao, "13800000000\n13800000001", TEXT)
    answer = cao.fill(path, step="send")
    assert answer.status_code == 422 and "balance is too low" in answer.text
    assert not program.query("SELECT 1 FROM mailings WHERE confirmed_at_ms IS NOT NULL AND account_id = 2")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        pytest.param("", TEXT, "empty", id="nothing in it"),
        pytest.param(b"PK\x03\x04", TEXT, "workbook", id="a workbook"),
        pytest.param(b"\xff\xff", TEXT, "UTF-8", id="no text"),
        pytest.param("13800000000", "", "There is no text", id="no text for it"),
        pytest.param("13800000000", f"{{name}}{TEXT}", "no column", id="no such column"),
        pytest.param("手机号,姓名\n", TEXT, "no rows", id="only a header"),
        pytest.param("13800000000\n" * 1001, TEXT, "too many rows", id="too many rows"),
    ],
)
def test_files_that_are_none(people: dict[str, Browser], file: str | bytes, text: str, said: str) -> None:
    answer = upload(people["cui"], file, text)
    assert answer.status_code == 422 and said in answer.text


def test_what_is_too_large_or_not_ours(people: dict[str, Browser]) -> None:
    cui = people["cui"]
    assert upload(cui, "1" * 200_000, TEXT).status_code == 413
    files = {"file": ("list.csv", b"13800000000")}
    assert cui.post("/mailings", data={"text": TEXT}, files=files).status_code == 403, "no secret"
    many = {f"f{n}": "x" for n in range(500)}
    assert cui.post("/mailings", data={"csrf": cui.secret(), **many}, files=files).status_code == 403


def test_each_sees_his_own(program: Program, people: dict[str, Browser]) -> None:
    cui, cao, ada, ulf = (people[name] for name in ("cui", "cao", "ada", "ulf"))
    path = drafted(cui, "13800000000", TEXT)
    message = program.api("POST", "/messages", json={"account": "C1", "to": ["13800000003"], "text": TEXT})
    submission = f"/submissions/{message['submission']}"
    assert cui.get(submission).status_code == 200 and cao.get(submission).status_code == 404
    for address in (path, f"{path}/progress", f"{path}/result.csv"):
        assert cui.get(address).status_code == ada.get(address).status_code == 200, address
        assert cao.get(address).status_code == ulf.get(address).status_code == 404, address
    assert cao.fill(path, step="send").status_code == cao.fill(path, step="discard").status_code == 404
    assert ulf.fill(path, step="send").status_code == 404
    assert path not in cao.get("/mailings").text and path in ada.get("/mailings").text
    assert cao.get("/reports?account=C1").status_code == 404 and ulf.get("/reports?account=C1").status_code == 200
    for form in ("/send", "/send/preview"):
        typed = {"account": "C1", "mobile": "13800000000", "text": TEXT}
        assert cao.fill(form, **typed).status_code == 404, form
    assert upload(cao, "13800000000", TEXT, account="C1").status_code == 404
    assert upload(ulf, "13800000000", TEXT, account="C1").status_code == 404
    assert drafted(ada, "13800000000", TEXT, account="C1")
    assert "Choose an account" in ada.get("/reports").text


def test_a_mailing_is_stopped(program: Program, people: dict[str, Browser]) -> None:
    cui = people["cui"]
    path = drafted(cui, "13800000000", TEXT)
    assert cui.fill(path, step="stop").status_code == 303
    assert "Send to all" in cui.get(path).text, "a draft cannot be stopped"
    assert cui.fill(path, step="send").status_code == 303
    done(cui, path)
    assert cui.fill(path, step="stop").status_code == 303
    text = cui.get(path).text
    assert "Progress: done" in text
    assert cui.get(re.search(r'/messages\?since=[^"]+', text)[0]).status_code == 200  # type: ignore[index]


@pytest.mark.parametrize("kills", [2])
def test_a_kill_in_the_middle_repeats_nothing(tmp_path: Path, kills: int) -> None:
    count = 8_000
    with running(tmp_path / "data", **LISTEN) as program:
        settle_in(program, 100_000)
        with Browser(url_of(program)) as cui:
            cui.log_in("cui")
            rows = "\n".join(f"{13800010000 + n},{n}" for n in range(count))
            path = drafted(cui, rows, f"{{2}}{TEXT}")
            assert cui.fill(path, step="send").status_code == 303
        posted = "SELECT count(*) FROM mailing_pieces WHERE fates IS NOT NULL"
        for _ in range(kills):
            begun = program.query(posted)[0][0]
            eventually(lambda begun=begun: program.query(posted)[0][0] > begun)  # type: ignore[misc]
            program.stop(signal.SIGKILL)
            assert program.query(posted)[0][0] < count // 500, "it came too late"
            program.start()
        with Browser(url_of(program)) as cui:
            cui.log_in("cui")
            done(cui, path)
            fates = Counter(said for _, _, said, _ in result(cui, path))
        assert fates == {"accepted": count}
        assert program.query("SELECT count(*), count(DISTINCT number) FROM messages") == [(count, count)]
        assert program.query("SELECT count(*), sum(price_milli) FROM submissions") == [(count, count * 1000)]
        assert program.api("GET", "/ledger/check")["faults"] == []
