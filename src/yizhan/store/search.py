"""Search: messages by what people know of them. No question reads a whole table.

What an index lists is listed: one message, a submission's, those to a number, those in a state that is rare. All else
is a walk, newest first: over an account's submissions, over all of them for a piece of text, or over the messages. A
walk ends after so many rows, whatever it has found by then, and says so; the page below goes on from there (ADR 0026).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    func,
    literal_column,
    or_,
    select,
)

from yizhan.model.message import State
from yizhan.store.accept import CLIENT_IDS, FIRST_CLIENT_ID, keys_of, read_counter
from yizhan.store.hand import driver
from yizhan.store.schema import SHELF_BITS, accounts, messages, submissions

# Submissions, or messages, that a walk looks at.
MOST_WALKED = 100_000
# How many of those that an index lists are looked at, and how many in a state are few enough to be listed.
_MOST_LISTED = 2_000
_FEW = 100_000
_MOST_SHELVES = 1_024  # that are looked into at once
# Keys grow with the time of acceptance, but for calls that wait, clocks of nodes that differ, and one that is set back.
_UNORDERLY_MS = 60_000
_NO_KEY = 2**63 - 1
_LAST_CLIENT_ID = FIRST_CLIENT_ID + CLIENT_IDS - 1
# As the index has it: with a parameter it would be something else.
_SHELF: ColumnElement[int] = literal_column(f"(messages.id >> {SHELF_BITS})")
# The plus keeps SQLite from beginning with the messages where submissions are to be walked.
_OF_SUBMISSION = messages.c.submission_id == literal_column("+submissions.id")


def _listed(joined: FromClause) -> Select[Any]:
    listed = select(messages, submissions, accounts.c.corp_id).select_from(joined)
    return listed.where(accounts.c.id == messages.c.account_id).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


_MESSAGES = _listed(messages.join(submissions, submissions.c.id == messages.c.submission_id))
_CALLS = _listed(submissions.join(messages, _OF_SUBMISSION))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages to list, newest first; None leaves a column free."""

    account: str | None = None
    state: State | None = None
    number: str | None = None  # E.164, or as the client wrote it when it is none
    submission: int | None = None  # the client's id
    message: int | None = None
    channel: str | None = None  # that has carried it, or carries it now
    text: str | None = None  # a piece of it, of whatever case
    since_ms: int | None = None  # accepted then, or later
    until_ms: int | None = None  # accepted earlier
    before: int | None = None  # the last message of the page above
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of messages with their submissions. ``before``: where the page below begins, None: there is none."""

    rows: Sequence[Row[Any]] = ()
    before: int | None = None
    stopped_at_ms: int | None = None  # the walk has ended early, at what was accepted then


def search(connection: Connection, wanted: Filter, most_walked: int = MOST_WALKED) -> Found:
    """The newest messages that are wanted."""
    account_id = None
    if wanted.account is not None:
        account_id = connection.execute(select(accounts.c.id).where(accounts.c.corp_id == wanted.account)).scalar()
        if account_id is None:
            return Found()
    return _Search(connection, wanted, account_id, most_walked).find()


def submission_keys(connection: Connection, client_id: int, account: str | None) -> list[int]:
    """The keys of the submissions whose client got ``client_id``; more than one only after the ids have cycled."""
    keys = list(keys_of(client_id, read_counter(driver(connection), "submission")))[:100]
    query = select(submissions.c.id).join(accounts, accounts.c.id == submissions.c.account_id)
    query = query.where(submissions.c.id.in_(keys)).order_by(submissions.c.id.desc())
    if account is not None:
        query = query.where(accounts.c.corp_id == account)
    return list(connection.execute(query).scalars())


class _Search:
    """One question, and the ways to its answer."""

    def __init__(self, connection: Connection, wanted: Filter, account_id: int | None, most_walked: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._account_id = account_id
        self._most_walked = most_walked
        self._most_listed = max(_MOST_LISTED, wanted.limit)
        self._rest = list(_conditions(connection, wanted))  # what is left to be looked at in rows that a way leads to

    def find(self) -> Found:
        """By the shortest of them."""
        wanted = self._wanted
        if wanted.submission is not None or wanted.message is not None:
            return self._exactly()
        if wanted.number is not None:
            return self._among(self._to_number(wanted.number))
        if (listed := self._in_state()) is not None:
            return self._among(listed)
        if self._account_id is not None or wanted.text is not None:
            return self._along_calls()
        return self._along_messages()

    # -- what an index lists

    def _exactly(self) -> Found:
        wanted = self._wanted
        exact = [*self._of_account(), *self._rest]
        if wanted.submission is not None:
            keys = submission_keys(self._connection, wanted.submission, wanted.account)
            exact.append(messages.c.submission_id.in_(keys))
        if wanted.message is not None:
            exact.append(messages.c.id == wanted.message)
        if wanted.number is not None:
            exact.append(messages.c.number == wanted.number)
        if wanted.before is not None:
            exact.append(messages.c.id < wanted.before)
        return self._page(self._rows(exact))

    def _to_number(self, number: str) -> list[int]:
        """Shelf by shelf, newest first, and more of them at a time the longer it takes."""
        first, behind = self._message_window()
        place = self._unlike_a_key(messages.c.id)
        found: list[int] = []
        size = 1
        while len(found) <= self._most_listed and (top := self._newest_message(first, behind)) is not None:
            low = (top >> SHELF_BITS) - size + 1
            shelves = [_SHELF.in_(range(low, low + size)), messages.c.number == number]
            found += self._ids(place, *shelves, place >= max(first, low << SHELF_BITS), place <= top)
            size, behind = min(2 * size, _MOST_SHELVES), low << SHELF_BITS
        return found

    def _in_state(self) -> list[int] | None:
        """Those in the state that is wanted; None if that is no way: there are too many, or no index knows them."""
        state = self._wanted.state
        if state is None or state is State.DELIVERED:
            return None
        # Literally: an index of some rows only is used when the question itself says that it is about those.
        known = [messages.c.state == literal_column(f"{state:d}")]
        if state > State.DELIVERED:
            known.append(messages.c.state > literal_column(f"{State.DELIVERED:d}"))
        elif state is not State.SENT:
            known.append(messages.c.due_at_ms.is_not(None))
        known += self._of_account()
        place: ColumnElement[int] = messages.c.id
        # An account's ended ones stand in their order there; of all others, every one has to be looked at.
        if state < State.DELIVERED or self._account_id is None:
            place = self._unlike_a_key(place)
            some = select(messages.c.id).where(*known).limit(_FEW + 1).subquery()
            if (self._value(select(func.count()).select_from(some)) or 0) > _FEW:
                return None
        first, behind = self._message_window()
        return self._ids(place, *known, place >= first, place < behind)

    def _unlike_a_key(self, column: ColumnElement[int]) -> ColumnElement[int]:
        """SQLite, left to itself, walks along a key where one is bounded or ordered, and not along the better index."""
        return literal_column(f"+{column}") if self._connection.dialect.name == "sqlite" else column

    def _ids(self, place: ColumnElement[int], *conditions: ColumnElement[bool]) -> list[int]:
        """The newest of a list, one more than are looked at: that one says that it goes on."""
        query = select(messages.c.id).where(*conditions).order_by(place.desc()).limit(self._most_listed + 1)
        return list(self._connection.execute(query).scalars())

    def _among(self, listed: list[int]) -> Found:
        looked_at = listed[: self._most_listed]
        rows = self._rows([messages.c.id.in_(looked_at), *self._of_account(), *self._rest])
        if len(listed) == len(looked_at):
            return self._page(rows)
        return self._page(rows, looked_at[-1], looked_at[-1])

    # -- walks

    def _along_calls(self) -> Found:
        """An account's submissions, or all of them: a text is looked at once for all numbers that it was sent to."""
        place, at = self._place_of_calls()
        owner = [] if self._account_id is None else [submissions.c.account_id == self._account_id]
        low, high = self._window()
        cursor = []
        if (before := self._wanted.before) is not None:
            above = self._newest_message(0, before + 1)
            last = self._value(select(messages.c.submission_id).where(messages.c.id == above)) or 0
            high = min(high, last + 1)
            cursor = [or_(submissions.c.id < last, messages.c.id < before)]
        way = [*owner, place >= at(low), place < at(high)]
        edge = self._edge(submissions.c.id, way, place)
        if edge is not None:
            way = [*owner, place > at(edge), place < at(high)]
        rows = self._rows([*way, *cursor, *self._rest], _CALLS, place)
        if edge is None:
            return self._page(rows)
        return self._page(rows, self._first_message(edge + 1), self._first_message(edge))

    def _place_of_calls(self) -> tuple[ColumnElement[int], Callable[[int], int]]:
        """The column along which calls are walked, and what stands there for a key.

        An account has an index by the clients' ids. Until they cycle, their order is that of the keys.
        """
        newest = read_counter(driver(self._connection), "submission")
        if self._account_id is None or newest >= CLIENT_IDS:
            return submissions.c.id, int
        return submissions.c.client_id, lambda key: min(FIRST_CLIENT_ID - 1 + key, _LAST_CLIENT_ID)

    def _along_messages(self) -> Found:
        first, behind = self._message_window()
        edge = self._edge(messages.c.id, [messages.c.id >= first, messages.c.id < behind], messages.c.id)
        if edge is not None:
            first = edge + 1
        rows = self._rows([messages.c.id >= first, messages.c.id < behind, *self._rest])
        return self._page(rows, None if edge is None else first, edge)

    def _edge(self, key: ColumnElement[int], way: list[ColumnElement[bool]], place: ColumnElement[int]) -> int | None:
        """The first that is not looked at any more; None: the walk comes to its end."""
        wanted = self._wanted
        if wanted.state is None and wanted.channel is None and wanted.text is None:
            return None  # whatever it meets is wanted, but for some at both ends of the window
        return self._value(select(key).where(*way).order_by(place.desc()).offset(self._most_walked).limit(1))

    # -- what they have in common

    def _of_account(self) -> list[ColumnElement[bool]]:
        return [] if self._account_id is None else [messages.c.account_id == self._account_id]

    def _window(self) -> tuple[int, int]:
        """From which key to before which one those submissions lie that are wanted, and some more."""
        since_ms, until_ms = self._wanted.since_ms, self._wanted.until_ms
        low = 1 if since_ms is None else _key_at(self._connection, since_ms - _UNORDERLY_MS)
        high = _NO_KEY if until_ms is None else _key_at(self._connection, until_ms + _UNORDERLY_MS)
        return low, high

    def _message_window(self) -> tuple[int, int]:
        """From which message to before which one those lie that are in the window, and below the page above."""
        low, high = self._window()
        first = 0 if low == 1 else self._first_message(low)
        behind = None if high == _NO_KEY else self._first_message(high)
        before = self._wanted.before
        return _NO_KEY if first is None else first, min(key for key in (behind, before, _NO_KEY) if key is not None)

    def _first_message(self, submission_key: int) -> int | None:
        """The first one of that submission, or of the next one that has any."""
        query = select(messages.c.id).where(messages.c.submission_id >= submission_key)
        return self._value(query.order_by(messages.c.submission_id, messages.c.id).limit(1))

    def _newest_message(self, first: int, behind: int) -> int | None:
        query = select(messages.c.id).where(messages.c.id >= first, messages.c.id < behind)
        return self._value(query.order_by(messages.c.id.desc()).limit(1))

    def _value(self, query: Select[int]) -> int | None:
        return self._connection.execute(query).scalar()

    def _rows(
        self,
        conditions: list[ColumnElement[bool]],
        listed: Select[Any] = _MESSAGES,
        place: ColumnElement[int] = messages.c.id,
    ) -> Sequence[Row[Any]]:
        query = listed.where(*conditions).order_by(place.desc(), messages.c.id.desc()).limit(self._wanted.limit)
        return self._connection.execute(query).fetchall()

    def _page(self, rows: Sequence[Row[Any]], before: int | None = None, stopped_at: int | None = None) -> Found:
        """``stopped_at``: the message up to which was looked, if that was not the last one there is."""
        if len(rows) == self._wanted.limit:
            return Found(rows, rows[-1].messages_id)
        query = select(submissions.c.accepted_at_ms).join(messages, messages.c.submission_id == submissions.c.id)
        return Found(rows, before, self._value(query.where(messages.c.id == stopped_at)))


