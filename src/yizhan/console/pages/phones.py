"""The simulator's phones on the screen: what arrives, replies, the next message's fate."""

from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame, go
from yizhan.flow.play import Play
from yizhan.model.views import ChosenFate

_SEE, _PLAY, _CHOOSE = ("GET", "/inbox"), ("POST", "/simulator/replies"), ("POST", "/simulator/fates")
_BY_DIGITS = "by_digits"


class PhonesRoom:
    """``/phones`` and what is done there."""

    def __init__(self, frame: Frame, play: Play) -> None:
        self._frame = frame
        self._play = play

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page("/phones", self._show, _SEE),
            Page("/phones/news", self._tell, _SEE),
            Page("/phones/new", self._lay_out, None, _PLAY),
            Page("/phones/reply", self._reply, None, _PLAY),
            Page("/phones/fate", self._choose_fate, None, _CHOOSE),
        ]

    async def _show(self, call: Call) -> Response:
        return self._table(call)

    def _table(self, call: Call, status: int = HTTPStatus.OK, mistake: str = "", detail: str = "") -> Response:
        return self._frame.show(
            call,
            "phones/table",
            "phones",
            status=status,
            mistake=mistake,
            detail=detail,
            possible=self._play.possible,
            phones=self._play.table(),
            moment=self._play.moment,
            **self._fates(),
        )

    def _fates(self) -> dict[str, Any]:
        chosen: dict[str | None, ChosenFate] = {one.to: one for one in self._play.chosen_fates()}
        return {"fates": [_BY_DIGITS, *self._play.fates], "chosen": chosen, "spoken": spoken}

    async def _tell(self, call: Call) -> Response:
        """What is new since the page last asked: nothing, some lines, or so much that the page comes anew."""
        moment = call.asked("since") or ""
        if moment == self._play.moment:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        line = self._play.news(moment)
        if line is None:
            return Response(headers={"hx-refresh": "true"})
        return self._frame.fragment(
            call, "phones/news", line=line, phones=self._play.table(), moment=self._play.moment, **self._fates()
        )

    async def _lay_out(self, call: Call) -> Response:
        try:
            number = self._play.lay_out(call.field("number"))
        except ValueError:
            return self._table(call, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_number")
        return go(_place(number))

    async def _reply(self, call: Call) -> Response:
        try:
            await self._play.answer(call.field("number"), call.field("text"))
        except ValueError:
            return self._table(call, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_reply")
        return go(_place(call.field("number")))

    async def _choose_fate(self, call: Call) -> Response:
        to, fate = call.field("number") or None, call.field("fate")
        if fate == _BY_DIGITS:
            if any(one.to == to for one in self._play.chosen_fates()):
                self._play.forget_fate(to)
        else:
            count = None if call.field("for") == "always" else 1
            self._play.choose_fate(to, fate, count, float(call.field("delay_s") or 0))
        return go(_place(to) if to else "/phones", "fate_chosen")


def spoken(number: str) -> str:
    """A number as people write it: ``+86 138 0000 0000``."""
    digits = number.removeprefix("+86")
    return f"+86 {digits[:3]} {digits[3:7]} {digits[7:]}" if len(digits) == len("13800000000") else number


def _place(number: str) -> str:
    return f"/phones#phone-{number.removeprefix('+')}"
