"""``yizhan replies`` and ``yizhan reports``: what is printed is all that is left, so it is printed whole."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from yizhan.cli import fetch
from yizhan.client import AsyncClient, Client, Unreachable

from .foreign import HangUp, Platform, Say

SHOWN = "2026-11-24 08:00:05"
LONG = "这是一条很长的回复，" * 30 + "到此为止"
app = typer.Typer(pretty_exceptions_enable=False)
fetch.register(app)


def run(platform: Platform, *words: str, **environ: str) -> Result:
    switches = ["--url", platform.url, "--corp", "C1", "--password-stdin"]
    return CliRunner().invoke(app, [*words, *switches], input="secret\n", env={"TZ": "Asia/Shanghai", **environ})


def on_a_terminal(platform: Platform, columns: int, *words: str) -> str:
    """What somebody sees who runs the command in a window of so many columns; without styles and line ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    environ |= {"YIZHAN_PASSWORD": "secret", "PYTHONUTF8": "1", "TERM": "xterm", "TZ": "Asia/Shanghai"}
    command = [sys.executable, "-m", "yizhan", *words, "--url", platform.url, "--corp", "C1"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as child:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
            while piece := os.read(ours, 65_536):
                seen += piece
    os.close(ours)
    assert child.returncode == 0, seen
    return "".join(re.sub(r"\x1b\[[0-9;]*m", "", seen.decode()).split())


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_long_text_is_folded_and_not_cut(platform: Platform, columns: int) -> None:
    platform.will_say(f"||13800000000#{LONG}#{SHOWN}#12".encode("gb18030"))
    assert "".join(re.findall("[一-鿿，]", on_a_terminal(platform, columns, "replies"))) == LONG


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_report_is_printed_whole(platform: Platform, columns: int) -> None:
    platform.will_say(f"100000000$$$$$013800000000$$$$${SHOWN}$$$$$1$$$$$DELIVRD$$$$${SHOWN}|||".encode())
    head = "reported at id number flag status submitted at"
    row = f"{SHOWN} 100000000 013800000000 delivered DELIVRD {SHOWN}"
    assert Counter(on_a_terminal(platform, columns, "reports")) == Counter("".join((head + row).split()))


def test_a_record_of_another_form_is_shown_as_it_came(platform: Platform) -> None:
    platform.will_say(b"||13800000000#\x1b[2J#today#12", b"||13800000000#a#today#12")
    result = run(platform, "replies")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "yizhan: a record of another form: 13800000000#␛[2J#today#12\n"
    assert json.loads(run(platform, "replies", "--json").stdout) == [{"raw": "13800000000#a#today#12"}]


@pytest.mark.parametrize(
    ("words", "path", "said"),
    [
        pytest.param(["replies"], "Get", "no replies wait\n", id="replies"),
        pytest.param(["reports"], "GetReportSMS", "no reports wait\n", id="reports"),
        pytest.param(["reports", "--failed"], "GetReportFail", "no reports wait\n", id="failed"),
    ],
)
def test_nothing_waits(platform: Platform, words: list[str], path: str, said: str) -> None:
    platform.will_say(b"", b"")
    assert run(platform, *words).stdout == said
    assert platform.heard[0].path == f"/sdk2/{path}.aspx"
    assert json.loads(run(platform, *words, "--json").stdout) == []


@pytest.mark.parametrize("words", [["replies"], ["reports"], ["reports", "--failed"]], ids=" ".join)
@pytest.mark.parametrize(
    ("failure", "uncertain", "code"),
    [
        pytest.param(b"-101", False, -101, id="refused"),
        pytest.param(HangUp(), True, None, id="answer lost"),
        pytest.param(Say(b"down", 502), True, None, id="502"),
        pytest.param(Say(b"gone", 404), False, None, id="404"),
    ],
)
def test_a_fetch_that_fails(platform: Platform, words: list[str], failure: Any, uncertain: bool, code: Any) -> None:
    platform.will_say(failure, b"")
    result = run(platform, *words, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["uncertain"], document["code"]) == (uncertain, code)
    assert result.stderr.startswith(f"yizhan: {document['error']}\n")
    assert ("may be lost" in result.stderr) == uncertain
    assert len(platform.heard) == 1


@contextlib.contextmanager
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """A port that hangs up in the middle of the TLS handshake: nothing of a call can have been heard."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[bytes] = []

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    accepted.append(connection.recv(1))
                    connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.getsockname()[1]}/", accepted
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


TRIES = {"balance": 2, "replies": 2, "reports": 2, "failures": 2, "send": 1}
PARAMETERS = {"send": (["13800000000"], "x")}


@pytest.mark.parametrize(("call", "tries"), TRIES.items(), ids=TRIES)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_without_a_connection_all_but_a_send_is_tried_again(kind: Any, call: str, tries: int) -> None:
    async def talk(client: AsyncClient) -> None:
        async with client:
            await getattr(client, call)(*PARAMETERS.get(call, ()))

    with hanging_up() as (url, accepted), pytest.raises(Unreachable) as caught:
        if kind is Client:
            with Client(url, "C1", "secret") as client:
                getattr(client, call)(*PARAMETERS.get(call, ()))
        else:
            asyncio.run(talk(AsyncClient(url, "C1", "secret")))
    assert not caught.value.uncertain
    assert len(accepted) == tries
