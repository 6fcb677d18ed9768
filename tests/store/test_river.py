"""The law of money and of states: whatever happens in whatever order, the ledger holds and no message jumps.

A random program of calls, claims, answers of every outcome, receipts, cancellations, crashes and lost patience runs
against a real store. Receipts may come early, late, twice and in contradiction, as carriers do. Programs are drawn from
a seed, which keeps their steps in proportion; a failing one prints what it did.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import TRANSITIONS, Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import RefundRule
from yizhan.policy.route_key import passenger
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.ledger import issue, verify_ledger
from yizhan.store.messages import cancel_submission
from yizhan.store.queue import Claim, claim, lose_leases, promote, waiting
from yizhan.store.report import Reported, close_unreported, settle_held, settle_receipts, unreported
from yizhan.store.settle import Answered, Manner, fail_held, give_up_crowd, settle_answers
from yizhan.wire.smpp.receipts import id_key

from .rows import Store, admitted, recipient

CHANNELS = ("again", "held")  # after a crash the one sends again, the other holds
WORDS = ("DELIVRD", "DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "DELETED", "UNKNOWN", "UNKNOWN", "ENROUTE", "MBBLACK")
TABLES = ("ledger", "counters", "submissions", "messages", "parts", "parked_receipts", "handouts")
RECIPIENTS = (
    recipient("+8613800000000"),
    recipient("+85291234567", price_milli=1_500),
    recipient("+33612345678", price_milli=0),
    recipient("+8613900000000", State.BLOCKED),
    recipient("12x", State.INVALID),
)


@dataclass(frozen=True)
class OpenLetter:
    """A letter that was handed over and not answered, with the ids that its parts get if they are taken."""

    channel: str
    message_id: int
    number: str
    carrier_ids: tuple[str, ...]


@dataclass
class River:
    """What the test knows beside the store: what is in flight, what the carrier may report, what was paid in."""

    store: Store
    dice: random.Random
    refund: RefundRule
    now_ms: int = 1_000
    submissions: int = 0
    paid_in: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    in_flight: list[OpenLetter] = field(default_factory=list)
    carrier_ids: list[tuple[str, str, str]] = field(default_factory=list)  # (channel, id, number) of every part
    before: dict[int, State] = field(default_factory=dict)
    taken: set[State] = field(default_factory=set)

    def step(self) -> None:
        """One of the things that happen, in proportion."""
        deeds = (self.call, self.hand_over, self.answer, self.report, self.crash, self.cancel, self.topup, self.overdue)
        (deed,) = self.dice.choices(deeds, weights=(5, 6, 9, 7, 2, 3, 1, 3))
        deed()
        self.check()

    def topup(self) -> None:
        """An operator gives credit or takes it back."""
        self.pay(self.dice.choice((1, 2)), self.dice.randint(-3_000, 6_000))

    def pay(self, account: int, amount: int) -> None:
        """So much in 1/1000 条, unless the balance does not hold it."""
        note(f"topup {account} {amount}")
        balance = self.store.balance(account)
        done = self.store.act(lambda connection: issue(connection, account, amount, self.now_ms, ""))
        assert done == (balance + amount >= 0)
        self.paid_in[account] += amount if done else 0

    def call(self) -> None:
        """A client calls; it is accepted and charged, or refused and nothing happens."""
        account, parts = self.dice.choice((1, 1, 2)), self.dice.choice((1, 2, 2, 3))
        later = self.dice.choice((None, None, None, 500))
        state = State.QUEUED if later is None else State.SCHEDULED
        chosen = [
            one if one.state.final else recipient(one.number, state, one.price_milli * parts)
            for one in self.dice.sample(RECIPIENTS, self.dice.randint(1, 3))
        ]
        send_at_ms = None if later is None else self.now_ms + later
        lane = self.dice.choice(list(Lane))
        call = admitted(account, *chosen, parts=parts, lane=lane, send_at_ms=send_at_ms, accepted_at_ms=self.now_ms)
        note(f"call {account}: {[one.number for one in chosen]} of {parts} parts, {state.word}")
        balance = self.store.balance(account)
        (answer,) = self.store.do(accept, call)
        if balance < call.price_milli:
            assert isinstance(answer, Refusal) and answer.reject is Reject.BALANCE_TOO_LOW
            assert self.store.balance(account) == balance
            return
        self.submissions += 1
        assert answer == 100_000_000 + self.submissions - 1
        assert self.store.balance(account) == balance - call.price_milli

    def hand_over(self) -> None:
        """Time passes, what has become due is queued, and a channel with room takes what waits."""
        channel, limit = self.dice.choice(CHANNELS), self.dice.randint(1, 4)
        self.now_ms += self.dice.choice((0, 600))
        self.store.do(promote, (self.now_ms, limit))
        self.check()
        crowds = sorted(self.store.ask(waiting))
        claims = [Claim(channel, who, limit, self.now_ms) for who in crowds if channel not in tried(who)]
        (leased,) = self.store.do(claim, claims)
        for letter in (letter for letters in leased for letter in letters):
            note(f"{channel} takes {letter.message_id}")
            # Carriers give ids again: these come round, and their newest part is meant.
            ids = tuple(f"{len(self.carrier_ids) + part:06d}" for part in range(letter.parts))
            self.in_flight.append(OpenLetter(channel, letter.message_id, letter.number, ids))
            self.carrier_ids.extend((channel, carrier_id, letter.number) for carrier_id in ids)
        for crowd in crowds:
            if tried(crowd) == set(CHANNELS):
                note(f"nobody carries {crowd}")
                self.store.do(give_up_crowd, (crowd, limit, self.now_ms, self.refund))

    def answer(self) -> None:
        """Some letters of a channel, each with all of its parts."""
        if not self.in_flight:
            return
        channel = self.dice.choice(self.in_flight).channel
        answers = []
        for letter in [letter for letter in self.in_flight if letter.channel == channel][: self.dice.randint(1, 3)]:
            self.in_flight.remove(letter)
            of = len(letter.carrier_ids)
            for part, carrier_id in enumerate(letter.carrier_ids, 1):
                outcome = self.dice.choices(list(Outcome), weights=(12, 3, 2, 2, 2, 1))[0]
                given = carrier_id if outcome is Outcome.TAKEN else ""
                answers.append(Answer(letter.message_id, part, of, outcome, given, outcome.value, self.now_ms))
        note(f"{channel} answers {[(a.message_id, a.part, a.carrier_id or a.word) for a in answers]}")
        manner = Manner(self.refund, resend=channel == "again", max_attempts=3, first_pause_s=0.5)
        self.store.do(settle_answers, Answered(channel, answers, manner))

    def overdue(self) -> None:
        """Reports of held messages are looked for; now and then everybody's patience is over."""
        note("overdue")
        for channel in CHANNELS:
            self.store.do(settle_held, (channel, self.now_ms + 1, 10, self.refund))
            self.check()
            if self.dice.random() < 0.2:
                self.store.do(fail_held, (channel, self.now_ms - 600, self.now_ms, 10, self.refund))
                look = partial(unreported, channel=channel, before_ms=self.now_ms - 600, limit=10)
                self.store.do(close_unreported, (self.store.ask(look), self.now_ms))

    def report(self) -> None:
        """Of parts handed over lately: before their answer, in time, once more, or although they were refused."""
        for channel in CHANNELS:
            lately = [(carrier_id, number) for where, carrier_id, number in self.carrier_ids[-12:] if where == channel]
            if lately:
                words = [(*self.dice.choice(lately), self.dice.choice(WORDS)) for _ in range(self.dice.randint(1, 4))]
                note(f"{channel} reports {words}")
                receipts = [self.receipt(*word) for word in words]
                self.store.do(settle_receipts, Reported(channel, receipts, self.refund))
                self.check()

    def receipt(self, carrier_id: str, number: str, word: str) -> Receipt:
        """With a number or without, and now and then without an id."""
        if self.dice.random() < 0.15:
            return Receipt((), word, self.now_ms, number)
        return Receipt((id_key(carrier_id),), word, self.now_ms, self.dice.choice((number, "")), carrier_id)

    def crash(self) -> None:
        """The process died: nothing in flight will be answered; the carrier may report it all the same."""
        note("crash")
        self.in_flight.clear()
        self.store.do(lose_leases, *((channel, channel == "again") for channel in CHANNELS))

    def cancel(self) -> None:
        """The operator cancels one of the latest calls, or what a crash has put back."""
        if self.submissions:
            key = self.dice.randint(max(1, self.submissions - 3), self.submissions)
            note(f"cancel {key}")
            self.store.act(lambda connection: cancel_submission(connection, key, self.now_ms))

    def check(self) -> None:
        """The three laws, after each step."""
        faults, states, misfits, balances = self.store.ask(look)
        assert faults == []
        for account, (balance, cost) in balances.items():
            assert balance == self.paid_in[account] - cost >= 0, (
                "what was paid in, less what was sent and not paid back"
            )
        assert set(self.before) <= set(states), "no message disappears"
        for key, state in states.items():
            before = self.before.get(key, state)
            assert state is before or state in TRANSITIONS.get(before, ()), (key, before, state)
        assert misfits == []
        self.before = states
        self.taken |= set(states.values())


