"""The first page: how the gateway does, live, for operators; what they sent, for customers."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.customer import CustomerRoom
from yizhan.console.pages.frame import Frame
from yizhan.console.pages.stream import EventStream, event, tell
from yizhan.flow.live import Live
from yizhan.flow.login import Login
from yizhan.model.views import Moment, Overview


class HomeRoom:
    """``/`` and ``/live``."""

    def __init__(self, frame: Frame, customer: CustomerRoom, login: Login, live: Live) -> None:
        self._frame = frame
        self._customer = customer
        self._login = login
        self._live = live
        self._drawn: dict[str, tuple[Overview, bytes]] = {}  # by language: many may look at the same

    def pages(self) -> list[Page]:
        """Both."""
        return [Page("/", self._show), Page("/live", self._stream, ("GET", "/channels"))]

    async def _show(self, call: Call) -> Response:
        account = call.logged_in.caller.account
        if account is None:
            return self._frame.show(call, "home/overview", "overview", overview=await self._live.overview())
        return await self._customer.first(call, account)

    async def _stream(self, call: Call) -> Response:
        return EventStream(self._events(call))

    async def _events(self, call: Call) -> AsyncGenerator[bytes]:
        """The chart so far, then with each second the whole picture."""

        async def following() -> bytes:
            overview = await self._live.following()
            return self._draw(call, overview) + event("figures", _columns([overview.rates]))

        with self._live.looking():
            yield event("history", _columns(self._live.history))
            async with aclosing(tell(call, self._login, following)) as events:
                async for piece in events:
                    yield piece

    def _draw(self, call: Call, overview: Overview) -> bytes:
        language = self._frame.words(call)["language"]
        last, drawn = self._drawn.get(language, (None, b""))
        if last is not overview:
            drawn = event("overview", self._frame.draw(call, "home/live", overview=overview))
            self._drawn[language] = overview, drawn
        return drawn


def _columns(moments: Sequence[Moment]) -> str:
    """As the chart takes them: a list for each figure."""
    rows = [asdict(moment) for moment in moments]
    return json.dumps({key: [row[key] for row in rows] for key in Moment.__slots__})
