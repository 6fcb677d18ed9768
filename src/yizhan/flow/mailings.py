"""Mailings: what people send from files. One is judged, what will become of it is shown, and then it is sent."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple

from yizhan.flow.living import Living
from yizhan.flow.office import Conflict, Deed, NotFound, Office
from yizhan.kit.clock import Clock
from yizhan.model.mailing import (
    PIECE_ROWS,
    Forecast,
    MailingView,
    Mistake,
    Order,
    Phase,
    Result,
    Sample,
    Upload,
    Wrong,
    why_of,
)
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.reject import Refusal
from yizhan.model.settings import AdminSettings
from yizhan.model.submission import Admitted
from yizhan.policy.case import Case, Terms
from yizhan.policy.mailing import Table, calls_of, judge_letter, read_table
from yizhan.policy.send_time import names_no_time, parse_send_time
from yizhan.policy.standing import Standing
from yizhan.store.accounts import balance_of
from yizhan.store.database import Database, Session
from yizhan.store.mailings import (
    PIECES_AT_A_TIME,
    NewMailing,
    confirm_mailing,
    count_drafts,
    delete_draft,
    find_mailing,
    insert_mailing,
    mailing_results,
    stop_mailing,
    view_drafts,
    view_mailings,
)
from yizhan.wire.sheet import Line

_KEPT_WRONGS = 50
_SAMPLES = 3
_MAX_FILE_CHARS = 100


class TooDear(Conflict):
    """The balance is less than it would cost."""


class TooLate(Conflict):
    """The time at which it was to be sent is past."""


class TooManyDrafts(Exception):
    """Somebody has so many that he has neither sent nor discarded."""


class Mailings(Office):
    """What people do with files. NotFound for another account's mailing, as if there were none."""

    def __init__(
        self,
        database: Database,
        living: Living,
        clock: Clock,
        terms: Terms,
        *,
        limits: AdminSettings,
        confirmed: Callable[[], None],
    ) -> None:
        """``confirmed`` is told that there is something to send."""
        super().__init__(database, living, clock)
        self._terms = terms
        self._confirmed = confirmed
        self.limits = limits
        self._one_at_a_time = asyncio.Lock()

    async def draft(self, actor: str, upload: Upload, lines: Sequence[Line]) -> str:
        """Judge what a file says: the mailing's id. Nothing is sent by this.

        Raises ``policy.mailing.BadTable``, a ValueError; TooManyDrafts; NotFound.
        """

        def is_full(session: Session) -> bool:
            return count_drafts(session, actor) >= self.limits.max_drafts

        if await self._database.read(is_full):  # before the work; what counts is the look in the insert's own commit
            raise TooManyDrafts(str(self.limits.max_drafts))
        account = self._account(upload.account)
        send_time = "" if names_no_time(upload.send_time) else upload.send_time
        standing, now_ms = self._living.standing, self._clock.now_ms()

        def read() -> tuple[Table, Order, Forecast]:
            table = read_table(lines, upload.text)
            order = Order(upload.account, table.template, upload.cell, send_time)
            return table, order, forecast(table, order, Bench(standing, self._terms, now_ms))

        async with self._one_at_a_time:  # a hundred thousand rows take seconds, and the loop has others to answer
            table, order, foreseen = await asyncio.to_thread(read)
        file = "".join(char for char in upload.file if char.isprintable())[-_MAX_FILE_CHARS:]
        new = NewMailing(secrets.token_hex(8), account.id, actor, file, order, foreseen, table.rows)

        def insert(session: Session) -> bool:
            if is_full(session):
                return False
            insert_mailing(session, new, now_ms)
            return True

        if not await self._database.change(insert):
            raise TooManyDrafts(str(self.limits.max_drafts))
        return new.id

    async def find(self, id: str, corp_id: str | None) -> MailingView:
        """One of them; ``corp_id`` names whose it must be. NotFound."""
        found = await self._database.read(lambda session: find_mailing(session, id, corp_id))
        if found is None:
            raise NotFound(f"no mailing {id}")
        return found

    async def newest(self, actor: str, corp_id: str | None, limit: int) -> list[MailingView]:
        """What he himself has neither sent nor discarded, and then the newest, of one account or of all."""

        def look(session: Session) -> list[MailingView]:
            drafts = view_drafts(session, actor)
            own = {one.id for one in drafts}
            return drafts + [one for one in view_mailings(session, corp_id, limit) if one.id not in own]

        return await self._database.read(look)

    async def results(self, id: str) -> AsyncIterator[list[Result]]:
        """What has become of each row in the order of the file, some at a time."""
        first = 0
        while found := await self._database.read(partial(mailing_results, id=id, first=first)):
            yield found
            first += PIECES_AT_A_TIME

    async def confirm(self, actor: str, view: MailingView) -> None:
        """Send it. Once: what is confirmed already stays as it is. Raises TooDear and TooLate."""
        if view.phase is not Phase.DRAFT:
            return
        account, foreseen, at_ms = self._account(view.account), view.forecast, self._clock.now_ms()
        if await self._database.read(lambda session: balance_of(session, account.id)) < foreseen.price_milli:
            raise TooDear("the balance is less than it would cost")
        send_at_ms = parse_send_time(view.order.send_time)
        if send_at_ms is not None and send_at_ms < at_ms - self._terms.policy.send_time_grace_s * 1000:
            raise TooLate("the time is past")
        after = {
            "account": view.account,
            "file": view.file,
            "rows": foreseen.sendable,
            "price": as_number(foreseen.price_milli),
        }
        deed = Deed(actor, "mailing send", view.id, {}, after)
        await self._carry_out(deed, lambda session: confirm_mailing(session, view.id, at_ms))
        self._confirmed()

    async def stop(self, actor: str, view: MailingView) -> None:
        """Send no more of it. What was accepted goes its way."""
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "mailing stop", view.id, {"accepted": view.accepted}, {})
        await self._carry_out(deed, lambda session: stop_mailing(session, view.id, at_ms))

    async def discard(self, actor: str, view: MailingView) -> None:
        """A draft that was not meant."""
        deed = Deed(actor, "mailing discard", view.id, {"file": view.file}, {})
        await self._carry_out(deed, lambda session: delete_draft(session, view.id))


