"""One HTTP exchange with a platform: exactly one try, a bounded answer, and what a failure means for the call."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from yizhan import __version__
from yizhan.client.errors import NotLinkWS, Unreachable

MAX_ANSWER_BYTES = 65_536  # the answer to a call that sends is a number; a fault or an error page may be longer
MAX_FETCH_BYTES = 16 * 1024 * 1024  # 500 reports are 60 KB here; another platform may have no such limit
_PAGE = re.compile(r"/[^/]*\.as[mp]x(?:/.*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the HTTP status, the body, and where a redirect points."""

    status: int
    body: bytes
    location: str = ""
    charset: str = ""  # of the Content-Type, lower case; empty when it names none

    @property
    def excerpt(self) -> str:
        """The beginning of the body on one line, for a person."""
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            text = self.body.decode("gb18030", "replace")
        text = " ".join(text.split())
        return text if len(text) <= 100 else f"{text[:100]}..."


def root_of(url: str) -> str:
    """The folder that holds the operations, with a slash at its end: ``LinkWS.asmx`` and what follows it are dropped.

    ValueError for anything but an http or https address.
    """
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"must be an http:// or https:// address, {url!r} is not: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 0) > 65_535:
        raise ValueError(f"must be an http:// or https:// address such as http://127.0.0.1:8080/sdk2/, not {url!r}")
    path = _PAGE.sub("/", parsed.path).rstrip("/") + "/"
    return str(parsed.copy_with(path=path, query=None, fragment=None))


def new_connection(timeout_s: float) -> httpx.Client:
    """A client that never repeats a request by itself; ``timeout_s`` bounds every step, connecting at most 10 s.

    Unreachable when the environment names a proxy or a file of certificates that cannot be used.
    """
    with _environment_told():
        return httpx.Client(**_options(timeout_s))


def new_async_connection(timeout_s: float) -> httpx.AsyncClient:
    """The same for asyncio."""
    with _environment_told():
        return httpx.AsyncClient(**_options(timeout_s))


def exchange(http: httpx.Client, request: httpx.Request, most_bytes: int = MAX_ANSWER_BYTES) -> Reply:
    """Write ``request`` once and read its answer. Unreachable when none came, NotLinkWS when it is too long."""
    body = bytearray()
    with _mishaps_told(request):
        response = http.send(request, stream=True)
        try:
            for piece in response.iter_bytes():
                _take(body, piece, most_bytes, response)
        finally:
            response.close()
    return _reply(response, body)


async def exchange_async(http: httpx.AsyncClient, request: httpx.Request, most_bytes: int = MAX_ANSWER_BYTES) -> Reply:
    """The same for asyncio."""
    body = bytearray()
    with _mishaps_told(request):
        response = await http.send(request, stream=True)
        try:
            async for piece in response.aiter_bytes():
                _take(body, piece, most_bytes, response)
        finally:
            await response.aclose()
    return _reply(response, body)


def _options(timeout_s: float) -> dict[str, Any]:
    """Connections are not kept: one that the platform closes at the wrong moment would leave a send's fate open."""
    return {
        "timeout": httpx.Timeout(timeout_s, connect=min(timeout_s, 10)),
        "limits": httpx.Limits(max_keepalive_connections=0),
        "headers": {"User-Agent": f"yizhan/{__version__}", "Accept-Encoding": "identity"},
        "follow_redirects": False,
    }


@contextmanager
def _environment_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error.strerror or error}"
        raise Unreachable(reason, uncertain=False) from error
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        # A scheme that nobody knows, or SOCKS, which needs another package.
        reason = f"HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: {error}"
        raise Unreachable(reason, uncertain=False) from error


@contextmanager
def _mishaps_told(request: httpx.Request) -> Iterator[None]:
    """What the network does to one exchange, as Unreachable: certain only when no connection was made."""
    where = request.url.netloc.decode("ascii", "replace")
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
        raise Unreachable(f"{where}: {_reason(error)}", uncertain=False) from error
    except httpx.HTTPError as error:
        raise Unreachable(f"{where}: {_reason(error)}", uncertain=True) from error


def _take(body: bytearray, piece: bytes, most_bytes: int, response: httpx.Response) -> None:
    body += piece
    if len(body) > most_bytes:
        raise NotLinkWS(f"more than {most_bytes} bytes", "", uncertain=response.status_code < 300)


def _reply(response: httpx.Response, body: bytearray) -> Reply:
    charset = (response.charset_encoding or "").lower()
    return Reply(response.status_code, bytes(body), response.headers.get("Location", ""), charset)


def _reason(error: httpx.HTTPError) -> str:
    """What the network said, in words that tell what to do where TLS is the matter."""
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            wrong = cause.verify_message
            return f"its certificate is not trusted: {wrong}; SSL_CERT_FILE can name a PEM file of what to trust"
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return "does not speak TLS there; http:// may be meant"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
