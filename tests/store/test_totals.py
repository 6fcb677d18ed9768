"""What an account sent, by day and state."""

from yizhan.model.message import State
from yizhan.store.accept import CLIENT_IDS, accept
from yizhan.store.totals import Total, day_of, totals

from .rows import Store, admitted, recipient

_DAY_MS = 86_400_000
_NOW_MS = 1_800_000_000_000


def test_by_day_and_state(store: Store) -> None:
    mine, other = store.account(credit_milli=100_000), store.account("C2", credit_milli=100_000)
    today = day_of(_NOW_MS)
    blocked = recipient("+8613800000001", State.BLOCKED)
    for days in (40, 2, 1, 1, 0):
        at_ms = _NOW_MS - days * _DAY_MS
        store.do(accept, admitted(mine, recipient(), blocked, accepted_at_ms=at_ms))
        store.do(accept, admitted(other, accepted_at_ms=at_ms))
    found = store.ask(lambda session: totals(session, mine, today - 2, 1_000))
    expected = [
        Total(today - days, state, count, price, 0)
        for days, count in ((2, 1), (1, 2), (0, 1))
        for state, price in ((State.QUEUED, count * 1_000), (State.BLOCKED, 0))
    ]
    assert sorted(found) == sorted(expected)
    newest = store.ask(lambda session: totals(session, mine, today - 30, 3))
    assert sum(total.messages for total in newest) == 3 and min(total.day for total in newest) == today - 1


def test_when_ids_come_again(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    store.set_counter("submission", CLIENT_IDS)
    store.do(accept, admitted(account, accepted_at_ms=_NOW_MS))
    found = store.ask(lambda session: totals(session, account, day_of(_NOW_MS), 10))
    assert [total.messages for total in found] == [1]


def test_a_day_begins_in_beijing() -> None:
    assert day_of(16 * 3_600_000 - 1) == 0 and day_of(16 * 3_600_000) == 1
