"""How a command reaches the control plane: the socket of a node, a leftover of one, or the store itself."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from yizhan.cli import link
from yizhan.kit.sockets import SHORT_BYTES, short_path
from yizhan.model.settings import AdminSettings, Settings, StoreSettings
from yizhan.node.note import leave_note

SOCKET = "admin.sock"
Answerer = Callable[[bytes], bytes]


@contextmanager
def listener(data: Path, answer: Answerer) -> Iterator[list[bytes]]:
    """Something that speaks HTTP on the socket of ``data``: gives each request to ``answer``; yields the requests."""
    seen: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        with short_path(data / SOCKET) as path:
            server.bind(path)
        server.listen()

        def work() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    request = receive(connection)
                    if not request:
                        return
                    seen.append(request)
                    connection.sendall(answer(request))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield seen
        finally:
            with short_path(data / SOCKET) as path, socket.socket(socket.AF_UNIX) as goodbye:
                goodbye.connect(path)
            thread.join(5)
            assert not thread.is_alive()


def receive(connection: socket.socket) -> bytes:
    """One request with its body; empty when the other side only says goodbye."""
    request = b""
    while chunk := connection.recv(65_536):
        request += chunk
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return request


def http(status: int, body: object, kind: str = "application/json") -> bytes:
    """An HTTP answer."""
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
    return head.encode() + raw


def leave_stale_socket(data: Path) -> None:
    """What a node leaves behind after kill -9: a socket file that nobody listens on."""
    with short_path(data / SOCKET) as path, socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    assert (data / SOCKET).is_socket()


def deep(root: Path) -> Path:
    """A directory whose path alone is longer than a unix socket's address."""
    directory = root / ("d" * 60) / ("e" * 60)
    directory.mkdir(parents=True)
    return directory


class TestShortPath:
    def test_a_short_one_stays(self) -> None:
        with short_path(Path("some/admin.sock")) as path:
            assert path == "some/admin.sock"

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/fd")
    def test_a_long_one_can_be_bound_and_reached(self, tmp_path: Path) -> None:
        long = deep(tmp_path) / "admin.sock"
        assert len(bytes(long)) > 108
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            with short_path(long) as path:
                assert len(path.encode()) <= SHORT_BYTES
                server.bind(path)
            server.listen()
            with short_path(long) as path:
                client.connect(path)
        assert long.is_socket()

    def test_a_missing_directory(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), short_path(tmp_path / ("d" * 150) / "admin.sock"):
            pass

    def test_a_name_that_nothing_can_shorten(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="too long"), short_path(tmp_path / ("n" * 200)):
            pass


class TestWithNode:
    @pytest.mark.parametrize("place", [lambda root: root, deep], ids=["short path", "long path"])
    def test_the_node_is_asked(self, tmp_path: Path, place: Callable[[Path], Path]) -> None:
        data = place(tmp_path)
        with listener(data, lambda _: http(200, [1])) as seen:
            answer = link.call(data, "POST", "/keywords", json={"words": ["视频"]}, params={"a": "x y", "b": None})
        assert answer == [1]
        head, _, body = seen[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /api/v1/keywords?a=x%20y HTTP/1.1\r\n") or b"?a=x+y HTTP" in head
        assert b"\r\nx-yizhan-actor: cli:" in head.lower()
        assert json.loads(body) == {"words": ["视频"]}
        assert list(data.iterdir()) == [data / SOCKET]  # nothing was opened beside the node

    def test_no_content(self, tmp_path: Path) -> None:
        with listener(tmp_path, lambda _: b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n"):
            assert link.call(tmp_path, "DELETE", "/numbers") is None

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            pytest.param(http(404, {"detail": "no account 'x'"}, "application/problem+json"), "no account 'x'", id="p"),
            pytest.param(http(500, "oops"), "HTTP 500", id="not a problem document"),
        ],
    )
    def test_errors(self, tmp_path: Path, answer: bytes, says: str) -> None:
        with listener(tmp_path, lambda _: answer), pytest.raises(link.Failed, match=says):
            link.call(tmp_path, "GET", "/accounts/x")

    def test_a_node_that_goes_away_is_not_asked_twice(self, tmp_path: Path) -> None:
        """The top-up may have happened: repeating it, here or in process, could charge twice."""
        with listener(tmp_path, lambda _: b"") as seen:
            with pytest.raises(link.Failed, match="before you repeat"):
                link.call(tmp_path, "POST", "/accounts/C1/topup", json={"amount": "1"})
            assert len(seen) == 1
        assert list(tmp_path.iterdir()) == [tmp_path / SOCKET]


