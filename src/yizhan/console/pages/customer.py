"""What customers look at first, and what an account has sent by day and state."""

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame
from yizhan.console.pages.send import account_of, accounts_for, less
from yizhan.flow.ask import Ask
from yizhan.model.message import State
from yizhan.model.views import DayView

MAY_READ = ("GET", "/messages")
_NEWEST = 20
_NEWEST_REPLIES = 5
_SPANS = (1, 7, 30)  # days
# More than this is not counted on a page: it would take seconds. The page says so.
_MOST = 200_000


class CustomerRoom:
    """The customer's ``/``, and ``/reports``."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask

    def pages(self) -> list[Page]:
        """``/`` is the first page of all, and asks for ``first``."""
        return [Page("/reports", self._reports, MAY_READ)]

    async def first(self, call: Call, account: str) -> Response:
        """How the account stands, and what came last."""
        own = await self._ask.account(account)
        today = next(iter(await self._ask.days(account, 1, _MOST)), DayView("", {}, 0, 0))
        return self._frame.show(
            call,
            "home/account",
            "overview",
            own=own,
            today=today,
            cost=less(today.price, today.refunded),
            messages=(await self._ask.messages(account=account, limit=_NEWEST)).messages,
            replies=await self._ask.replies(account, False, _NEWEST_REPLIES),
        )

    async def _reports(self, call: Call) -> Response:
        account = account_of(call)
        asked = call.asked("days") or str(_SPANS[1])
        span = int(asked) if asked in map(str, _SPANS) else _SPANS[1]
        days = await self._ask.days(account, span, _MOST) if account else []
        counted = sum(sum(day.states.values()) for day in days)
        return self._frame.show(
            call,
            "home/reports",
            "reports",
            account=account,
            accounts=await accounts_for(call, self._ask),
            span=span,
            spans=_SPANS,
            days=days,
            states=[state.word for state in State if any(state.word in day.states for day in days)],
            costs=[less(day.price, day.refunded) for day in days],
            most=_MOST if counted >= _MOST else 0,
        )
