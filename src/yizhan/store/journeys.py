"""Journeys: to which submission messages and parts belong. Asked only where somebody follows them (``flow.trail``)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from yizhan.model.journey import Journey, PartJourney
from yizhan.model.message import Lane
from yizhan.store.schema import accounts, messages, parts, submissions

_COLUMNS = (
    submissions.c.account_id,
    accounts.c.corp_id,
    submissions.c.client_id,
    submissions.c.operation,
    submissions.c.accepted_at_ms,
    submissions.c.send_at_ms,
    messages.c.id,
    messages.c.lane,
    messages.c.parts,
    messages.c.attempts,
    messages.c.claimed_at_ms,
)


def journeys_of(connection: Connection, message_ids: Sequence[int]) -> dict[int, Journey]:
    """Of these messages."""
    query: Select[Any] = select(*_COLUMNS).select_from(messages)
    query = _joined(query).where(messages.c.id.in_(message_ids))
    return {row.id: _journey(row) for row in connection.execute(query)}


def part_journeys(connection: Connection, channel: str, keys: Sequence[str]) -> list[PartJourney]:
    """Of parts that a channel has sent, by the keys of their ids; the newest last."""
    columns = (parts.c.carrier_key, messages.c.number, parts.c.part, parts.c.answered_at_ms)
    query: Select[Any] = select(*_COLUMNS, *columns).select_from(parts)
    query = _joined(query.join(messages, messages.c.id == parts.c.message_id))
    query = query.where(parts.c.channel == channel, parts.c.carrier_key.in_(keys)).order_by(messages.c.id)
    return [
        PartJourney(_journey(row), row.carrier_key, row.number, row.part, row.answered_at_ms)
        for row in connection.execute(query)
    ]


def _joined(query: Select[Any]) -> Select[Any]:
    query = query.join(submissions, submissions.c.id == messages.c.submission_id)
    return query.join(accounts, accounts.c.id == submissions.c.account_id)


def _journey(row: Row[Any]) -> Journey:
    return Journey(
        account_id=row.account_id,
        account=row.corp_id,
        submission=row.client_id,
        operation=row.operation,
        lane=Lane(row.lane),
        accepted_at_ms=row.accepted_at_ms,
        send_at_ms=row.send_at_ms,
        message_id=row.id,
        parts=row.parts,
        attempts=row.attempts,
        claimed_at_ms=row.claimed_at_ms,
    )
