"""A LinkWS platform of somebody else: a small HTTP server that answers what a test tells it and keeps what it heard."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MD5_OF_SECRET = "5ebe2294ecd0e0f08eab7690d2a6ee69"  # of "secret"


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]  # lower-case names
    body: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=gb2312"),)


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection without a byte, after reading the request."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing until the test is over."""


@dataclass
class Platform:
    """Answers come from ``script`` in order; ``before`` runs when a request was read."""

    url: str = ""
    script: deque[Say | HangUp | Stall] = field(default_factory=deque)
    heard: list[Heard] = field(default_factory=list)
    before: Callable[[Heard], None] | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def will_say(self, *answers: bytes | Say | HangUp | Stall) -> None:
        """Append to the script; bytes are the body of an ordinary answer."""
        self.script.extend(Say(answer) if isinstance(answer, bytes) else answer for answer in answers)


@contextmanager
def foreign_platform() -> Iterator[Platform]:
    """Run a platform on a free port of 127.0.0.1."""
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard = Heard(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            platform.heard.append(heard)
            if platform.before:
                platform.before(heard)
            answer = platform.script.popleft() if platform.script else Say(b"the script is over", 500)
            if isinstance(answer, Stall):
                platform.over.wait(30)
            elif isinstance(answer, Say):
                self.send_response(answer.status)
                for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        platform.url = f"http://127.0.0.1:{server.server_port}/sdk2/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield platform
        finally:
            platform.over.set()
            server.shutdown()
            thread.join()
