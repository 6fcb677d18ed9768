"""Replies and reports: what a program sends comes back to it, once, over every transport (contract, section 9)."""

import contextlib
import re
import socket
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .program import TEXT, Customer, Program, eventually, running
from .test_family import Way, every_way

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway whose accounts may fetch as often as they like."""
    channels = '[{"name": "simulator", "receipt_delay_s": 0.02}]'
    environ = {"YIZHAN_CHANNELS": channels, "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
    with running(tmp_path_factory.mktemp("fetches") / "data", **environ) as program:
        yield program


def who(customer: Customer) -> dict[str, str]:
    """The first two parameters of every plain operation."""
    return {"CorpID": customer.corp_id, "Pwd": customer.password}


def say(program: Program, number: str, to: str, text: str) -> dict[str, object]:
    """A handset replies."""
    stored: dict[str, object] = program.api(
        "POST", "/simulator/replies", json={"number": number, "to": to, "text": text}
    )
    return stored


def ask(program: Program, operation: str, customer: Customer, **more: str) -> str:
    """A fetch by ``.aspx``."""
    body = urlencode({**who(customer), **more}).encode()
    return program.post(operation, body).content.decode("gb18030")


@every_way
def test_a_round_trip(free: Program, way: Way) -> None:
    extension = str(id(way))[-6:]
    customer = free.account(f"trip-{extension}", extension=extension)
    call = {**who(customer), "Mobile": "013800000000,85291234567,12", "Content": TEXT, "Cell": "77", "SendTime": ""}
    id_ = way(free, "BatchSend2", call)
    assert int(id_) > 0
    rows = [
        f"{id_}\\$\\$\\$\\$\\$12\\$\\$\\$\\$\\${TIME}\\$\\$\\$\\$\\$2\\$\\$\\$\\$\\$REJECTD\\$\\$\\$\\$\\${TIME}\\|\\|\\|"
    ] + [
        f"{id_}\\$\\$\\$\\$\\${number}\\$\\$\\$\\$\\${TIME}\\$\\$\\$\\$\\$1\\$\\$\\$\\$\\$DELIVRD\\$\\$\\$\\$\\${TIME}\\|\\|\\|"
        for number in ("013800000000", "85291234567")
    ]
    free.wait_for("delivered", 2, submission=int(id_))
    assert re.fullmatch("".join(rows), way(free, "GetReportSMS", who(customer)))
    assert way(free, "GetReportSMS", who(customer)) == "", "each report once"
    assert re.fullmatch(rf"\|\|12#REJECTD#{TIME}#77", way(free, "GetReportFail", who(customer)))
    assert way(free, "GetReportFail", who(customer)) == "全部正确提交,无错误返回报告"
    say(free, "+8613800000000", f"10690000{extension}77", "收到|了#\n好<的>&")
    say(free, "85291234567", f"10690000{extension}", "two")
    got = rf"\|\|13800000000#收到｜了＃ 好<的>&#{TIME}#77\|\|85291234567#two#{TIME}#"
    assert re.fullmatch(got, way(free, "Get", who(customer)))
    assert way(free, "Get", who(customer)) == "", "each reply once"


def test_failures_of_one_cell(free: Program) -> None:
    customer = free.account("cells", extension="31")
    for cell in ("1", "2"):
        free.send(customer, Mobile="13800000001", Cell=cell)
    free.wait_for("failed", 2, account="cells")
    assert re.fullmatch(rf"\|\|13800000001#UNDELIV#{TIME}#2", ask(free, "GetReportFail", customer, cell="2"))
    assert re.fullmatch(rf"\|\|13800000001#UNDELIV#{TIME}#1", ask(free, "GetReportFail", customer))
    assert len(ask(free, "GetReportSMS", customer).split("|||")) == 3, "a cursor of its own"


def test_the_ends_of_messages(free: Program) -> None:
    customer = free.account("ends", extension="32")
    id_ = free.send(customer, Mobile="13800000001,13800000002,13800000003,13800000005,13800000009")
    later = free.send(customer, SendTime="20990101000000")
    free.api("POST", f"/submissions/{later}/cancel")
    waiting = f"SELECT count(*) FROM handouts WHERE queue = 2 AND account_id = {_id(free, 'ends')}"
    eventually(lambda: free.query(waiting) == [(6,)])
    rows = [row.split("$$$$$") for row in ask(free, "GetReportSMS", customer).split("|||")[:-1]]
    ends = {(int(row[0]), row[1]): (row[3], row[4]) for row in rows}
    assert ends == {
        (id_, "13800000001"): ("2", "UNDELIV"),
        (id_, "13800000002"): ("3", "EXPIRED"),
        (id_, "13800000003"): ("2", "REJECTD"),
        (id_, "13800000005"): ("2", "RINVDSTADR"),
        (id_, "13800000009"): ("1", "DELIVRD"),
        (later, "13800000000"): ("2", "DELETED"),
    }


def _id(program: Program, corp_id: str) -> int:
    return int(program.query(f"SELECT id FROM accounts WHERE corp_id = '{corp_id}'")[0][0])


def test_fifty_replies_a_call(free: Program) -> None:
    customer = free.account("fifty", extension="33")
    for count in range(51):
        say(free, "13800000000", "1069000033", f"no {count}")
    first = ask(free, "Get", customer)
    assert [row.split("#")[1] for row in first.split("||")[1:]] == [f"no {count}" for count in range(50)]
    assert "no 50" in ask(free, "Get", customer)
    assert ask(free, "Get", customer) == ""


def test_head_hands_out_nothing(free: Program) -> None:
    customer = free.account("head", extension="34")
    say(free, "13800000000", "1069000034", "here")
    with socket.create_connection(free.address) as client:
        client.sendall(f"HEAD /sdk2/Get.aspx?{urlencode(who(customer))} HTTP/1.0\r\n\r\n".encode())
        assert b"200 OK" in client.recv(1000)
    assert "here" in ask(free, "Get", customer)


CUTS = {
    "reset": struct.pack("ii", 1, 0),  # what is unread is lost, and the peer is told at once
    "closed": struct.pack("ii", 0, 0),
}


@pytest.mark.parametrize("linger", CUTS.values(), ids=CUTS.keys())
def test_a_fetch_whose_connection_is_cut_is_handed_out_again(free: Program, linger: bytes) -> None:
    name = f"cut{len(linger)}{linger[0]}"
    customer = free.account(name, extension=f"35{linger[0]}")
    say(free, "13800000000", f"1069000035{linger[0]}", "once more")
    for _ in range(5):
        with socket.create_connection(free.address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(f"GET /sdk2/Get.aspx?{urlencode(who(customer))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert "once more" in eventually(lambda: ask_late(free, customer)), "released at once, not after the lease"
        say(free, "13800000000", f"1069000035{linger[0]}", "once more")


def ask_late(program: Program, customer: Customer) -> str:
    """What is there now; the cut fetch may still be under way."""
    time.sleep(0.02)
    return ask(program, "Get", customer)


def test_a_client_that_only_stops_sending_gets_it_once(free: Program) -> None:
    customer = free.account("half", extension="36")
    say(free, "13800000000", "1069000036", "half closed")
    with socket.create_connection(free.address) as client:
        client.sendall(f"GET /sdk2/Get.aspx?{urlencode(who(customer))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as stream:
            assert "half closed" in stream.read().decode("gb18030")
    eventually(lambda: not free.query(f"SELECT 1 FROM handouts WHERE account_id = {_id(free, 'half')}"))
    assert ask(free, "Get", customer) == ""


def test_a_cut_fetch_starts_no_interval(gateway: Program) -> None:
    customer = gateway.account("cut-interval", extension="37")
    say(gateway, "13800000000", "1069000037", "text")
    with socket.create_connection(gateway.address) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUTS["reset"])
        client.sendall(f"GET /sdk2/Get.aspx?{urlencode(who(customer))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert "text" in eventually(lambda: ask_late(gateway, customer).removeprefix("-101"))
    assert ask(gateway, "Get", customer) == "-101"


def test_a_lease_ends_by_itself_after_a_crash(tmp_path: Path) -> None:
    data, quick = tmp_path / "data", {"YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
    with running(data, **quick) as program:
        customer = program.account("crash")
        say(program, "13800000000", "10690000", "survives")
        program.stop(9)
    # What a fetch that was under way at the crash has left behind.
    until_s = time.time() + 1.5
    with contextlib.closing(sqlite3.connect(data / "yizhan.db", isolation_level=None)) as db:
        db.execute("UPDATE handouts SET leased_until_ms = ?", (int(until_s * 1000),))
    with running(data, **quick) as program:
        first = ask(program, "Get", customer)
        assert first == "" or time.time() >= until_s, "other fetches do not see leased rows"
        assert "survives" in (first or eventually(lambda: ask(program, "Get", customer)))


OPT_OUTS = {
    "plain": "退订",
    "punctuation": "“退订”。",
    "full width": "ＴＤ",
    "lower case": " td !",
    "one letter": "N",
    "the other word": "拒收",
}
STAYS = {"a sentence": "我不要退订", "a word that begins so": "TDK", "nothing": "。。。"}


@pytest.mark.parametrize("text", OPT_OUTS.values(), ids=OPT_OUTS.keys())
def test_opting_out(free: Program, text: str) -> None:
    extension = str(list(OPT_OUTS.values()).index(text) + 4_300)
    customer = free.account(f"out-{extension}", extension=extension, credit=10)
    assert say(free, "13800000000", f"10690000{extension}", text)["opted_out"] is True
    call = {**who(customer), "Mobile": "13800000000", "Content": TEXT}
    assert free.post("BatchSend2", urlencode(call, encoding="gb18030").encode()).text == "-11"
    assert ask(free, "NotSend", customer) == "13800000000"
    assert free.send(customer, Mobile="13800000000") == -2
    assert free.send(customer, Mobile="13800000000,13900000000") > 0
    assert free.balance(customer) == 9, "only the other one is charged"
    assert text.strip() in ask(free, "Get", customer), "the program sees the reply all the same"


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS.keys())
def test_not_opting_out(free: Program, text: str) -> None:
    extension = str(list(STAYS.values()).index(text) + 4_200)
    free.account(f"stay-{extension}", extension=extension)
    assert say(free, "13800000000", f"10690000{extension}", text)["opted_out"] is False


def test_opting_out_can_be_switched_off(free: Program) -> None:
    free.account("keeps", extension="41", opt_out=False)
    assert say(free, "13800000000", "1069000041", "TD")["opted_out"] is False


def test_to_whom_a_reply_belongs(free: Program) -> None:
    for name, extension in (("short", "55"), ("long", "5566")):
        free.account(name, extension=extension)
    assert say(free, "13800000000", "1069000055", "a")["account"] == "short"
    stored = say(free, "13800000000", "10690000557", "a")
    assert (stored["account"], stored["cell"]) == ("short", "7")
    assert say(free, "13800000000", "10690000556612", "a")["account"] == "long"


def test_accounts_that_share_the_access_number(free: Program) -> None:
    one, other = free.account("shares-1"), free.account("shares-2")
    assert say(free, "13811112222", "10690000", "who?")["account"] is None, "nobody wrote to this number"
    free.send(one, Mobile="13811112222", Cell="1")
    free.send(other, Mobile="13811112222", Cell="2")
    assert say(free, "13811112222", "106900001", "to the first")["account"] == "shares-1"
    assert say(free, "13811112222", "106900002", "to the second")["account"] == "shares-2"
    assert say(free, "13811112222", "10690000", "to the last")["account"] == "shares-2"
    free.api("POST", "/accounts/shares-2/disable")
    assert say(free, "13811112222", "106900002", "to who is left")["account"] == "shares-1"


def test_an_opt_out_that_belongs_to_nobody_blocks_for_all_who_may_be_meant(free: Program) -> None:
    customers = [free.account(f"meant-{n}") for n in (1, 2)]
    stored = say(free, "13811113333", "10690000", "TD")
    assert (stored["account"], stored["opted_out"]) == (None, True)
    for customer in customers:
        assert "13811113333" in ask(free, "NotSend", customer)


def test_the_sender_is_access_number_extension_and_cell(free: Program) -> None:
    customer = free.account("sender", extension="8899")
    free.send(customer, Mobile="13822223333", Cell="5")
    eventually(lambda: [line for line in free.journal() if line.get("sender") == "1069000088995"])
    assert free.send(customer, Cell="123456789") == -2, "more than 20 digits"
