"""What the server itself refuses, before any operation is involved: HTTP errors as a closed set."""

from http import HTTPStatus

ALLOWED = b"GET, HEAD, POST"  # contract, section 1


class HttpFault(Exception):
    """A request that gets an HTTP error and a closed connection: 400, 405, 408, 413, 414, 431 or 503."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        """``words`` say, in one ASCII line, what was wrong and what the limit is."""
        super().__init__(words)
        self.status = status
        self.words = words

    def response(self) -> bytes:
        """The whole answer, ready to be written."""
        body = self.words.encode("ascii", "replace") + b"\n"
        allow = b"allow: %b\r\n" % ALLOWED if self.status is HTTPStatus.METHOD_NOT_ALLOWED else b""
        head = (
            b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
            b"%bconnection: close\r\n\r\n"
        )
        return head % (self.status, self.status.phrase.encode("ascii"), len(body), allow) + body


def malformed(words: str) -> HttpFault:
    """A request that is not HTTP/1.x, or that could be read in two ways."""
    return HttpFault(HTTPStatus.BAD_REQUEST, words)
