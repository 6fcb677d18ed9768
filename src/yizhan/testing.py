"""A pytest plugin: the fixture ``sms_inbox`` is a gateway on a free port, and the phones that its messages arrive on.

    def test_login(sms_inbox):
        app = MyApp(sms_url=sms_inbox.url, corp_id=sms_inbox.account, password=sms_inbox.password)
        app.ask_for_code("13800000000")
        assert app.log_in("13800000000", sms_inbox.wait_for_code("13800000000"))

pytest finds it by itself where Yizhan is installed. One gateway serves all tests of a session; nothing leaves the
machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_START_S = 30.0
_STOP_S = 20.0
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Sms:
    """A message as a phone shows it."""

    to: str  # E.164
    sender: str
    text: str
    code: str | None  # what the phone would offer to copy


@dataclass(frozen=True, slots=True)
class SmsInbox:
    """A gateway with its demo account, 10,000 credits, and simulated phones of every number."""

    url: str  # what programs call: http://127.0.0.1:PORT/sdk2/
    data: Path  # its data directory, for the command line
    account: str = "demo"
    password: str = "demo"  # noqa: S105 - the demo account's, which is callable from this machine only

    def wait_for(self, to: str, match: str = "", timeout_s: float = _WAIT_S) -> Sms:
        """The next message for the number ``to`` with ``match`` in its text; also one that has come already.

        Each message is given out once. AssertionError when none has come after ``timeout_s`` seconds.
        """
        from yizhan.cli.link import Failed, call

        query = {"to": to, "match": match, "timeout_s": timeout_s}
        try:
            found: dict[str, Any] = call(self.data, "GET", "/inbox/wait", params=query)
        except Failed as error:
            raise AssertionError(str(error)) from None
        return Sms(found["to"], found["sender"], found["text"], found["code"])

    def wait_for_code(self, to: str, match: str = "", timeout_s: float = _WAIT_S) -> str:
        """The code in that message. AssertionError when there is none in it."""
        message = self.wait_for(to, match, timeout_s)
        if message.code is None:
            raise AssertionError(f"there is no code in {message.text!r}")
        return message.code


@pytest.fixture(scope="session")
def sms_inbox() -> Iterator[SmsInbox]:
    """A gateway of the test session's own, which ends with it."""
    with tempfile.TemporaryDirectory(prefix="yizhan-") as folder:
        data, log = Path(folder, "data"), Path(folder, "log")
        command = [sys.executable, "-m", "yizhan", "serve", "--demo", "--listen", "127.0.0.1:0", "--data", str(data)]
        with log.open("wb") as file:
            gateway = subprocess.Popen(command, env=_environ(), stdout=subprocess.DEVNULL, stderr=file)  # noqa: S603
        try:
            yield SmsInbox(_wait_until_ready(gateway, log), data)
        finally:
            gateway.terminate()
            try:
                gateway.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                gateway.kill()
                gateway.wait()


def _environ() -> dict[str, str]:
    """Without the settings of another gateway of the developer's, and without a console."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
    return {**own, "YIZHAN_ADMIN__API_LISTEN": "none"}


def _wait_until_ready(gateway: "subprocess.Popen[bytes]", log: Path) -> str:
    """Its address."""
    deadline = time.monotonic() + _START_S
    while gateway.poll() is None and time.monotonic() < deadline:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"event": "ready"' in line and line.endswith("}"):
                return str(json.loads(line)["url"])
        time.sleep(0.02)
    raise RuntimeError(f"the gateway did not start:\n{log.read_text(encoding='utf-8')}")
