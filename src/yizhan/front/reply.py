"""An HTTP answer as the gateway makes it: whole, with its length, never chunked (contract, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass

from yizhan.front.fault import ALLOWED


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    content_type: str
    left: Callable[[bool], None] | None = None  # to be told whether the last byte went to the socket

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Its headers; a 405 names the methods that are allowed."""
        headers = [
            (b"content-type", self.content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(self.body)),
        ]
        if self.status == 405:
            headers.append((b"allow", ALLOWED))
        return headers


def plain_text(status: int, words: str) -> Reply:
    """A short explanation for people."""
    return Reply(status, f"{words}\n".encode(), "text/plain; charset=utf-8")
