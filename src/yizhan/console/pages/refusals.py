"""Refused calls and replies: what came in and became no message."""

from urllib.parse import urlencode

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.cursor import before_of
from yizhan.console.pages.frame import Frame
from yizhan.console.pages.paging import PAGE
from yizhan.flow.ask import Ask
from yizhan.model.reject import Reject


class RefusalsRoom:
    """``/refusals`` and ``/replies``."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask

    def pages(self) -> list[Page]:
        """Both."""
        return [
            Page("/refusals", self._refusals, ("GET", "/refusals")),
            Page("/replies", self._replies, ("GET", "/replies")),
        ]

    async def _refusals(self, call: Call) -> Response:
        asked = {name: call.asked(name) or "" for name in ("account", "reject")}
        query = {name: value for name, value in asked.items() if value}
        before = before_of(call)
        found = await self._ask.refusals(PAGE, before, account=call.asked("account"), reject=call.asked("reject"))
        return self._frame.show(
            call,
            "refusals/list",
            "door_refusals",
            asked=asked,
            refusals=found,
            rules=list(Reject),
            around=_around,
            query=urlencode(query),
            next=urlencode({**query, "before": found[-1].id}) if len(found) == PAGE else "",
        )

    async def _replies(self, call: Call) -> Response:
        asked = {name: call.asked(name) or "" for name in ("account", "nobodys")}
        query = {name: value for name, value in asked.items() if value}
        account, before = call.reach.only(call.asked("account")), before_of(call)
        nobodys = bool(asked["nobodys"]) and account is None
        found = await self._ask.replies(account, nobodys, PAGE, before)
        return self._frame.show(
            call,
            "refusals/replies",
            "door_replies",
            asked=asked,
            replies=found,
            query=urlencode(query),
            next=urlencode({**query, "before": found[-1].id}) if len(found) == PAGE else "",
        )


def _around(text: str, hit: str) -> tuple[str, str, str]:
    """What stands before the hit, the hit itself and what stands behind it; all of the text when it is not there.

    Texts are kept masked, so that most hits are not.
    """
    before, found, behind = text.partition(hit) if hit else (text, "", "")
    return before, found, behind