class TestWithoutNode:
    @pytest.mark.parametrize("place", [lambda root: root, deep], ids=["short path", "long path"])
    def test_a_stale_socket_is_no_obstacle(self, tmp_path: Path, place: Callable[[Path], Path]) -> None:
        data = place(tmp_path)
        leave_stale_socket(data)
        assert link.call(data, "GET", "/accounts") == []

    def test_a_file_where_the_socket_should_be(self, tmp_path: Path) -> None:
        (tmp_path / SOCKET).write_text("not a socket")
        assert link.call(tmp_path, "GET", "/accounts") == []

    def test_reading_makes_no_directory(self, tmp_path: Path) -> None:
        with pytest.raises(link.Failed, match="no data directory"):
            link.call(tmp_path / "typo", "GET", "/accounts")
        assert not (tmp_path / "typo").exists()

    def test_writing_makes_it(self, tmp_path: Path) -> None:
        data = tmp_path / "new" / "data"
        assert link.call(data, "POST", "/keywords", json={"words": ["a"]}) == {"added": 1}
        assert link.call(data, "GET", "/keywords") == ["a"]

    def test_a_file_is_no_data_directory(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(link.Failed, match="not a directory"):
            link.call(tmp_path / "file", "GET", "/accounts")

    def test_a_damaged_store_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "yizhan.db").write_bytes(b"not a database, " * 1_000)
        with pytest.raises(link.Failed, match="cannot open"):
            link.call(tmp_path, "GET", "/accounts")

    @pytest.mark.parametrize("path", ["/keywords/test", "/accounts"])
    def test_arguments_that_are_not_utf8(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(link.Failed):
            link.call(tmp_path, "POST", path, json={"text": "\udcff", "account": "\udcff"})
        with pytest.raises(link.Failed, match="UTF-8"):
            link.call(tmp_path, "GET", "/numbers", params={"account": "\udcff"})

    def test_any_name_is_one_account(self, tmp_path: Path) -> None:
        names = [".", "..", "../ledger", "a/b", "a/topup", "x?y=1#z", "100%2F", "您好", "a b"]

        async def act(line: link.Line) -> None:
            for name in names:
                made = await line.call("POST", "/accounts", json={"account": name, "password": "x"})
                assert made["account"] == name
                path = f"/accounts/{link.segment(name)}"
                assert await line.call("GET", path) == made
                assert (await line.call("POST", f"{path}/topup", json={"amount": 1}))["balance"] == 1
                with pytest.raises(link.Failed):
                    await line.call("GET", f"/accounts/{link.segment(name + '!')}")

        link.talk(tmp_path, act)

    def test_no_name_is_not_the_list(self) -> None:
        with pytest.raises(link.Failed, match="empty"):
            link.segment("")


HOLD = """
import sys
from pathlib import Path
from yizhan.store.directory import lock_directory
lock_directory(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_lock(data: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of ``data`` until it is told to stop."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.communicate("\n")


class TestConfigured:
    """The configuration may have moved the socket and the store; the node leaves a note of it."""

    def test_the_socket_elsewhere(self, tmp_path: Path) -> None:
        moved = tmp_path / "moved"
        moved.mkdir()
        leave_note(tmp_path, Settings(admin=AdminSettings(listen=f"unix:{moved / SOCKET}")))
        with listener(moved, lambda _: http(200, ["from the node"])):
            assert link.call(tmp_path, "GET", "/accounts") == ["from the node"]

    def test_the_store_elsewhere(self, tmp_path: Path) -> None:
        leave_note(tmp_path, Settings(store=StoreSettings(url="sqlite:other.db")))
        assert link.call(tmp_path, "POST", "/keywords", json={"words": ["a"]}) == {"added": 1}
        assert (tmp_path / "other.db").exists()
        assert not (tmp_path / "yizhan.db").exists()


class TestLocked:
    def test_a_lock_that_stays_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(link, "PATIENCE_S", 0.3)
        with held_lock(tmp_path), pytest.raises(link.Failed, match="locked"):
            link.call(tmp_path, "GET", "/accounts")

    def test_a_command_waits_for_the_one_before(self, tmp_path: Path) -> None:
        with held_lock(tmp_path) as process:
            assert process.stdin is not None
            release = threading.Timer(0.5, lambda: (process.stdin.write("\n"), process.stdin.flush()))  # type: ignore[union-attr]
            release.start()
            assert link.call(tmp_path, "GET", "/accounts") == []
            release.join()

    def test_a_starting_node_answers_when_it_is_ready(self, tmp_path: Path) -> None:
        """The lock is taken first, the socket opens later: the command meets the socket at a later try."""
        answers: list[object] = []
        with held_lock(tmp_path):
            command = threading.Thread(target=lambda: answers.append(link.call(tmp_path, "GET", "/accounts")))
            command.start()
            command.join(0.4)
            assert command.is_alive()
            with listener(tmp_path, lambda _: http(200, ["from the node"])):
                command.join(5)
        assert answers == [["from the node"]]
