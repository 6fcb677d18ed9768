"""What a page is told while it is open: server-sent events (HTML, section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Send

from yizhan.console.pages.call import Call
from yizhan.flow.login import Login

_HEARTBEAT_S = 15.0
_STILL_IN_S = 2.0  # how often to ask whether the session has ended
_COME_BACK = b"retry: 2000\n\n"  # ms; browsers do it by themselves, after a restart of ours say
_BEAT = b":\n\n"


class EventStream(StreamingResponse):
    """A stream whose generator ends together with it, wherever that happens."""

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._events = events

    async def stream_response(self, send: Send) -> None:
        """As Starlette does."""
        async with aclosing(self._events):
            await super().stream_response(send)


def event(name: str, data: str) -> bytes:
    """One event, whose ``data`` may have several lines."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()


async def tell(call: Call, login: Login, following: Callable[[], Awaitable[bytes]]) -> AsyncGenerator[bytes]:
    """Each event that ``following`` waits for (it may be cancelled and called anew), until the session has ended: then
    the last one is ``over``.
    """
    clock = asyncio.get_running_loop()
    said_s = asked_s = clock.time()
    yield _COME_BACK
    while True:
        piece = b""
        try:
            async with asyncio.timeout(_STILL_IN_S):
                piece = await following()
        except TimeoutError:
            pass
        now_s = clock.time()
        if now_s - asked_s >= _STILL_IN_S:
            asked_s = now_s
            if not await _is_still_in(call, login):
                yield event("over", "")
                return
        if not piece and now_s - said_s >= _HEARTBEAT_S:
            piece = _BEAT
        if piece:
            said_s = now_s
            yield piece


async def _is_still_in(call: Call, login: Login) -> bool:
    """Looking on does not keep a session from ending for want of use."""
    visit = await login.visit(call.session or "", in_use=False)
    return visit is not None and visit.caller == call.logged_in.caller