def tried(crowd: Crowd) -> set[str]:
    """The channels that would not take its messages."""
    return set(passenger(crowd.account_id, crowd.route_key).tried)


def look(session: Connection) -> tuple[list[str], dict[int, State], list[Any], dict[int, tuple[int, int]]]:
    """Faults of the ledger, states, messages whose columns do not fit their state, and (balance, cost) by account."""
    states = {row.id: State(row.state) for row in session.execute(text("SELECT id, state FROM messages"))}
    unfinished = "1, 2, 3, 4"  # scheduled, queued, sending, uncertain
    # Nobody fetches here: one report a message from its first end on, and one failure from its definite failing on.
    reported = (
        "SELECT count(*) FROM handouts WHERE queue = {} AND item_id = messages.id AND account_id = messages.account_id"
    )
    misfits = session.execute(
        text(
            f"SELECT * FROM messages WHERE ({reported.format(2)}) <> (state >= 10)"
            f" OR ({reported.format(3)}) <> (state IN (11, 13, 15, 16, 17))"
            f" OR (due_at_ms IS NOT NULL) <> (state IN ({unfinished}))"
            " OR (finished_at_ms IS NOT NULL) <> (state >= 10) OR uncertain > attempts"
        )
    ).fetchall()
    balances = session.execute(
        text(
            "SELECT id, balance_milli, (SELECT coalesce(sum(price_milli - refunded_milli), 0) FROM messages"
            " WHERE account_id = accounts.id) FROM accounts"
        )
    )
    return verify_ledger(session).faults, states, list(misfits), {row[0]: (row[1], row[2]) for row in balances}


@pytest.fixture(scope="module")
def river_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all programs; each begins by emptying it."""
    store = Store(tmp_path_factory.mktemp("river"))
    store.account("C1")
    store.account("C2")
    yield store
    store.close()


def empty(session: Connection) -> None:
    """Two accounts with nothing, and nothing else."""
    for table in TABLES:
        session.execute(text(f"DELETE FROM {table}"))
    session.execute(text("UPDATE accounts SET balance_milli = 0"))


seen: set[State] = set()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), refund=st.sampled_from(RefundRule))
def run_programs(store: Store, seed: int, refund: RefundRule) -> None:
    """Programs of 60 steps."""
    store.act(empty)
    river = River(store, random.Random(seed), refund)
    river.pay(1, 40_000)
    river.pay(2, 5_000)
    for _ in range(60):
        river.step()
    seen.update(river.taken)


def test_the_ledger_holds_whatever_happens(river_store: Store) -> None:
    seen.clear()
    run_programs(river_store)
    assert seen == set(State), "the programs reach every state there is"
