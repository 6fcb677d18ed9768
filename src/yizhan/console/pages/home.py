"""The first page: how the gateway is, for operators; what they sent, for customers."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame
from yizhan.flow.ask import Ask
from yizhan.model.views import Overview

_NEWEST = 20


class HomeRoom:
    """``/``."""

    def __init__(self, frame: Frame, ask: Ask, overview: Callable[[], Awaitable[Overview]]) -> None:
        self._frame = frame
        self._ask = ask
        self._overview = overview

    def pages(self) -> list[Page]:
        """The one."""
        return [Page("/", self._show)]

    async def _show(self, call: Call) -> Response:
        account = call.logged_in.caller.account
        if account is None:
            return self._frame.show(call, "home/overview", "overview", overview=await self._overview())
        newest = (await self._ask.messages(account=account, limit=_NEWEST)).messages
        balance = (await self._ask.account(account)).balance
        return self._frame.show(call, "home/account", "overview", account=account, balance=balance, messages=newest)
