"""Sending by hand: what is typed is shown as it will be sent, and sent when that was confirmed."""

import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame, go
from yizhan.flow.ask import Ask
from yizhan.flow.explain import Explain
from yizhan.flow.mailings import Mailings
from yizhan.flow.office import NotFound
from yizhan.flow.send import Refused, Send
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.views import Explanation, KeywordHit

MAY_SEND = ("POST", "/messages")
_OPERATION = "IntlSend"
_MAX_BYTES = 400_000  # ten thousand numbers, one on each line
_BREAKS = re.compile(r"[\r\n\t、|]+")  # in what people paste, besides the separators that clients use
_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
_LISTED = 100


@dataclass(frozen=True, slots=True)
class Sending:
    """What the pages of sending ask and do."""

    ask: Ask
    explain: Explain
    send: Send
    mailings: Mailings


class SendRoom:
    """``/send``, for whoever may send: customers for their own account, operators for any."""

    def __init__(self, frame: Frame, sending: Sending) -> None:
        self._frame = frame
        self._sending = sending

    def pages(self) -> list[Page]:
        """The form, and what would become of it. What has is shown by ``messages``."""
        return [
            Page("/send", self._compose, MAY_SEND, MAY_SEND, _MAX_BYTES),
            Page("/send/preview", self._preview, None, MAY_SEND, _MAX_BYTES),
        ]

    async def _compose(self, call: Call) -> Response:
        if not call.is_change:
            return await self._form(call, dict.fromkeys(("mobile", "text", "cell", "send_at"), ""), account_of(call))
        account, typed = account_of(call), _typed(call)
        if call.field("step") == "back":
            return await self._form(call, typed, account)
        if call.field("step") == "send":
            return await self._send(call, account, typed)
        try:
            explained = await self._explain(account, typed)
        except NotFound:
            return await self._form(call, typed, account, "reject_account_unknown")
        if not explained.accepted:
            return await self._form(call, typed, account, f"reject_{explained.reject}", explained)
        key = secrets.token_urlsafe(16)
        return self._frame.show(
            call, "send/check", "send", account=account, typed=typed, key=key, **_shown(explained, typed["text"])
        )

    async def _preview(self, call: Call) -> Response:
        """The part of the form that says what would become of it, while it is being filled in."""
        typed = _typed(call)
        if not typed["text"] and not typed["mobile"]:
            return self._frame.fragment(call, "send/preview", explained=None)
        explained = await self._explain(account_of(call), typed)
        return self._frame.fragment(call, "send/preview", **_shown(explained, typed["text"]))

    async def _send(self, call: Call, account: str, typed: Mapping[str, str]) -> Response:
        key = call.field("key")
        if not _KEY.fullmatch(key):
            raise ValueError("the form has no key")
        try:
            sent = await self._sending.send.send(account, _values(typed), key, call.actor)
        except Refused as refused:
            explained = await self._explain(account, typed)
            return await self._form(call, typed, account, f"reject_{refused.reject}", explained)
        return go(f"/submissions/{sent.submission}", "sent_notice")

    async def _form(
        self,
        call: Call,
        typed: Mapping[str, str],
        account: str,
        mistake: str = "",
        explained: Explanation | None = None,
    ) -> Response:
        shown: Mapping[str, Any] = _shown(explained, typed["text"]) if explained else {"explained": None}
        return self._frame.show(
            call,
            "send/form",
            "send",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK,
            mistake=mistake,
            detail=explained.hit if explained else "",
            account=account,
            accounts=await accounts_for(call, self._sending.ask),
            typed=typed,
            **shown,
        )

    async def _explain(self, account: str, typed: Mapping[str, str]) -> Explanation:
        return await self._sending.explain.explain(account, _OPERATION, _values(typed))


def account_of(call: Call) -> str:
    """For which account something is sent: a customer's own; others say so."""
    return call.reach.only(call.field("account") or call.asked("account")) or ""


async def accounts_for(call: Call, ask: Ask) -> Sequence[str]:
    """The accounts to choose from; none for a customer."""
    return [] if call.reach.only(None) else [one.account for one in await ask.accounts()]


def send_time_of(send_at: str) -> str:
    """SendTime, of what a browser's field of a moment says (``2026-01-31T08:00``)."""
    digits = re.sub(r"[-T: ]", "", send_at)
    return digits.ljust(14, "0") if len(digits) == 12 else digits


def less(one: float, other: float) -> int | float:
    """The difference of two amounts, in the unit that both have exactly."""
    return as_number(round(one * 1000) - round(other * 1000))


def _typed(call: Call) -> dict[str, str]:
    """The form's fields, as they were typed."""
    return {
        "mobile": call.raw("mobile"),
        "text": call.lines("text"),
        "cell": call.field("cell"),
        "send_at": call.field("send_at"),
    }


def _values(typed: Mapping[str, str]) -> dict[str, str]:
    """The same as a client's call would have it."""
    return {
        "mobile": _BREAKS.sub(",", typed["mobile"]),
        "content": typed["text"],
        "cell": typed["cell"],
        "sendtime": send_time_of(typed["send_at"]),
    }


def _shown(explained: Explanation, content: str) -> dict[str, Any]:
    """What a page shows of an explanation."""
    not_sent = {State.BLOCKED.word, State.INVALID.word}
    sent = [one for one in explained.numbers if one.state not in not_sent]
    return {
        "explained": explained,
        "chars": len(content.encode("utf-16-le")) // 2,  # as the limit counts them
        "marked": list(_marked(content, explained.keywords)),
        "sent": len(sent),
        "prices": sorted(Counter(one.price for one in sent).items()),
        "invalid": [one.written for one in explained.numbers if one.state == State.INVALID.word],
        "blocked": [one.written for one in explained.numbers if one.state == State.BLOCKED.word],
        "after": None if explained.price is None else less(explained.balance, explained.price),
        "most": _LISTED,
    }


def _marked(content: str, hits: Sequence[KeywordHit]) -> Sequence[tuple[str, bool]]:
    """The text cut up, each piece with whether it belongs to a forbidden word."""
    pieces: list[tuple[str, bool]] = []
    at = 0
    for hit in sorted(hits, key=lambda hit: hit.start):
        if hit.end <= at:
            continue
        pieces += [(content[at : max(at, hit.start)], False), (content[max(at, hit.start) : hit.end], True)]
        at = hit.end
    return [piece for piece in [*pieces, (content[at:], False)] if piece[0]]
