"""How a command reaches the control plane: through the running node's socket, or over the store when none runs.

A running node owns the lock of the data directory and serves the admin API on a unix socket (by default
``admin.sock`` in that directory; the node leaves a note when the configuration says otherwise). When nobody
answers there (no node, or the socket is a leftover of kill -9), the command takes the lock itself and drives the same
API in process. When the lock is taken and nobody answers, a node is starting or another command is at work: both
roads are tried again for ``PATIENCE_S``.
"""

import asyncio
import getpass
import json as jsonlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from yizhan.kit.sockets import short_path

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

PREFIX = "/api/v1"
PATIENCE_S = 5.0
ANSWER_TIMEOUT_S = 300.0  # ``ledger verify`` of a large store takes its time

T = TypeVar("T")


class Failed(Exception):
    """The thing asked failed; the text says why, for standard error. Exit status 1."""


class _NobodyThere(Exception):
    """Nothing listens on the socket; nothing was sent."""


class _Busy(Exception):
    """Somebody else holds the lock of the data directory."""


class Line:
    """An open line to the control plane; ``running`` tells whether a node is at the other end."""

    def __init__(self, client: "httpx.AsyncClient", *, running: bool) -> None:
        self._client = client
        self.running = running
        self.answered = 0
        self.next_before: str | None = None  # where the list that was answered last goes on; None: nowhere

    async def call(self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """One call; ``path`` is below ``/api/v1``. The JSON of the answer (None for 204); ``Failed`` for an error."""
        content, headers = None, {}
        if json is not None:
            # Escaped to ASCII: arguments that are not UTF-8 then reach the API, which refuses them in words.
            content, headers = jsonlib.dumps(json).encode(), {"content-type": "application/json"}
        query = {name: _sendable(value) for name, value in (params or {}).items() if value is not None}
        response = await self._client.request(method, PREFIX + path, content=content, headers=headers, params=query)
        self.answered += 1
        self.next_before = dict(parse_qsl(urlsplit(response.links.get("next", {}).get("url", "")).query)).get("before")
        if response.is_success:
            return response.json() if response.content else None
        raise Failed(_detail(response))


def segment(name: str) -> str:
    """An account's ``name`` as a part of a path. Slashes and dots are escaped, so that it leads nowhere else."""
    if not name:
        raise Failed("an account's name is not empty")
    return quote(_sendable(name), safe="").replace(".", "%2E")


def call(data: Path, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
    """One call to the control plane of ``data``; see ``Line.call``."""
    return talk(data, lambda line: line.call(method, path, json=json, params=params), create=method != "GET")


def talk(data: Path, conversation: Callable[[Line], Awaitable[T]], *, create: bool = False) -> T:
    """Hold a conversation of several calls; all of them reach the same node, or the same opened store.

    ``create``: whether a data directory that does not exist may be made. ``Failed`` for whatever goes wrong.
    """
    if not create and not data.exists():
        raise Failed(f"there is no data directory at {data}; --data or YIZHAN_DATA says where it is")
    if data.exists() and not data.is_dir():
        raise Failed(f"{data} is not a directory")
    return asyncio.run(_talk(data, conversation))


async def _talk(data: Path, conversation: Callable[[Line], Awaitable[T]]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await _with_node(data, conversation)
        except _NobodyThere:
            pass
        try:
            return await _without_node(data, conversation)
        except _Busy:
            if time.monotonic() > deadline:
                raise Failed(
                    f"{data} is locked, and nobody answers on its socket: a node is starting or stopping, or "
                    "another command is at work; try again in a moment"
                ) from None
        await asyncio.sleep(0.1)


async def _with_node(data: Path, conversation: Callable[[Line], Awaitable[T]]) -> T:
    import httpx

    from yizhan.node.note import read_note

    try:
        with short_path(read_note(data).socket(data)) as path:
            timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=PATIENCE_S)
            transport = httpx.AsyncHTTPTransport(uds=path)
            async with _client(transport, timeout) as client:
                line = Line(client, running=True)
                try:
                    return await conversation(line)
                except httpx.ConnectError as error:
                    _refuse_strangers(error, data)
                    if line.answered == 0:
                        raise _NobodyThere from error
                    raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _NobodyThere from error
    except httpx.TimeoutException as error:
        raise Failed("the node did not answer in time; it may still do what was asked") from error
    except httpx.TransportError as error:
        raise Failed(
            "the node went away before it answered; look whether it did what was asked before you repeat it"
        ) from error


async def _without_node(data: Path, conversation: Callable[[Line], Awaitable[T]]) -> T:
    import httpx

    from yizhan.kit.log import set_up_logging

    # Standard output belongs to the answer alone.
    set_up_logging("warning", sys.__stderr__)
    async with AsyncExitStack() as stack:
        app = await _open(data, stack)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = await stack.enter_async_context(_client(transport, httpx.Timeout(None)))
        try:
            return await conversation(Line(client, running=False))
        except Failed as failed:
            failure = failed
    # Raised out here, so that closing the store is never taken for the reason.
    raise failure


async def _open(data: Path, stack: AsyncExitStack) -> "FastAPI":
    from yizhan.node.build import offline
    from yizhan.store.directory import Locked

    try:
        return await stack.enter_async_context(offline(data))
    except Locked as error:
        raise _Busy from error
    except Exception as error:  # a newer schema, a damaged file, no permission: whatever it is, it has to be said
        raise Failed(f"cannot open {data}: {error}") from error


def _client(transport: "httpx.AsyncBaseTransport", timeout: "httpx.Timeout") -> "httpx.AsyncClient":
    import httpx

    headers = {"x-yizhan-actor": actor()}
    return httpx.AsyncClient(transport=transport, base_url="http://yizhan", headers=headers, timeout=timeout)


def actor() -> str:
    """Who is named in the audit log: the user who types."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, usual in containers
        user = str(os.getuid())
    return "cli:" + user.encode("ascii", "backslashreplace").decode()[:100]


def _sendable(value: Any) -> Any:
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise Failed("an argument is not valid UTF-8")
    return value


def _refuse_strangers(error: BaseException, data: Path) -> None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PermissionError):
            raise Failed(f"no permission to use the socket in {data}: only the user who runs the node may") from error
        cause = cause.__cause__ or cause.__context__


def _detail(response: "httpx.Response") -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the control plane answered HTTP {response.status_code}"
