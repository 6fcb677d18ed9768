"""Replies and reports from a platform of somebody else, and from the gateway itself; the client for asyncio."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from river.program import Program, running
from yizhan.client import (
    AsyncClient,
    Client,
    Failure,
    Fate,
    Flag,
    LinkWSError,
    NotAllowed,
    NotLinkWS,
    OtherRefusal,
    Refused,
    Reply,
    Report,
    TooSoon,
    UnknownAccount,
    Unreachable,
    Unreadable,
    WrongPassword,
)
from yizhan.client.errors import MEANINGS, refusal
from yizhan.client.records import BEIJING, read_failures, read_replies, read_reports

from .foreign import MD5_OF_SECRET, HangUp, Platform, Say
from .test_send_command import run

AT = datetime(2026, 11, 24, 8, 0, 5, tzinfo=BEIJING)
SHOWN = "2026-11-24 08:00:05"

REPLIES: dict[str, tuple[str, list[Reply | Unreadable]]] = {
    "none": ("", []),
    "one": (f"||13800000000#收到#{SHOWN}#12", [Reply("13800000000", "收到", AT, "12")]),
    "two": (
        f"||13800000000#a#{SHOWN}#||85291234567##{SHOWN}#7",
        [Reply("13800000000", "a", AT, ""), Reply("85291234567", "", AT, "7")],
    ),
    "marks left in the text": (f"||13800000000#a#b||c#{SHOWN}#1", [Reply("13800000000", "a#b||c", AT, "1")]),
    "line breaks left in the text": (f"||13800000000#a\nb#{SHOWN}#1\r\n", [Reply("13800000000", "a\nb", AT, "1")]),
    "no such day": ("||13800000000#a#2026-02-30 00:00:00#1", [Unreadable("13800000000#a#2026-02-30 00:00:00#1")]),
    "something else": ("<html>", [Unreadable("<html>")]),
}

RECORD = f"100000000$$$$$013800000000$$$$${SHOWN}$$$$$1$$$$$DELIVRD$$$$${SHOWN}"
REPORT = Report(100000000, "013800000000", AT, Flag.DELIVERED, "DELIVRD", AT)
REPORTS: dict[str, tuple[str, list[Report | Unreadable]]] = {
    "none": ("", []),
    "one": (f"{RECORD}|||", [REPORT]),
    "no end": (f"{RECORD}|||{RECORD}", [REPORT, REPORT]),
    "a flag that nobody knows": (f"{RECORD}|||".replace("$1$", "$7$"), [Unreadable(RECORD.replace("$1$", "$7$"))]),
    "five fields": ("1$$$$$2|||", [Unreadable("1$$$$$2")]),
}

FAILURES: dict[str, tuple[str, list[Failure | Unreadable]]] = {
    "the words for none": ("全部正确提交,无错误返回报告", []),
    "one": (f"||13800000000#UNDELIV#{SHOWN}#12", [Failure("13800000000", "UNDELIV", AT, "12")]),
}


@pytest.mark.parametrize(("text", "records"), REPLIES.values(), ids=REPLIES.keys())
def test_reading_replies(text: str, records: list[Any]) -> None:
    assert read_replies(text) == records


@pytest.mark.parametrize(("text", "records"), REPORTS.values(), ids=REPORTS.keys())
def test_reading_reports(text: str, records: list[Any]) -> None:
    assert read_reports(text) == records


@pytest.mark.parametrize(("text", "records"), FAILURES.values(), ids=FAILURES.keys())
def test_reading_failures(text: str, records: list[Any]) -> None:
    assert read_failures(text) == records


@given(st.text("|#$1 a\n:-"))
def test_whatever_comes_is_read_or_kept(text: str) -> None:
    """Garbage gives records or Unreadable, never an exception."""
    read: tuple[Callable[[str], list[Any]], ...] = (read_replies, read_reports, read_failures)
    for one in read:
        assert isinstance(one(text), list)


CODES: dict[int, type[Refused]] = {
    -1: UnknownAccount,
    -3: WrongPassword,
    -101: TooSoon,
    -102: NotAllowed,
    -2: OtherRefusal,
    -77: OtherRefusal,
}


@pytest.mark.parametrize(("code", "kind"), CODES.items(), ids=map(str, CODES))
def test_a_kind_of_exception_for_each_code(platform: Platform, code: int, kind: type[Refused]) -> None:
    platform.will_say(str(code).encode())
    with Client(platform.url, "acme", "secret") as client, pytest.raises(kind) as caught:
        client.reports()
    assert caught.value.code == code
    assert not caught.value.uncertain


def test_every_code_of_the_manual_has_a_kind() -> None:
    other = {code for code in MEANINGS if type(refusal(code)) is OtherRefusal}
    assert other == {-2}


def test_fetches_take_the_plain_password_and_the_platforms_charset(platform: Platform) -> None:
    text = f"||13800000000#收到€镕#{SHOWN}#12"
    utf8 = (("Content-Type", "text/html; charset=utf-8"),)
    platform.will_say(text.encode("gb18030"), Say(text.encode(), headers=utf8), Say(text.encode(), headers=()), b"77")
    with Client(platform.url, "acme", "secret") as client:
        assert [client.replies() for _ in range(3)] == [[Reply("13800000000", "收到€镕", AT, "12")]] * 3
        client.balance()
    assert platform.heard[0].path == "/sdk2/Get.aspx"
    assert platform.heard[0].body == b"CorpID=acme&Pwd=secret"
    assert platform.heard[3].body == f"CorpID=acme&Pwd={MD5_OF_SECRET}".encode()


def test_a_lost_answer_is_uncertain_and_not_asked_for_again(platform: Platform) -> None:
    platform.will_say(HangUp(), b"")
    with Client(platform.url, "acme", "secret") as client, pytest.raises(Unreachable) as caught:
        client.replies()
    assert caught.value.uncertain
    assert len(platform.heard) == 1


def test_a_long_answer(platform: Platform) -> None:
    platform.will_say(f"{RECORD}|||".encode() * 5_000)
    with Client(platform.url, "acme", "secret") as client:
        assert client.reports() == [REPORT] * 5_000


def test_asyncio(platform: Platform) -> None:
    async def talk() -> None:
        async with AsyncClient(platform.url, "acme", "secret") as client:
            platform.will_say(b"100000001", b"5", f"{RECORD}|||".encode(), f"||13800000000#a#{SHOWN}#".encode())
            assert await client.send(["13800000000"], "您好【测试】") == 100000001
            assert await client.balance() == 5
            assert await client.reports() == [REPORT]
            assert await client.replies() == [Reply("13800000000", "a", AT, "")]
            platform.will_say("全部正确提交,无错误返回报告".encode("gbk"), b"7", b"-5")
            assert await client.failures() == []
            results = await client.send_all(["1380000000" + str(n) for n in range(5)], "a", slice=2)
            assert [result.fate for result in results] == [Fate.ACCEPTED, Fate.REFUSED, Fate.NOT_TRIED]
            platform.will_say(HangUp(), Say(b"no", 404))
            with pytest.raises(Unreachable) as lost:
                await client.send(["13800000000"], "a")
            assert lost.value.uncertain
            with pytest.raises(NotLinkWS):
                await client.balance()

    asyncio.run(talk())


def test_asyncio_tries_again_only_where_nothing_was_taken() -> None:
    async def talk() -> None:
        async with AsyncClient("http://127.0.0.1:9/", "acme", "secret", timeout_s=1) as client:
            with pytest.raises(LinkWSError) as caught:
                await client.reports()
            assert not caught.value.uncertain

    asyncio.run(talk())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The gateway itself."""
    channels = '[{"name": "simulator", "receipt_delay_s": 0.02}]'
    environ = {"YIZHAN_CHANNELS": channels, "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
    with running(tmp_path_factory.mktemp("client") / "data", **environ) as program:
        yield program


@pytest.mark.parametrize("soap", [False, True], ids=["HTTP", "SOAP"])
def test_the_gateway_itself(gateway: Program, soap: bool) -> None:
    extension = "91" if soap else "92"
    customer = gateway.account(f"client-{extension}", extension=extension)
    with Client(gateway.url, customer.corp_id, customer.password, soap=soap) as client:
        id_ = client.send(["013800000000", "13800000001"], "您好【测试】", cell="5")
        found: list[Any] = []
        while len(found) < 2:  # what never comes ends in the test's own time-out
            found += client.reports()
        assert {(one.id, one.number, one.flag, one.status) for one in found} == {
            (id_, "013800000000", Flag.DELIVERED, "DELIVRD"),
            (id_, "13800000001", Flag.FAILED, "UNDELIV"),
        }
        (failure,) = client.failures("5")
        assert isinstance(failure, Failure) and failure.cell == "5"
        to = f"10690000{extension}5"
        gateway.api("POST", "/simulator/replies", json={"number": "13800000000", "to": to, "text": "好#的"})
        (reply,) = client.replies()
        assert isinstance(reply, Reply)
        assert (reply.number, reply.text, reply.cell) == ("13800000000", "好＃的", "5")
        assert abs((reply.at - datetime.now(BEIJING)).total_seconds()) < 60


def test_the_commands(gateway: Program, tmp_path: Path) -> None:
    customer = gateway.account("commands", extension="93")
    gateway.send(customer, Mobile="13800000001", Cell="5")
    gateway.wait_for("failed", account="commands")
    switches = ["--url", gateway.url, "--corp", "commands", "--password-stdin"]

    def ask(*words: str) -> Any:
        done = run(*words, *switches, "--json", stdin=customer.password)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    (report,) = ask("reports")
    assert (report["flag"], report["status"]) == ("failed", "UNDELIV")
    (failure,) = ask("reports", "--failed")
    assert (failure["number"], failure["cell"]) == ("13800000001", "5")
    gateway.api("POST", "/simulator/replies", json={"number": "13800000000", "to": "10690000935", "text": "好"})
    shown = run("replies", *switches, stdin=customer.password)
    assert shown.exit_code == 0
    assert "13800000000" in shown.stdout and "好" in shown.stdout
    assert ask("replies") == []
    refused = run("replies", *switches, stdin="wrong")
    assert (refused.exit_code, "-3" in refused.stderr) == (1, True)
