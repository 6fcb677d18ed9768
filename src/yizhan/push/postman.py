"""One HTTP exchange with a webhook's receiver: one try, no redirects, no proxies, and always an end."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

import httpcore

from yizhan import __version__
from yizhan.model.account import Network
from yizhan.model.event import Posted
from yizhan.policy.destinations import check_url
from yizhan.push.dialer import Dialer
from yizhan.push.mishap import MISHAPS, words_for

MAX_ANSWER_BYTES = 65_536
# Common servers close a connection that was idle for 5 s. Ours goes first, or a request would run into the closing.
KEEP_ALIVE_S = 4.0


class Postman:
    """Calls receivers. Safe for many posts at once; connections are kept and shared between posts to one receiver."""

    def __init__(
        self, *, timeout_s: float, allow_networks: Sequence[Network], tls: ssl.SSLContext | None = None
    ) -> None:
        """``timeout_s`` bounds a whole post, looking up the name included.

        Only globally routable addresses are called, and those in ``allow_networks``. ``tls`` says whom to trust
        instead of the public authorities and SSL_CERT_FILE.
        """
        self._timeout_s = timeout_s
        self._dialer = Dialer(timeout_s=timeout_s, allow_networks=allow_networks)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpcore.default_ssl_context(),
            max_connections=None,  # as many as are posted at once: a bound would let dead receivers starve the others
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=self._dialer,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """POST ``body`` to ``url`` and say how it ended; whatever the receiver does is an answer, no error.

        The status decides, and stands as soon as it is read: the rest of an answer is read only to keep the
        connection, and thrown away.
        """
        try:
            parts = urlsplit(check_url(url))
        except ValueError as error:
            return Posted(accepted=False, status=None, said=str(error))
        status: int | None = None
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._pool.stream("POST", _target(parts), headers=_headers(parts, headers), content=body) as answer,
            ):
                status = answer.status
                await _drain(answer)
        except MISHAPS as mishap:
            if status is None:
                return Posted(accepted=False, status=None, said=words_for(mishap))
        return _judged(status)

    async def aclose(self) -> None:
        """Close every connection. Posts under way should have ended before."""
        self._dialer.close()
        await self._pool.aclose()


def _judged(status: int | None) -> Posted:
    """What a status means."""
    said = f"HTTP {status}"
    if status is not None and 300 <= status <= 399:
        said += ", and redirects are not followed"
    return Posted(accepted=status is not None and 200 <= status <= 299, status=status, said=said)


def _target(parts: SplitResult) -> httpcore.URL:
    """The parts as httpcore takes them (given the whole text, it would drop ``;parameters`` of the path)."""
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)


def _headers(parts: SplitResult, headers: Mapping[str, str]) -> list[tuple[bytes | str, bytes | str]]:
    """``headers`` and our own. Host is ours to write: httpcore would leave out the brackets of an IPv6 address."""
    own = {"host": parts.netloc, "user-agent": f"yizhan/{__version__}", "accept": "*/*"}
    return [*own.items(), *headers.items()]


async def _drain(answer: httpcore.Response) -> None:
    """Read the body, so that the connection can be used again, but not much of it."""
    read = 0
    async for piece in answer.aiter_stream():
        read += len(piece)
        if read > MAX_ANSWER_BYTES:
            break
