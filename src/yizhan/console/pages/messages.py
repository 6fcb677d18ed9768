"""Messages: the search and its export, one message with its timeline, one submission, what is scheduled."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.cursor import LAST_ID, before_of, id_of
from yizhan.console.pages.frame import Frame, beijing, go
from yizhan.console.pages.paging import PAGE
from yizhan.console.pages.spreadsheet import to_csv
from yizhan.console.telling import tell_events
from yizhan.flow.ask import Ask
from yizhan.flow.ask_messages import LAST_CLIENT_ID
from yizhan.flow.office import NotFound
from yizhan.flow.operate import Operate
from yizhan.kit.clock import BEIJING, show_gap, show_time, to_ms
from yizhan.model.message import State
from yizhan.model.story import Event, Story
from yizhan.model.views import MessagePage, MessageView, Step, TracedPdu

_EXPORT_PAGE = 1_000
_EXPORT_ROWS = 100_000
_LIST, _SHOW = ("GET", "/messages"), ("GET", "/messages/{id}")
_RELEASE = ("POST", "/messages/{id}/release")
_FIELDS = ("number", "text", "account", "state", "channel", "since", "until")
_CANCELLABLE = frozenset({"scheduled", "queued", "uncertain"})
_COLUMNS = {
    "msg_message_id": "id",
    "msg_submission_id": "submission",
    "account": "account",
    "number": "number",
    "msg_written": "written",
    "text": "text",
    "msg_parts": "parts",
    "price": "price",
    "msg_refunded": "refunded",
    "state": "state",
    "msg_word": "word",
    "channel": "channel",
    "msg_accepted_at": "accepted_at",
    "msg_send_at": "send_at",
    "msg_finished_at": "finished_at",
}


class MessagesRoom:
    """``/messages``, ``/submissions`` and ``/scheduled``."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask

    def pages(self) -> list[Page]:
        """All of them."""
        cancel = ("POST", "/submissions/{id}/cancel")
        return [
            Page("/messages", self._list, _LIST),
            Page("/messages.csv", self._export, _LIST),
            Page("/messages/{id:key}", self._show, _SHOW),
            Page("/messages/{id:key}/story", self._renew, _SHOW),
            Page("/messages/{id:key}/resend", self._resend, None, ("POST", "/messages/{id}/resend")),
            Page("/messages/{id:key}/give-up", self._give_up, None, ("POST", "/messages/{id}/give-up")),
            Page("/messages/{id:key}/release", self._release, _RELEASE, _RELEASE),
            Page("/messages/{id:key}/block", self._block, None, ("POST", "/numbers")),
            Page("/submissions/{id:key}", self._submission, _LIST),
            Page("/submissions/{id:key}/cancel", self._cancel, None, cancel),
            Page("/scheduled", self._scheduled, _LIST),
        ]

    async def _list(self, call: Call) -> Response:
        if written := call.asked("id"):
            return await self._find(call, written)
        try:
            found = await self._ask.messages(limit=PAGE, before=before_of(call), **_wanted(call))
        except _Mistake as mistake:
            return self._search(call, mistake=mistake.words)
        return self._search(call, found.messages, found.before, found.stopped_at)

    async def _find(self, call: Call, written: str) -> Response:
        """On to the message, or the submission, with this id."""
        if not (written.isdecimal() and written.isascii()) or not 0 < int(written) <= LAST_ID:
            return self._search(call, mistake="find_bad_id")
        id, account = int(written), call.reach.only(None)
        try:
            if id > LAST_CLIENT_ID:
                await self._ask.story(id, account)
                return go(f"/messages/{id}")
            await self._ask.submission(id, account)
        except NotFound:
            return self._search(call, mistake="find_no_id")
        return go(f"/submissions/{id}")

    def _search(
        self,
        call: Call,
        found: Sequence[MessageView] = (),
        before: int | None = None,
        stopped_at: str | None = None,
        mistake: str = "",
    ) -> Response:
        asked = {name: call.asked(name) or "" for name in (*_FIELDS, "id")}
        query = {name: value for name, value in asked.items() if value and name != "id"}
        return self._frame.show(
            call,
            "messages/list",
            "door_messages",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK,
            mistake=mistake,
            asked=asked,
            query=urlencode(query),
            messages=found,
            next=urlencode({**query, "before": before}) if before else "",
            stopped_at=stopped_at,
            states=[state.word for state in State],
            rows_limit=_EXPORT_ROWS,
        )

    async def _export(self, call: Call) -> Response:
        try:
            wanted = _wanted(call)
        except _Mistake as mistake:
            return self._search(call, mistake=mistake.words)
        words = self._frame.words(call)
        # Before the head is out: what cannot be asked for is still said.
        first = await self._ask.messages(limit=_EXPORT_PAGE, **wanted)
        headers = {"content-disposition": 'attachment; filename="messages.csv"'}
        return StreamingResponse(
            to_csv([words[head] for head in _COLUMNS], self._rows(first, wanted, words)),
            media_type="text/csv; charset=utf-8",
            headers=headers,
        )

    async def _rows(
        self, found: MessagePage, wanted: Mapping[str, Any], words: Mapping[str, str]
    ) -> AsyncIterator[list[list[Any]]]:
        """The newest rows, a page at a time, of which the first is there."""
        left = _EXPORT_ROWS
        while True:
            yield [_cells(message, words) for message in found.messages]
            left -= len(found.messages)
            if found.before is None or left <= 0:
                return
            found = await self._ask.messages(limit=min(left, _EXPORT_PAGE), before=found.before, **wanted)

    async def _show(self, call: Call) -> Response:
        story = await self._story(call)
        traced = await self._ask.pdus(story) if call.may("GET", "/channels/{name}/trace") else []
        return self._frame.show(
            call,
            "messages/message",
            "msg_message",
            about=str(story.message.id),
            pdus=[_TracedLine(pdu, show_time(pdu.at_ms)) for pdu in traced],
            submission=await self._ask.submission(story.message.submission, story.message.account),
            **await self._told(call, story),
        )

    async def _renew(self, call: Call) -> Response:
        return self._frame.fragment(call, "messages/story", **await self._told(call, await self._story(call)))

    async def _story(self, call: Call) -> Story:
        return await self._ask.story(id_of(call), call.reach.only(None))

    async def _told(self, call: Call, story: Story) -> dict[str, Any]:
        words, state = self._frame.words(call), State[story.message.state.upper()]
        may_release = call.may(*_RELEASE) and state.through
        return {
            "message": story.message,
            "is_final": state.final,
            "releasable": may_release and await self._ask.is_simulated(story.message.channel),
            "lines": _lines(story.events, words),
            "candidates": _lines(story.candidates, words),
            "cancellable": _CANCELLABLE,
        }

    async def _resend(self, call: Call) -> Response:
        await self._operate.send_again(call.actor, id_of(call))
        return go(f"/messages/{id_of(call)}", "msg_resent")

    async def _give_up(self, call: Call) -> Response:
        await self._operate.give_up(call.actor, id_of(call))
        return go(f"/messages/{id_of(call)}", "msg_given_up")

    async def _release(self, call: Call) -> Response:
        if call.is_change:
            copy = await self._operate.release(call.actor, id_of(call), call.field("channel"))
            return go(f"/messages/{copy.id}", "released")
        message = (await self._story(call)).message
        channels = [one.name for one in await self._ask.channels() if one.kind != "simulator"]
        return self._frame.show(call, "messages/release", "release", message=message, channels=channels)

    async def _block(self, call: Call) -> Response:
        message = (await self._story(call)).message
        corp_id = message.account if call.field("for") == "account" else None
        await self._operate.block_number(call.actor, message.number, corp_id=corp_id, reason=f"message {message.id}")
        return go(f"/messages/{message.id}", "msg_blocked_now")

    async def _submission(self, call: Call) -> Response:
        id, account = id_of(call), call.reach.only(None)
        submission = await self._ask.submission(id, account)
        before = before_of(call)
        page = await self._ask.messages(account=submission.account, submission=id, limit=PAGE, before=before)
        return self._frame.show(
            call,
            "messages/submission",
            "msg_submission",
            about=str(id),
            submission=submission,
            messages=page.messages,
            next=urlencode({"before": page.before}) if page.before else "",
            is_cancellable=bool(_CANCELLABLE & submission.states.keys()),
        )

    async def _cancel(self, call: Call) -> Response:
        count = await self._operate.cancel(call.actor, id_of(call), corp_id=call.reach.only(None))
        return go(f"/submissions/{id_of(call)}", "msg_cancelled_now" if count else "msg_cancelled_none")

    async def _scheduled(self, call: Call) -> Response:
        account, after = call.asked("account"), call.asked("after")
        found = await self._ask.scheduled(call.reach.only(account), PAGE, after)
        query = {"account": account} if account else {}
        return self._frame.show(
            call,
            "messages/scheduled",
            "door_scheduled",
            asked={"account": account or ""},
            submissions=found,
            next=urlencode({**query, "after": found[-1].cursor}) if len(found) == PAGE else "",
        )