def _conditions(connection: Connection, wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What every row has to be held against."""
    if wanted.state is not None:
        yield messages.c.state == int(wanted.state)
    if wanted.channel is not None:
        yield messages.c.channel == wanted.channel
    if wanted.text is not None:
        yield _contains(connection, wanted.text)
    if wanted.since_ms is not None:
        yield submissions.c.accepted_at_ms >= wanted.since_ms
    if wanted.until_ms is not None:
        yield submissions.c.accepted_at_ms < wanted.until_ms


def _contains(connection: Connection, piece: str) -> ColumnElement[bool]:
    """Of whatever case, as far as ASCII goes: SQLite's LIKE is so by itself, the column's collation makes ILIKE so."""
    if connection.dialect.name == "sqlite":
        return submissions.c.text.contains(piece, autoescape=True)
    return submissions.c.text.icontains(piece, autoescape=True)


def _key_at(connection: Connection, at_ms: int) -> int:
    """The first key of a submission that was accepted at this moment, or later, if keys were in order; by bisection."""
    ends = select(
        select(func.min(submissions.c.id)).scalar_subquery(), select(func.max(submissions.c.id)).scalar_subquery()
    )
    first, last = connection.execute(ends).one()
    low, high = (1, 1) if first is None else (first, last + 1)
    query = select(submissions.c.id, submissions.c.accepted_at_ms).order_by(submissions.c.id).limit(1)
    while low < high:
        middle = (low + high) // 2
        key, accepted_at_ms = connection.execute(query.where(submissions.c.id >= middle)).one()
        if accepted_at_ms >= at_ms:
            high = middle
        else:
            low = key + 1
    return low
