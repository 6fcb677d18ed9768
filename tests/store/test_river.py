"""The law of money and of states: whatever happens in whatever order, the ledger holds and no message jumps.

A random program of calls, claims, answers, receipts, cancellations and crashes runs against a real store. Parts are
answered one by one and receipts may come early, late, twice and in contradiction, as carriers do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import TRANSITIONS, Lane, State
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import RefundRule
from yizhan.store.accept import accept
from yizhan.store.ledger import issue
from yizhan.store.messages import cancel_submission
from yizhan.store.queue import Claim, claim, lose_leases, promote, waiting
from yizhan.store.settle import Answered, Reported, settle_answers, settle_receipts

from .rows import Store, admitted, recipient

CHANNELS = ("again", "held")  # after a crash the one sends again, the other holds
WORDS = ("DELIVRD", "DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "DELETED", "UNKNOWN", "ENROUTE", "MBBLACK")
TABLES = ("ledger", "counters", "submissions", "messages", "parts", "parked_receipts")

recipients = st.lists(
    st.sampled_from(
        [
            recipient("+8613800000000"),
            recipient("+85291234567", price_milli=1_500),
            recipient("+33612345678", price_milli=0),
            recipient("+8613900000000", State.BLOCKED),
            recipient("12x", State.INVALID),
        ]
    ),
    min_size=1,
    max_size=4,
    unique=True,
)


@dataclass(frozen=True)
class OpenPart:
    """A part that was handed over and not answered."""

    channel: str
    message_id: int
    part: int
    of: int
    carrier_id: str


class River(RuleBasedStateMachine):
    """What the tests know beside the store: what is in flight, what the carrier may report, what was paid."""

    store: Store

    @initialize(refund=st.sampled_from(RefundRule))
    def begin(self, refund: RefundRule) -> None:
        for table in TABLES:
            self.store.sql(f"DELETE FROM {table}")
        self.store.sql("UPDATE accounts SET balance_milli = 0")
        self.refund = refund
        self.now_ms = 1_000
        self.paid_in = {1: 0, 2: 0}
        self.in_flight: list[OpenPart] = []
        self.carrier_ids: list[tuple[str, str]] = []  # (channel, id) of every part ever handed over
        self.before: dict[int, State] = {}
        self.submissions = 0
        self.topup(1, 30_000)
        self.topup(2, 5_000)

    def topup(self, account: int, amount: int) -> None:
        balance = self.store.balance(account)
        done = self.store.act(lambda connection: issue(connection, account, amount, self.now_ms, ""))
        assert done == (balance + amount >= 0)
        self.paid_in[account] += amount if done else 0

    @rule(
        account=st.sampled_from((1, 2)),
        to=recipients,
        parts=st.integers(1, 3),
        lane=st.sampled_from(Lane),
        later=st.sampled_from((None, None, None, 500)),
    )
    def call(self, account: int, to: list[object], parts: int, lane: Lane, later: int | None) -> None:
        state = State.QUEUED if later is None else State.SCHEDULED
        chosen = [
            one if one.state.final else recipient(one.number, state, one.price_milli * parts)  # type: ignore[attr-defined]
            for one in to
        ]
        send_at_ms = None if later is None else self.now_ms + later
        call = admitted(account, *chosen, parts=parts, lane=lane, send_at_ms=send_at_ms, accepted_at_ms=self.now_ms)
        balance = self.store.balance(account)
        (answer,) = self.store.do(accept, call)
        if balance < call.price_milli:
            assert isinstance(answer, Refusal) and answer.reject is Reject.BALANCE_TOO_LOW
            assert self.store.balance(account) == balance
            return
        self.submissions += 1
        assert answer == 100_000_000 + self.submissions - 1
        assert self.store.balance(account) == balance - call.price_milli

    @precondition(lambda self: self.submissions)
    @rule(channel=st.sampled_from(CHANNELS), limit=st.integers(1, 6), passes=st.sampled_from((0, 600, 6_000)))
    def handed_over(self, channel: str, limit: int, passes: int) -> None:
        """Time passes, what has become due is queued, and a channel with room takes what waits."""
        self.now_ms += passes
        self.store.do(promote, (self.now_ms, limit))
        self.follow()
        claims = [Claim(channel, *who, limit, self.now_ms) for who in sorted(self.store.ask(waiting))]
        (leased,) = self.store.do(claim, claims)
        for letter in (letter for letters in leased for letter in letters):
            for part in range(1, letter.parts + 1):
                carrier_id = f"{len(self.carrier_ids):06d}"
                self.in_flight.append(OpenPart(channel, letter.message_id, part, letter.parts, carrier_id))
                self.carrier_ids.append((channel, carrier_id))

    @precondition(lambda self: self.in_flight)
    @rule(taken=st.lists(st.sampled_from((True, True, True, False)), min_size=1, max_size=8))
    def answered(self, taken: list[bool]) -> None:
        """Some parts in order; a message of several may be left with half of its answers."""
        channel = self.in_flight[0].channel
        some = [part for part in self.in_flight if part.channel == channel]
        answers = []
        for part, good in zip(some, taken, strict=False):
            self.in_flight.remove(part)
            names = (part.carrier_id, "") if good else ("", "RINVDSTADR")
            answers.append(Answer(part.message_id, part.part, part.of, *names, self.now_ms))
        self.store.do(settle_answers, Answered(channel, answers, self.refund))

    @precondition(lambda self: self.carrier_ids)
    @rule(says=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(WORDS)), min_size=1, max_size=8))
    def reported(self, says: list[tuple[int, str]]) -> None:
        """Of parts handed over lately: before their answer, in time, once more, or although they were refused."""
        receipts: dict[str, list[Receipt]] = {channel: [] for channel in CHANNELS}
        for back, word in says:
            channel, carrier_id = self.carrier_ids[-1 - back % len(self.carrier_ids)]
            receipts[channel].append(Receipt(carrier_id, word, self.now_ms))
        for channel, batch in receipts.items():
            self.store.do(settle_receipts, Reported(channel, batch, self.refund))

    @precondition(lambda self: self.submissions)
    @rule(what=st.sampled_from(("crash", "crash", "cancel", "topup")), number=st.integers(0, 30))
    def now_and_then(self, what: str, number: int) -> None:
        """A crash: nothing in flight will be answered, though it may be reported. Or an operator does something."""
        match what:
            case "crash":
                self.in_flight.clear()
                self.store.do(lose_leases, *((channel, channel == "again") for channel in CHANNELS))
            case "cancel":
                key = 1 + number % self.submissions
                self.store.act(lambda connection: cancel_submission(connection, key, self.now_ms))
            case "topup":
                self.topup(1 + number % 2, (number - 15) * 300)

    @invariant()
    def the_ledger_holds(self) -> None:
        assert self.store.faults() == []
        for account, paid_in in self.paid_in.items():
            query = "SELECT coalesce(sum(price_milli - refunded_milli), 0) FROM messages WHERE account_id = :account"
            assert self.store.balance(account) == paid_in - self.store.value(query, account=account) >= 0

    @invariant()
    def no_message_jumps(self) -> None:
        self.follow()

    def follow(self) -> None:
        """Hold every state against the one before; more than one step at a time is as wrong as a step back."""
        states = self.store.states()
        assert set(self.before) <= set(states), "no message disappears"
        for key, state in states.items():
            before = self.before.get(key, state)
            assert state is before or state in TRANSITIONS.get(before, ()), (key, before, state)
        self.before = states

    @invariant()
    def columns_fit_the_state(self) -> None:
        unfinished = "1, 2, 3, 4"  # scheduled, queued, sending, uncertain
        query = (
            f"SELECT id FROM messages WHERE (due_at_ms IS NOT NULL) <> (state IN ({unfinished}))"
            " OR (finished_at_ms IS NOT NULL) <> (state >= 10) OR uncertain > attempts"
        )
        assert self.store.rows(query) == []


@pytest.fixture(scope="module")
def river_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all programs; each begins by emptying it."""
    data: Path = tmp_path_factory.mktemp("river")
    store = Store(data)
    store.account("C1")
    store.account("C2")
    yield store
    store.close()


def test_the_ledger_holds_whatever_happens(river_store: Store) -> None:
    machine = type("RiverHere", (River,), {"store": river_store})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
