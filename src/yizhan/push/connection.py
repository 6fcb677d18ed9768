"""A connection that is closed when TLS does not come about on it, whatever the reason."""

import ssl
from typing import Any

import httpcore


class Connection(httpcore.AsyncNetworkStream):
    """``plain``, with one more promise.

    httpcore closes it when a handshake fails, but not when it is cancelled, as our deadline does it. A receiver that
    is silent within the handshake would then cost a descriptor with every attempt.
    """

    def __init__(self, plain: httpcore.AsyncNetworkStream) -> None:
        self._plain = plain

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted; closed when that fails or is cancelled."""
        try:
            return await self._plain.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._plain.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """At most ``max_bytes``; none at the end."""
        return await self._plain.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """All of ``buffer``."""
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it at once."""
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Part of httpcore's interface."""
        return self._plain.get_extra_info(info)