class _Mistake(Exception):
    """What was asked for cannot be; ``words`` is the key of what the page says."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def _wanted(call: Call) -> dict[str, Any]:
    """What the search's form asks for, as ``Ask.messages`` takes it."""
    since_ms, until_ms = _moment(call.asked("since")), _moment(call.asked("until"))
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise _Mistake("find_bad_span")
    asked = {name: call.asked(name) for name in ("text", "state", "channel")}
    number = "".join((call.asked("number") or "").split()) or None
    return {
        **asked,
        "number": number,
        "account": call.reach.only(call.asked("account")),
        "since_ms": since_ms,
        "until_ms": until_ms,
    }


def _moment(written: str | None) -> int | None:
    """What a field for a time says: Beijing's wall clock, unless it names a zone."""
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
        return to_ms(at if at.tzinfo else at.replace(tzinfo=BEIJING))
    except (ValueError, OverflowError):
        raise _Mistake("find_bad_time") from None


def _cells(message: MessageView, words: Mapping[str, str]) -> list[Any]:
    cells = [getattr(message, name) for name in _COLUMNS.values()]
    shown = {"state": words.__getitem__, "accepted_at": beijing, "send_at": beijing, "finished_at": beijing}
    return [
        shown[name](cell) if name in shown and cell else cell
        for name, cell in zip(_COLUMNS.values(), cells, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Line:
    """A step of a timeline: its day where that is another one, its time of day, and how long after the step before."""

    step: Step
    day: str
    clock: str
    since: str


@dataclass(frozen=True, slots=True)
class _TracedLine:
    """A protocol message of a channel, and its time of day."""

    pdu: TracedPdu
    clock: str


def _lines(events: Sequence[Event], words: Mapping[str, str]) -> list[_Line]:
    lines: list[_Line] = []
    before: datetime | None = None
    for step in tell_events(events, words):
        at = datetime.fromisoformat(step.at).astimezone(BEIJING) if step.at else None
        day = f"{at:%Y-%m-%d}" if at and (before is None or at.date() != before.date()) else ""
        since = show_gap(at - before) if at and before else ""
        lines.append(_Line(step, day, show_time(to_ms(at)) if at else "", since))
        before = at or before
    return lines