class Bench(NamedTuple):
    """By what a file is judged."""

    standing: Standing
    terms: Terms
    now_ms: int


def forecast(table: Table, order: Order, bench: Bench) -> Forecast:
    """What the rules say of each row now."""
    foreseen = Forecast(header=None if table.header is None else list(table.header), rows=len(table.rows))
    wrongs = [Wrong(row.line, row.number, row.mistake) for row in table.rows if row.mistake]
    for first in range(0, len(table.rows), PIECE_ROWS):
        rows = table.rows[first : first + PIECE_ROWS]
        for places, call in calls_of(order, rows, bench.now_ms):
            judged = judge_letter(Case(call, *bench))
            if isinstance(judged, Refusal):
                why = why_of(judged)
                wrongs += [Wrong(rows[place].line, rows[place].number, why, judged.hit) for place in places]
            else:
                lines = {rows[place].number: rows[place].line for place in places}
                wrongs += _add(foreseen, judged, lines)
    wrongs.sort(key=lambda wrong: wrong.line)
    foreseen.wrongs = dict(Counter(wrong.why for wrong in wrongs))
    foreseen.first_wrongs = wrongs[:_KEPT_WRONGS]
    return foreseen


def _add(foreseen: Forecast, admitted: Admitted, lines: dict[str, int]) -> Sequence[Wrong]:
    """One text that would pass; what of its rows would not."""
    blocked = [one.written for one in admitted.recipients if one.state is State.BLOCKED]
    sent = len(admitted.recipients) - len(blocked)
    foreseen.sendable += sent
    foreseen.parts += sent * admitted.parts
    foreseen.price_milli += admitted.price_milli
    for one in admitted.recipients:
        if one.state is not State.BLOCKED and len(foreseen.samples) < _SAMPLES:
            foreseen.samples.append(Sample(one.written, admitted.text, admitted.parts, one.price_milli))
    return [Wrong(lines[number], number, Mistake.BLOCKED.value) for number in blocked]
