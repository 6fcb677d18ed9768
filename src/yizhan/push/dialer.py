"""Connections to receivers: the address that was checked is the address that is called."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address

import httpcore

from yizhan.model.account import Network
from yizhan.policy.addresses import Address
from yizhan.policy.destinations import refused
from yizhan.push.connection import Connection

# Lookups that hang have threads of their own: nobody else waits behind a receiver's dead name server.
LOOKUPS_AT_ONCE = 16
MAX_TRIED = 4  # addresses of one name


class NotAllowed(httpcore.ConnectError):
    """Every address of the host is one that may not be called."""


class NotFound(httpcore.ConnectError):
    """The host has no address."""


class Dialer(httpcore.AsyncNetworkBackend):
    """Resolves, checks, connects. A name is looked up once for each connection, so it cannot change in between."""

    def __init__(self, *, timeout_s: float, allow_networks: Sequence[Network]) -> None:
        """Addresses in ``allow_networks`` may be called whatever they are; ``timeout_s`` is shared by those tried."""
        self._timeout_s = timeout_s
        self._allow_networks = tuple(allow_networks)
        self._tcp = httpcore.AnyIOBackend()
        self._lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="webhook-lookup")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of ``host`` that may be called and answers.

        NotFound, NotAllowed, or what connecting to the last address came to.
        """
        addresses = self._permitted(await self._look_up(host, port))
        # A name often has an IPv6 address that leads nowhere. It must not use up the time of the one that works.
        share_s = self._timeout_s / len(addresses)
        rest = (local_address, socket_options)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return Connection(await self._tcp.connect_tcp(str(address), port, share_s, *rest))
        return Connection(await self._tcp.connect_tcp(str(addresses[-1]), port, share_s, *rest))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: what listens on a socket of this machine is not a receiver. NotAllowed."""
        raise NotAllowed("unix sockets are not called")

    async def sleep(self, seconds: float) -> None:
        """Part of httpcore's interface."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Give the threads back; a lookup that is under way ends by itself."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int) -> list[Address]:
        """The addresses of ``host`` in the resolver's order, each once. NotFound says why there is none."""
        loop = asyncio.get_running_loop()
        # As bytes, or Python would run the name through IDNA once more.
        name = host.encode("ascii")
        try:
            found = await loop.run_in_executor(
                self._lookups, lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            )
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise NotFound(f"{host} could not be looked up just now") from error
            raise NotFound(f"{host} was not found") from error
        return list(dict.fromkeys(ip_address(row[4][0]) for row in found))

    def _permitted(self, addresses: Sequence[Address]) -> list[Address]:
        """Those of ``addresses`` that may be called, a few at most. NotAllowed says why there is none."""
        reasons = [refused(address, self._allow_networks) for address in addresses]
        permitted = [address for address, reason in zip(addresses, reasons, strict=True) if reason is None]
        if not permitted:
            raise NotAllowed(next((reason for reason in reasons if reason), "no address"))
        return permitted[:MAX_TRIED]
