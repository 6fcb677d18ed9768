"""The clock, masking and short names of sockets."""

import io
import json
import logging
import os
import socket
import time
from pathlib import Path

import pytest
import structlog

from yizhan.kit.clock import SystemClock, to_rfc3339
from yizhan.kit.log import get_logger, set_up_logging
from yizhan.kit.masking import mask_text
from yizhan.kit.once import once
from yizhan.kit.sockets import SHORT_BYTES, short_path


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        pytest.param(0, "1970-01-01T00:00:00.000Z", id="the epoch"),
        pytest.param(1_709_164_800_123, "2024-02-29T00:00:00.123Z", id="milliseconds stay"),
        pytest.param(253_402_271_999_000, "9999-12-31T15:59:59.000Z", id="the last SendTime there is"),
        pytest.param(None, None, id="none"),
    ],
)
def test_rfc3339(ms: int | None, text: str | None) -> None:
    assert to_rfc3339(ms) == text


def test_system_clock() -> None:
    clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 1_000
    assert clock.monotonic_s() <= clock.monotonic_s()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("验证码123456【驿站】", "验证码***…(13)", id="digits are starred, the rest is cut"),
        pytest.param("１２３", "***", id="full-width digits too"),
        pytest.param("", "", id="empty"),
    ],
)
def test_mask_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize("depth", [1, 4], ids=["short", "longer than a socket's name may be"])
def test_sockets_in_deep_directories(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["d" * 60] * depth)
    directory.mkdir(parents=True)
    path = directory / "admin.sock"
    with socket.socket(socket.AF_UNIX) as server, short_path(path) as name:
        assert len(os.fsencode(name)) <= SHORT_BYTES + 8
        server.bind(name)
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(name)
    assert path.is_socket()


def test_a_socket_in_no_directory(tmp_path: Path) -> None:
    missing = tmp_path.joinpath(*["d" * 60] * 4, "admin.sock")
    with pytest.raises(FileNotFoundError), short_path(missing):
        pass


def test_log_lines_are_json_off_a_terminal() -> None:
    handlers, level = logging.root.handlers, logging.root.level  # pytest's own
    stream = io.StringIO()
    try:
        set_up_logging("warning", stream)
        log = get_logger("store")
        log.info("too quiet")
        log.warning("a batch was rolled back", calls=3)
        logging.getLogger("library").warning("from a library")
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["station"], first["calls"], first["level"]) == (
        "a batch was rolled back",
        "store",
        3,
        "warning",
    )
    assert second["event"] == "from a library"


def test_once() -> None:
    class Counter:
        asked = 0

        @once
        def value(self) -> int:
            """What was asked for."""
            self.asked += 1
            return 7

    first, second = Counter(), Counter()
    assert (first.value, first.value, first.asked, second.asked) == (7, 7, 1, 0)
    assert Counter.value.__doc__ == "What was asked for."
