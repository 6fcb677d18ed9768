"""The whole road over SMPP: the real program, and the SMSC in a process beside it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .program import Customer, Program, eventually, form, run_cli, running
from .smsc import Smsc, smsc

DEMO = Customer("demo", "demo")
LONG = "长" * 150 + "😀" * 10 + "【测试】"


def channels(*settings: dict[str, object]) -> dict[str, str]:
    """The environment that names them."""
    return {"YIZHAN_CHANNELS": json.dumps(settings), "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}


def fetch(program: Program, operation: str, customer: Customer = DEMO) -> str:
    """What a fetch answers, in GB18030."""
    response = program.post(operation, form(CorpID=customer.corp_id, Pwd=customer.password))
    assert response.status_code == 200
    return response.content.decode("gb18030")


def test_there_and_back(tmp_path: Path) -> None:
    with smsc(tmp_path / "smsc") as carrier, running(tmp_path / "data", "--demo", **channels(carrier.channel())) as us:
        short = us.send(DEMO, Cell="12")
        long = us.send(DEMO, "gb18030", Mobile="13900000000", Content=LONG)
        us.wait_for("delivered", submission=short)
        us.wait_for("delivered", submission=long)
        submits = carrier.submits()
        assert [(one["number"], one["sender"], one["data_coding"]) for one in submits[:1]] == [
            ("8613800000000", "1069000012", 8)
        ]
        parts = [one for one in submits if one["number"] == "8613900000000"]
        assert [(one["part"], one["of"]) for one in parts] == [(1, 3), (2, 3), (3, 3)]
        assert "".join(one["text"] for one in parts) == LONG
        rows = [row.split("$$$$$") for row in fetch(us, "GetReportSMS").split("|||")[:-1]]
        assert [(int(row[0]), row[1], row[3], row[4]) for row in rows] == [
            (short, "13800000000", "1", "DELIVRD"),
            (long, "13900000000", "1", "DELIVRD"),
        ]
        wish: dict[str, Any] = {"from": "8613800000000", "to": "1069000012", "text": "收到" * 60, "shuffle": True}
        carrier.tell(do="reply", **wish)
        answer = eventually(lambda: fetch(us, "Get"))
        assert re.fullmatch(r"\|\|13800000000#(收到){60}#[-0-9: ]{19}#12", answer)
        assert us.api("GET", "/ledger/check")["faults"] == []


def test_a_channel_is_added_changed_paused_and_removed_while_messages_flow(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with smsc(tmp_path / "one") as one, smsc(tmp_path / "two") as two, running(data, "--demo") as us:
        settings = one.channel()
        del settings["name"]
        us.api("POST", "/channels", json={"name": "one", "settings": settings})
        eventually(lambda: us.api("GET", "/channels/one")["channel"]["bound"] == 1)
        assert [view["name"] for view in us.api("GET", "/channels")] == ["one"], "the built-in simulator made way"
        sent = [us.send(DEMO, Mobile=f"13800001{n:03d}") for n in range(20)]
        us.api("POST", "/channels/one/pause")
        held = us.send(DEMO, Mobile="13800002000")
        us.wait_for("delivered", count=20)
        (story,) = us.api("GET", f"/messages/{held}")
        assert ("channel one does not carry it now", "paused") in {
            (step["what"], step["why"]) for step in story["steps"]
        }
        us.api("POST", "/channels", json={"name": "two", "settings": {**settings, "port": two.port}})
        us.wait_for("delivered", submission=held)
        us.api("POST", "/channels/one/resume")
        us.api("PATCH", "/channels/one", json={"settings": {"window": 3}})
        eventually(lambda: us.api("GET", "/channels/one")["channel"]["bound"] == 1)
        assert two.tell(do="stats")["binds"] == 1, "the other channel's bind was left alone"
        sent += [us.send(DEMO, Mobile=f"13800003{n:03d}") for n in range(40)]
        us.wait_for("delivered", count=61)
        assert one.tell(do="stats")["submits"] + two.tell(do="stats")["submits"] == 61
        us.api("DELETE", "/channels/one")
        last = us.send(DEMO, Mobile="13800004000")
        us.wait_for("delivered", submission=last)
        assert one.tell(do="stats")["bound"] == 0
    with running(data, "--demo") as us:
        eventually(lambda: [view["name"] for view in us.api("GET", "/channels")] == ["two"])


def test_one_refuses_one_throttles_and_one_is_dead_for_a_while(tmp_path: Path) -> None:
    """No loss, no duplicate, no stuck queue; and the story says why."""
    refusing = "[[errors]]\nstatus = 0x0A\n"
    throttling = "[throttle]\nabove_per_s = 50\n"
    with (
        smsc(tmp_path / "no", refusing) as no,
        smsc(tmp_path / "slow", throttling) as slow,
        smsc(tmp_path / "dead") as dead,
        running(
            tmp_path / "data", "--demo", **channels(no.channel("no"), slow.channel("slow"), dead.channel("dead"))
        ) as us,
    ):
        eventually(lambda: all(view["bound"] for view in us.api("GET", "/channels")))
        dead.kill()
        numbers = [f"138{n:08d}" for n in range(9, 309)]
        id_ = us.send(DEMO, Mobile=",".join(numbers))
        eventually(lambda: us.query("SELECT count(*) FROM messages WHERE state >= 5")[0][0] > 100)
        dead.start()
        eventually(lambda: us.query("SELECT count(*) FROM messages WHERE state = 10") == [(300,)], 60)
        taken = [one["number"] for one in (*slow.submits(), *dead.submits()) if one["answer"] == "ROK"]
        uncertain = us.query("SELECT count(*) FROM messages WHERE uncertain > 0")[0][0]
        assert set(taken) == {f"86{number}" for number in numbers}
        assert len(taken) - 300 <= uncertain
        assert no.tell(do="stats")["taken"] == 0
        stories = us.api("GET", f"/messages/{id_}")
        refused = [step for story in stories for step in story["steps"] if "refused: RINVSRCADR" in step["what"]]
        assert refused, "somebody was refused by the first, and the story tells it"
        assert us.api("GET", "/ledger/check")["faults"] == []
        assert us.balance(DEMO) == 10_000 - 300


def test_routes_decide_and_explain_themselves(tmp_path: Path) -> None:
    with (
        smsc(tmp_path / "home") as home,
        smsc(tmp_path / "abroad") as abroad,
        running(tmp_path / "data", "--demo", **channels(home.channel("home"), abroad.channel("abroad"))) as us,
    ):
        eventually(lambda: all(view["bound"] for view in us.api("GET", "/channels")))
        data = us.data
        assert run_cli(data, "route", "add", "--country", "852", "--to", "abroad").returncode == 0
        assert run_cli(data, "route", "add", "--to", "home", "--to", "abroad").returncode == 0
        told = run_cli(data, "route", "explain", "--to", "+85291234567", "--account", "demo").stdout
        assert "rule 1: country 852" in told and "over abroad (100%)" in told
        told = run_cli(data, "route", "explain", "--to", "13800000000", "--account", "demo").stdout
        assert "rule 2: everything" in told and "not over abroad: a better tier has room" in told
        id_ = us.send(DEMO, Mobile="+85291234567,13800000009")
        us.wait_for("delivered", count=2, submission=id_)
        rows = {row["number"]: row["channel"] for row in us.messages(submission=id_)}
        assert rows == {"+85291234567": "abroad", "+8613800000009": "home"}
        us.api("POST", "/channels/home/pause")
        id_ = us.send(DEMO, Mobile="13800000009")
        (row,) = us.wait_for("delivered", submission=id_)
        assert row["channel"] == "abroad", "the backup"
        answer = run_cli(data, "channel", "remove", "abroad")
        assert answer.returncode == 1 and "configuration file" in answer.stderr


def test_what_is_held_waits_for_an_operator(tmp_path: Path) -> None:
    scenario = "[answer]\nswallow_share = 1.0\n[receipts]\nnone_share = 1.0\n"
    with smsc(tmp_path / "smsc", scenario) as carrier:
        channel = carrier.channel(uncertain="hold", answer_timeout_s=0.3)
        with running(tmp_path / "data", "--demo", **channels(channel)) as us:
            one, two = us.send(DEMO, Mobile="13800000011"), us.send(DEMO, Mobile="13800000012")
            us.wait_for("uncertain", count=2)
            ids = {row["submission"]: str(row["id"]) for row in us.messages()}
            assert run_cli(us.data, "message", "give-up", ids[one]).returncode == 0
            (row,) = us.wait_for("failed", submission=one)
            assert row["refunded"] == 1
            carrier.tell(do="set", scenario={})
            assert run_cli(us.data, "message", "resend", ids[two]).returncode == 0
            (row,) = us.wait_for("delivered", submission=two)
            assert row["uncertain"] == 1
            assert run_cli(us.data, "message", "resend", ids[two]).returncode == 1


@pytest.mark.parametrize("words", [["channel", "list"], ["channel", "show", "carrier"], ["channel", "test", "carrier"]])
def test_looking_at_a_channel(carried: tuple[Program, Smsc], words: list[str]) -> None:
    us, carrier = carried
    told = run_cli(us.data, *words)
    assert told.returncode == 0, told.stderr
    assert {"list": "bound 1 of 1", "show": str(carrier.port), "test": "answers"}[words[1]] in told.stdout
    assert "topsecret" not in told.stdout
    json.loads(run_cli(us.data, *words, "--json").stdout)


def test_a_trace_and_a_capture_file(carried: tuple[Program, Smsc], tmp_path: Path) -> None:
    us, _ = carried
    id_ = us.send(DEMO, Mobile="13812345678")
    us.wait_for("delivered", submission=id_)
    told = run_cli(us.data, "channel", "trace", "carrier").stdout
    assert "-> submit_sm" in told and "<- deliver_sm" in told
    assert "13812345678" not in told and "topsecret" not in told
    assert (
        "8613812345678" in run_cli(us.data, "channel", "trace", "carrier", "--clear", "--number", "13812345678").stdout
    )
    pdus = json.loads(run_cli(us.data, "channel", "trace", "carrier", "--json").stdout)
    assert pdus[0]["command"] == "bind_transceiver" and all(not pdu["data"] for pdu in pdus)
    done = run_cli(us.data, "channel", "trace", "carrier", "--pcap", str(tmp_path / "a.pcap"))
    assert done.returncode == 0 and (tmp_path / "a.pcap").stat().st_mode & 0o777 == 0o600
    captured = (tmp_path / "a.pcap").read_bytes()
    assert captured[:4] == b"\xd4\xc3\xb2\xa1" and b"topsecret" not in captured


def test_a_trace_is_followed_across_a_change_of_the_channel(tmp_path: Path) -> None:
    with smsc(tmp_path / "smsc") as carrier, running(tmp_path / "data", "--demo") as us:
        settings = {key: value for key, value in carrier.channel().items() if key != "name"}
        us.api("POST", "/channels", json={"name": "a", "settings": settings})
        eventually(lambda: us.api("GET", "/channels/a")["channel"]["bound"] == 1)
        command = [sys.executable, "-m", "yizhan", "channel", "trace", "a", "--follow", "--json"]
        environ = {**os.environ, "YIZHAN_DATA": str(us.data)}
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as trace:
            assert trace.stdout is not None

            def until(command: str) -> None:
                while json.loads(trace.stdout.readline())["command"] != command:  # type: ignore[union-attr]
                    pass

            until("bind_transceiver_resp")
            us.api("PATCH", "/channels/a", json={"settings": {"window": 7}})
            until("bind_transceiver_resp")
            us.send(DEMO, Mobile="13812345678")
            until("submit_sm_resp")
            trace.send_signal(signal.SIGINT)
            assert trace.wait(20) == 0


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Smsc]]:
    """A gateway with one carrier, for the tests that only look."""
    folder = tmp_path_factory.mktemp("carried")
    with smsc(folder / "smsc") as carrier:
        channel = carrier.channel(password="topsecret")
        with running(folder / "data", "--demo", **channels(channel)) as us:
            eventually(lambda: us.api("GET", "/channels/carrier")["channel"]["bound"] == 1)
            yield us, carrier
