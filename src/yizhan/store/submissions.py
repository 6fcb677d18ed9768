"""Submissions as people look at them: one with what has become of it, and those that wait for their time."""

from sqlalchemy import Connection, func, literal_column, select, tuple_

from yizhan.kit.clock import to_rfc3339
from yizhan.model.call import Original
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.views import RequestView, ScheduledView, SubmissionView
from yizhan.store.schema import accounts, messages, requests, submissions
from yizhan.store.search import submission_keys
from yizhan.wire.original import charset_of, show


def view_submission(connection: Connection, client_id: int, account: str | None) -> SubmissionView | None:
    """The newest submission whose client got ``client_id``; None when there is none, or it is not the account's."""
    keys = submission_keys(connection, client_id, account)
    if not keys:
        return None
    query = select(submissions, accounts.c.corp_id).join(accounts, accounts.c.id == submissions.c.account_id)
    row = connection.execute(query.where(submissions.c.id == keys[0])).one()
    sums = select(messages.c.state, func.count(), func.sum(messages.c.refunded_milli))
    sums = sums.where(messages.c.submission_id == keys[0]).group_by(messages.c.state).order_by(messages.c.state)
    by_state = connection.execute(sums).fetchall()
    return SubmissionView(
        submission=row.client_id,
        account=row.corp_id,
        text=row.text,
        encoding=row.encoding,
        parts=row.parts,
        cell=row.cell,
        operation=row.operation,
        transport=row.transport,
        address=row.address,
        accepted_at=to_rfc3339(row.accepted_at_ms) or "",
        send_at=to_rfc3339(row.send_at_ms),
        price=as_number(row.price_milli),
        refunded=as_number(sum(int(refunded) for _, _, refunded in by_state)),
        states={State(state).word: count for state, count, _ in by_state},
        request=_view_request(connection, keys[0]),
    )


def _view_request(connection: Connection, key: int) -> RequestView | None:
    row = connection.execute(select(requests.c.raw, requests.c.size).where(requests.c.submission_id == key)).first()
    if row is None:
        return None
    original = Original(bytes(row.raw), row.size)
    return RequestView(show(original), len(original.raw), original.size, charset_of(original))


def list_scheduled(
    connection: Connection, account_id: int | None, limit: int, behind: tuple[int, int] | None = None
) -> list[ScheduledView]:
    """Those with scheduled messages, the earliest first; ``behind`` a moment and a key."""
    # The state as a literal: SQLite takes a partial index only when the statement itself says its condition. They all
    # have such a moment; not asked for it, SQLite would walk over every message by its submission.
    waits = select(messages.c.submission_id, func.min(messages.c.due_at_ms).label("due"), func.count().label("waits"))
    waits = waits.where(messages.c.state == literal_column(str(int(State.SCHEDULED))), messages.c.due_at_ms >= 0)
    waits = waits.group_by(messages.c.submission_id)
    if account_id is not None:
        waits = waits.where(messages.c.account_id == account_id)
    waiting = waits.subquery()
    query = (
        select(waiting.c.due, waiting.c.waits, submissions, accounts.c.corp_id)
        .join(submissions, submissions.c.id == waiting.c.submission_id)
        .join(accounts, accounts.c.id == submissions.c.account_id)
        .order_by(waiting.c.due, submissions.c.id)
        .limit(limit)
    )
    if behind is not None:
        query = query.where(tuple_(waiting.c.due, submissions.c.id) > tuple_(*behind))
    return [
        ScheduledView(
            cursor=f"{row.due}-{row.id}",
            submission=row.client_id,
            account=row.corp_id,
            text=row.text,
            send_at=to_rfc3339(row.due) or "",
            waiting=row.waits,
        )
        for row in connection.execute(query)
    ]
