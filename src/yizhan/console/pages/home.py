"""The first page: how the gateway is, for operators; what they sent, for customers."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.customer import CustomerRoom
from yizhan.console.pages.frame import Frame
from yizhan.model.views import Overview


class HomeRoom:
    """``/``."""

    def __init__(self, frame: Frame, customer: CustomerRoom, overview: Callable[[], Awaitable[Overview]]) -> None:
        self._frame = frame
        self._customer = customer
        self._overview = overview

    def pages(self) -> list[Page]:
        """The one."""
        return [Page("/", self._show)]

    async def _show(self, call: Call) -> Response:
        account = call.logged_in.caller.account
        if account is None:
            return self._frame.show(call, "home/overview", "overview", overview=await self._overview())
        return await self._customer.first(call, account)
