"""Mailings: what people send from files. A piece is sent and its fates are written in one commit, and only once."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, select, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model import mailing as model
from yizhan.model.mailing import (
    Fate,
    Forecast,
    MailingView,
    Mistake,
    Order,
    Phase,
    Piece,
    Result,
    Sample,
    Template,
    Wrong,
    why_of,
)
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.reject import Refusal
from yizhan.model.submission import Admitted
from yizhan.store.accept import accept
from yizhan.store.schema import accounts, mailing_pieces, mailings

_PERSON_CHARS = 64
_NOT_SENT = 0  # in a fate, where a submission's id would stand
PIECES_AT_A_TIME = 10  # in which rows are read
_NEWEST_FIRST = mailings.c.made_at_ms.desc()
_AT_ONCE = 50  # mailings of which pieces are looked for


@dataclass(frozen=True, slots=True)
class NewMailing:
    """A file that was read, with all its rows."""

    id: str
    account_id: int
    person: str
    file: str
    order: Order
    forecast: Forecast
    rows: Sequence[model.Row]


@dataclass(frozen=True, slots=True)
class Posting:
    """A piece as the rules see it: each text with the places of its rows."""

    piece: Piece
    letters: Sequence[tuple[Sequence[int], Admitted | Refusal]]
    at_ms: int


def insert_mailing(connection: Connection, new: NewMailing, at_ms: int) -> None:
    """A draft with its pieces."""
    order = new.order
    row = {
        "id": new.id,
        "account_id": new.account_id,
        "person": new.person[:_PERSON_CHARS],
        "file": new.file,
        "how": _json([order.template.text, order.template.columns, order.cell, order.send_time]),
        "forecast": _json(asdict(new.forecast)),
        "made_at_ms": at_ms,
    }
    connection.execute(mailings.insert().values(row))
    pieces = [
        {
            "mailing": new.id,
            "place": place,
            "entries": _json(rows),
            "sendable": sum(not row.mistake for row in rows),
            "accepted": 0,
            "price_milli": 0,
        }
        for place, rows in enumerate(_pieces(new.rows))
    ]
    connection.execute(mailing_pieces.insert(), pieces)


def count_drafts(connection: Connection, person: str) -> int:
    """What he has neither sent nor discarded."""
    return int(connection.execute(select(func.count()).select_from(mailings).where(_drafts_of(person))).scalar_one())


def _drafts_of(person: str) -> ColumnElement[bool]:
    return (mailings.c.person == person[:_PERSON_CHARS]) & mailings.c.confirmed_at_ms.is_(None)


def confirm_mailing(connection: Connection, id: str, at_ms: int) -> bool:
    """It is to be sent from now on; False when it is no draft (any more)."""
    draft = update(mailings).where(mailings.c.id == id, mailings.c.confirmed_at_ms.is_(None))
    return connection.execute(draft.values(confirmed_at_ms=at_ms)).rowcount > 0


def stop_mailing(connection: Connection, id: str, at_ms: int) -> bool:
    """Nothing more of it is sent; False when it is not being sent."""
    sending = update(mailings).where(
        mailings.c.id == id, mailings.c.confirmed_at_ms.is_not(None), mailings.c.finished_at_ms.is_(None)
    )
    return connection.execute(sending.values(stopped_at_ms=at_ms, finished_at_ms=at_ms)).rowcount > 0


def stop_mailings(connection: Connection, at_ms: int) -> int:
    """Nothing more of any is sent: how many were being sent."""
    sending = update(mailings).where(mailings.c.confirmed_at_ms.is_not(None), mailings.c.finished_at_ms.is_(None))
    return connection.execute(sending.values(stopped_at_ms=at_ms, finished_at_ms=at_ms)).rowcount


def delete_draft(connection: Connection, id: str) -> bool:
    """It was not meant; False when it is no draft (any more)."""
    draft = delete(mailings).where(mailings.c.id == id, mailings.c.confirmed_at_ms.is_(None))
    if not connection.execute(draft).rowcount:
        return False
    connection.execute(delete(mailing_pieces).where(mailing_pieces.c.mailing == id))
    return True


def forget_mailings(connection: Connection, drafts_before_ms: int, before_ms: int | None) -> int:
    """Drop drafts from before a moment, and what has ended before another (None: nothing of that): how many."""
    old = (mailings.c.made_at_ms < drafts_before_ms) & mailings.c.confirmed_at_ms.is_(None)
    if before_ms is not None:
        old |= (mailings.c.made_at_ms < before_ms) & (mailings.c.finished_at_ms < before_ms)
    # What another node confirms at this moment is no old draft any more, and stays.
    ids = list(connection.execute(delete(mailings).where(old).returning(mailings.c.id)).scalars())
    for id in ids:
        connection.execute(delete(mailing_pieces).where(mailing_pieces.c.mailing == id))
    return len(ids)


def next_pieces(connection: Connection) -> list[Piece]:
    """Of each mailing that is being sent, in the order of their confirmation, the first piece that waits."""
    sending = (
        select(mailings, accounts.c.corp_id)
        .join(accounts, accounts.c.id == mailings.c.account_id)
        .where(mailings.c.confirmed_at_ms.is_not(None), mailings.c.finished_at_ms.is_(None))
        .order_by(mailings.c.confirmed_at_ms)
        .limit(_AT_ONCE)
    )
    found = []
    for row in connection.execute(sending).fetchall():
        waits = select(mailing_pieces).where(mailing_pieces.c.mailing == row.id, mailing_pieces.c.fates.is_(None))
        piece = connection.execute(waits.order_by(mailing_pieces.c.place).limit(1)).first()
        if piece is not None:
            found.append(Piece(row.id, piece.place, _order(row), _rows(piece.entries)))
    return found


def post_pieces(connection: Connection, postings: Sequence[Posting]) -> list[list[tuple[Admitted, int]]]:
    """Accept what the rules let pass, each text as a submission of its own, and write what has become of each row: what
    was accepted, with its id. Nothing for a piece that was posted before, or whose mailing was stopped.
    """
    return [_post(connection, posting) for posting in postings]


def _post(connection: Connection, posting: Posting) -> list[tuple[Admitted, int]]:
    mailing, place = posting.piece.mailing, posting.piece.place
    # Both rows are locked until the commit: of two nodes one comes too late, and so does what was stopped meanwhile.
    going_on = select(mailings.c.id).where(mailings.c.id == mailing, mailings.c.finished_at_ms.is_(None))
    if connection.execute(going_on.with_for_update()).first() is None:
        return []
    this = (mailing_pieces.c.mailing == mailing) & (mailing_pieces.c.place == place)
    take = update(mailing_pieces).where(this, mailing_pieces.c.fates.is_(None)).values(fates="")
    if not connection.execute(take).rowcount:
        return []
    calls = [call for _, call in posting.letters if isinstance(call, Admitted)]
    answers = iter(accept(connection, calls) if calls else ())
    fates = [Fate(_NOT_SENT, row.mistake) for row in posting.piece.rows]
    accepted = []
    for places, call in posting.letters:
        answer = call if isinstance(call, Refusal) else next(answers)
        if isinstance(answer, Refusal):
            of_rows = [Fate(_NOT_SENT, why_of(answer))] * len(places)
        elif isinstance(call, Admitted):
            accepted.append((call, answer))
            of_rows = list(_fates(places, posting, call, answer))
        for row, fate in zip(places, of_rows, strict=True):
            fates[row] = fate
    sent = {
        "fates": _json(fates),
        "accepted": sum(fate.submission != _NOT_SENT for fate in fates),
        "price_milli": sum(call.price_milli for call, _ in accepted),
    }
    connection.execute(update(mailing_pieces).where(this).values(sent))
    waits = exists().where(mailing_pieces.c.mailing == mailing, mailing_pieces.c.fates.is_(None))
    connection.execute(update(mailings).where(mailings.c.id == mailing, ~waits).values(finished_at_ms=posting.at_ms))
    return accepted


def _fates(places: Sequence[int], posting: Posting, call: Admitted, submission: int) -> Iterator[Fate]:
    """Of the rows of one text that was accepted."""
    blocked = {one.written for one in call.recipients if one.state is State.BLOCKED}
    for place in places:
        is_blocked = posting.piece.rows[place].number in blocked
        yield Fate(_NOT_SENT, Mistake.BLOCKED.value) if is_blocked else Fate(submission, "")


def find_mailing(connection: Connection, id: str, account: str | None) -> MailingView | None:
    """One of them, if it is the account's (None: anybody's); at its end with the reasons of what was refused."""
    query = _listed().where(mailings.c.id == id)
    if account is not None:
        query = query.where(accounts.c.corp_id == account)
    row = connection.execute(query).first()
    if row is None:
        return None
    return _view(row, {} if row.finished_at_ms is None else _whys(connection, id))


def _whys(connection: Connection, id: str) -> Mapping[str, int]:
    pieces = mailing_pieces.c
    refused = select(pieces.fates, pieces.entries).where(
        pieces.mailing == id, pieces.fates.is_not(None), pieces.accepted < pieces.sendable
    )
    whys: Counter[str] = Counter()
    for piece in connection.execute(refused):
        pairs = zip(_rows(piece.entries), _fates_of(piece.fates), strict=True)
        whys.update(fate.why for row, fate in pairs if fate.why and not row.mistake)
    return whys


def view_drafts(connection: Connection, person: str) -> list[MailingView]:
    """What he has neither sent nor discarded, the newest first."""
    return [_view(row, {}) for row in connection.execute(_listed().where(_drafts_of(person)).order_by(_NEWEST_FIRST))]


def view_mailings(connection: Connection, account: str | None, limit: int) -> list[MailingView]:
    """The newest, of one account or of all."""
    query = _listed().order_by(_NEWEST_FIRST).limit(limit)
    if account is not None:
        query = query.where(accounts.c.corp_id == account)
    return [_view(row, {}) for row in connection.execute(query)]


def mailing_results(connection: Connection, id: str, first: int = 0) -> list[Result]:
    """The rows of some pieces from the one at ``first``, in the order of the file; nothing behind the last."""
    query = select(mailing_pieces).where(mailing_pieces.c.mailing == id, mailing_pieces.c.place >= first)
    query = query.order_by(mailing_pieces.c.place).limit(PIECES_AT_A_TIME)
    found: list[Result] = []
    for piece in connection.execute(query):
        rows = _rows(piece.entries)
        fates = _fates_of(piece.fates) if piece.fates else [None] * len(rows)
        found += map(Result, rows, fates)
    return found


def _listed() -> Select[Any]:
    pieces = mailing_pieces.c
    of_this = pieces.mailing == mailings.c.id
    passed = select(func.sum(pieces.sendable)).where(of_this, pieces.fates.is_not(None))
    waiting = select(func.sum(pieces.sendable)).where(of_this, pieces.fates.is_(None))
    accepted = select(func.sum(pieces.accepted)).where(of_this)
    price = select(func.sum(pieces.price_milli)).where(of_this)
    return select(
        mailings,
        accounts.c.corp_id,
        func.coalesce(waiting.scalar_subquery(), 0).label("waiting"),
        func.coalesce(passed.scalar_subquery(), 0).label("passed"),
        func.coalesce(accepted.scalar_subquery(), 0).label("accepted"),
        func.coalesce(price.scalar_subquery(), 0).label("price_milli"),
    ).join(accounts, accounts.c.id == mailings.c.account_id)


def _view(row: Row[Any], whys: Mapping[str, int]) -> MailingView:
    return MailingView(
        id=row.id,
        account=row.corp_id,
        person=row.person,
        file=row.file,
        phase=_phase(row),
        order=_order(row),
        forecast=_forecast(row.forecast),
        made_at=to_rfc3339(row.made_at_ms) or "",
        confirmed_at=to_rfc3339(row.confirmed_at_ms),
        finished_at=to_rfc3339(row.finished_at_ms),
        waiting=int(row.waiting),
        passed=int(row.passed),
        accepted=int(row.accepted),
        price=as_number(int(row.price_milli)),
        whys=whys,
    )


def _phase(row: Row[Any]) -> Phase:
    if row.confirmed_at_ms is None:
        return Phase.DRAFT
    if row.finished_at_ms is None:
        return Phase.SENDING
    return Phase.DONE if row.stopped_at_ms is None else Phase.STOPPED


def _pieces(rows: Sequence[model.Row]) -> Iterator[Sequence[model.Row]]:
    for first in range(0, len(rows), model.PIECE_ROWS):
        yield rows[first : first + model.PIECE_ROWS]


def _order(row: Row[Any]) -> Order:
    text, columns, cell, send_time = json.loads(row.how)
    return Order(row.corp_id, Template(text, tuple(columns)), cell, send_time)


def _rows(entries: str) -> list[model.Row]:
    return [model.Row(line, number, tuple(cells), mistake) for line, number, cells, mistake in json.loads(entries)]


def _fates_of(fates: str) -> list[Fate]:
    return [Fate(*fate) for fate in json.loads(fates)]


def _forecast(said: str) -> Forecast:
    values = json.loads(said)
    values["first_wrongs"] = [Wrong(**one) for one in values["first_wrongs"]]
    values["samples"] = [Sample(**one) for one in values["samples"]]
    return Forecast(**values)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
