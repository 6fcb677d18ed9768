"""Sending from a file: it is read, what would become of it is shown, it is confirmed, and then its progress is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

from starlette.responses import Response, StreamingResponse

from yizhan.console.pages.call import Call, Page, SentFile
from yizhan.console.pages.frame import Frame, beijing, go
from yizhan.console.pages.send import MAY_SEND, Sending, account_of, accounts_for, less, send_time_of
from yizhan.console.pages.spreadsheet import to_csv
from yizhan.flow.mailings import TooDear, TooLate, TooManyDrafts
from yizhan.model.mailing import MailingView, Mistake, Phase, Result, Upload
from yizhan.policy.mailing import BadTable
from yizhan.wire.sheet import BadSheet, SheetFault, read_sheet

_NEWEST = 20
_FORM_BYTES = 32_768  # what a form needs besides its file


class MailingRoom:
    """``/mailings``. A customer's mailings are those of his account."""

    def __init__(self, frame: Frame, sending: Sending) -> None:
        self._frame = frame
        self._ask = sending.ask
        self._mailings = sending.mailings

    def pages(self) -> list[Page]:
        """The form with the newest ones, and each one with what it came to."""
        most = self._mailings.limits.max_upload_bytes + _FORM_BYTES
        return [
            Page("/mailings", self._upload, MAY_SEND, MAY_SEND, most),
            Page("/mailings/{id}", self._show, MAY_SEND, MAY_SEND),
            Page("/mailings/{id}/progress", self._progress, MAY_SEND),
            Page("/mailings/{id}/result.csv", self._result, MAY_SEND),
        ]

    async def _upload(self, call: Call) -> Response:
        if not call.is_change:
            return await self._form(call)
        file = call.files.get("file", SentFile("", b""))
        text = call.lines("text").replace("\0", "")
        upload = Upload(account_of(call), file.name, text, call.field("cell"), send_time_of(call.field("send_at")))
        try:
            lines = await asyncio.to_thread(read_sheet, file.content, self._mailings.limits.max_upload_rows)
            id = await self._mailings.draft(call.actor, upload, lines)
        except BadSheet as error:
            mistake = "sheet_none" if error.fault is SheetFault.EMPTY and not file.name else f"sheet_{error.fault}"
            return await self._form(call, mistake, str(error))
        except BadTable as error:
            return await self._form(call, f"table_{error.fault}", str(error))
        except TooManyDrafts as error:
            return await self._form(call, "too_many_drafts", str(error))
        return go(f"/mailings/{id}")

    async def _show(self, call: Call) -> Response:
        view = await self._find(call)
        if not call.is_change:
            return await self._draw(call, view)
        step = call.field("step")
        if step == "discard" and view.phase is Phase.DRAFT:
            await self._mailings.discard(call.actor, view)
            return go("/mailings", "removed")
        try:
            if step == "send":
                await self._mailings.confirm(call.actor, view)
            elif step == "stop":
                await self._mailings.stop(call.actor, view)
        except TooDear:
            return await self._draw(call, view, "reject_balance_too_low")
        except TooLate:
            return await self._draw(call, view, "reject_send_time_past")
        return go(f"/mailings/{view.id}")

    async def _progress(self, call: Call) -> Response:
        return self._frame.fragment(call, "send/progress", view=await self._find(call))

    async def _result(self, call: Call) -> Response:
        """What has become of each row, or of those only that were not sent (``?only=failed``)."""
        view, w = await self._find(call), self._frame.words(call)
        heads = [w["line"], w["number"], w["result"], w["submission"]]
        return StreamingResponse(
            to_csv(heads, self._lines(view, w, only_failed=call.asked("only") is not None)),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="yizhan-{view.id}.csv"'},
        )

    async def _lines(
        self, view: MailingView, w: Mapping[str, str], *, only_failed: bool
    ) -> AsyncIterator[list[list[str]]]:
        """Some rows at a time."""
        async for results in self._mailings.results(view.id):
            told = [(result, _why(result, view)) for result in results]
            yield [_cells(result, why, w) for result, why in told if why or not only_failed]

    async def _find(self, call: Call) -> MailingView:
        return await self._mailings.find(call.request.path_params["id"], call.reach.only(None))

    async def _draw(self, call: Call, view: MailingView, mistake: str = "") -> Response:
        if view.phase is not Phase.DRAFT:
            # Messages do not know their file: they are looked for from the minute on in which it came.
            since = {"since": beijing(view.made_at)[:16].replace(" ", "T")}
            if call.reach.only(None) is None:
                since["account"] = view.account
            return self._frame.show(call, "send/mailing", "mailing", about=view.file, view=view, since=since)
        balance = (await self._ask.account(view.account)).balance
        price = view.forecast.price_milli / 1000
        return self._frame.show(
            call,
            "send/draft",
            "mailing",
            about=view.file,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK,
            mistake=mistake,
            view=view,
            price=less(price, 0),
            balance=balance,
            after=less(balance, price),
        )

    async def _form(self, call: Call, mistake: str = "", detail: str = "") -> Response:
        return self._frame.show(
            call,
            "send/upload",
            "send_file",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK,
            mistake=mistake,
            detail=detail,
            account=account_of(call),
            accounts=await accounts_for(call, self._ask),
            typed={name: call.raw(name) for name in ("text", "cell", "send_at")},
            limits=self._mailings.limits,
            newest=await self._mailings.newest(call.actor, call.reach.only(None), _NEWEST),
        )


def _cells(result: Result, why: str, w: Mapping[str, str]) -> list[str]:
    submission = str(result.fate.submission) if result.fate and result.fate.submission else ""
    return [str(result.row.line), result.row.number, _said(result, why, w), submission]


def _said(result: Result, why: str, w: Mapping[str, str]) -> str:
    if why:
        return w.get(f"why_{why}") or w[f"reject_{why}"]
    return w["was_accepted"] if result.fate else w["waits"]


def _why(result: Result, view: MailingView) -> str:
    """Why a row is not sent; empty when it is, or waits."""
    if result.fate is not None:
        return result.fate.why
    if result.row.mistake:
        return result.row.mistake
    return Mistake.STOPPED.value if view.phase is Phase.STOPPED else ""
