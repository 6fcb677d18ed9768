"""Settle: answers and receipts become states, and money goes back for what definitely failed."""

from dataclasses import dataclass, field

import pytest

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.messages import cancel_submission
from yizhan.store.queue import Claim, claim, lose_leases
from yizhan.store.report import Reported, settle_receipts
from yizhan.store.settle import Answered, Manner, settle_answers
from yizhan.wire.smpp.receipts import id_key

from .rows import Store, admitted, recipient

FAILED, REFUSED, NEVER = RefundRule.FAILED, RefundRule.REFUSED, RefundRule.NEVER


@dataclass
class Sending:
    """One message of some parts at 1 条 each, claimed by a channel; and what the carrier says about it."""

    store: Store
    parts: int = 1
    rule: RefundRule = FAILED
    account: int = 0
    message_id: int = 0
    credit_milli: int = 10_000
    now_ms: int = 2_000
    ids: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = self.store.account(credit_milli=self.credit_milli)
        self.store.do(accept, admitted(self.account, parts=self.parts))
        self.claim()

    def claim(self) -> None:
        """A channel takes it."""
        ((letters,),) = self.store.do(claim, [Claim("sim", Crowd(Lane.URGENT, self.account), 1, self.now_ms)])
        self.message_id = letters[0].message_id

    def answer(self, *words: str, resend: bool = True) -> None:
        """The answers of all parts: a carrier's id, ``!WORD`` for a refusal, ``%WORD`` barred, ``~`` busy, ``?``
        uncertain, ``-`` unwritten.
        """
        self.now_ms += 1_000
        marks = {"!": Outcome.REFUSED, "%": Outcome.BARRED, "~": Outcome.BUSY}
        marks |= {"?": Outcome.UNCERTAIN, "-": Outcome.UNWRITTEN}
        answers = []
        for part, word in enumerate(words, 1):
            outcome = marks.get(word[0], Outcome.TAKEN)
            carrier_id, said = (word, "") if outcome is Outcome.TAKEN else ("", word[1:])
            answers.append(Answer(self.message_id, part, len(words), outcome, carrier_id, said, self.now_ms))
        manner = Manner(self.rule, resend=resend, max_attempts=2, first_pause_s=4)
        self.store.do(settle_answers, Answered("sim", answers, manner))

    def report(self, *receipts: str) -> None:
        """Receipts as ``ID:WORD``, all in one batch."""
        self.now_ms += 1_000
        pairs = [receipt.split(":") for receipt in receipts]
        batch = [Receipt((id_key(carrier_id),), word, self.now_ms, "", carrier_id) for carrier_id, word in pairs]
        self.store.do(settle_receipts, Reported("sim", batch, self.rule))

    @property
    def state(self) -> State:
        """Where the message stands."""
        return self.store.states()[self.message_id]

    @property
    def word(self) -> str:
        """The carrier's last word."""
        return str(self.store.value("SELECT word FROM messages"))

    def paid_back(self) -> int:
        """How much came back; checks the ledger too."""
        assert self.store.faults() == []
        back = self.store.balance(self.account) - self.credit_milli + 1_000 * self.parts
        assert back == self.store.value("SELECT refunded_milli FROM messages")
        return back


@pytest.mark.parametrize(
    ("word", "state", "back"),
    [
        pytest.param("DELIVRD", State.DELIVERED, 0, id="delivered"),
        pytest.param("UNDELIV", State.FAILED, 1_000, id="failed"),
        pytest.param("DELETED", State.FAILED, 1_000, id="deleted"),
        pytest.param("EXPIRED", State.EXPIRED, 1_000, id="expired"),
        pytest.param("REJECTD", State.REJECTED, 1_000, id="rejected"),
        pytest.param("UNKNOWN", State.UNKNOWN, 0, id="the carrier does not know"),
        pytest.param("MBBLACK", State.UNKNOWN, 0, id="a word nobody knows"),
        pytest.param("delivrd", State.DELIVERED, 0, id="lower case"),
        pytest.param("ENROUTE", State.SENT, 0, id="an intermediate word ends nothing"),
        pytest.param("ACCEPTD", State.SENT, 0, id="nor does this one"),
    ],
)
def test_one_part(store: Store, word: str, state: State, back: int) -> None:
    sending = Sending(store)
    sending.answer("a")
    assert sending.state is State.SENT
    assert store.rows("SELECT due_at_ms, sent_at_ms, finished_at_ms FROM messages") == [(None, 3_000, None)]
    sending.report(f"a:{word}")
    assert (sending.state, sending.paid_back()) == (state, back)
    assert store.value("SELECT finished_at_ms FROM messages") == (4_000 if state.final else None)
    assert sending.word == (word if state.final else "")


def test_refused_at_submit(store: Store) -> None:
    sending = Sending(store)
    sending.answer("!RINVDSTADR")
    assert (sending.state, sending.word, sending.paid_back()) == (State.FAILED, "RINVDSTADR", 1_000)
    assert store.value("SELECT due_at_ms IS NULL AND finished_at_ms = 3000 FROM messages") == 1


@pytest.mark.parametrize(
    ("answers", "receipts", "states", "back"),
    [
        pytest.param("a b c", "a:DELIVRD b:DELIVRD c:DELIVRD", "SENT SENT SENT DELIVERED", 0, id="all delivered"),
        pytest.param("a b c", "a:DELIVRD b:UNDELIV c:DELIVRD", "SENT SENT SENT FAILED", 1_000, id="one failed"),
        pytest.param(
            "a b c", "a:EXPIRED b:UNDELIV c:REJECTD", "SENT SENT SENT FAILED", 3_000, id="failed is the worst"
        ),
        pytest.param("a b c", "a:UNKNOWN b:DELIVRD c:EXPIRED", "SENT SENT SENT EXPIRED", 1_000, id="expired"),
        pytest.param("a !no c", "a:DELIVRD c:DELIVRD", "SENT SENT FAILED", 1_000, id="one refused, two delivered"),
        pytest.param("!no !no !no", "", "FAILED", 3_000, id="all refused"),
        pytest.param(
            "a b c",
            "a:UNKNOWN b:DELIVRD c:DELIVRD a:DELIVRD",
            "SENT SENT SENT UNKNOWN DELIVERED",
            0,
            id="the carrier learns it at last",
        ),
        pytest.param(
            "a b c",
            "a:UNKNOWN b:EXPIRED c:DELIVRD a:UNDELIV",
            "SENT SENT SENT EXPIRED EXPIRED",
            2_000,
            id="a definite end stands, the later failure is paid back",
        ),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
def test_several_parts(store: Store, answers: str, receipts: str, states: str, back: int, together: bool) -> None:
    sending = Sending(store, parts=3)
    steps = states.split()
    assert sending.state is State.SENDING, "until its parts are answered"
    sending.answer(*answers.split())
    assert sending.state.name == steps[0]
    if together and receipts:
        sending.report(*receipts.split())
    if not together:
        for receipt, before in zip(receipts.split(), steps, strict=False):
            assert sending.state.name == before
            sending.report(receipt)
    assert sending.paid_back() == back
    # In one batch the last word on each part counts, one by one the first definite end.
    if not (together and back == 2_000):
        assert sending.state.name == steps[-1]


def test_the_same_report_twice_changes_nothing(store: Store) -> None:
    sending = Sending(store)
    sending.answer("a")
    sending.report("a:UNDELIV", "a:UNDELIV")
    before = store.rows("SELECT * FROM messages"), store.rows("SELECT * FROM parts"), store.rows("SELECT * FROM ledger")
    sending.report("a:UNDELIV")
    after = store.rows("SELECT * FROM messages"), store.rows("SELECT * FROM parts"), store.rows("SELECT * FROM ledger")
    assert before == after and sending.paid_back() == 1_000


@pytest.mark.parametrize("words", [("DELIVRD", "UNDELIV"), ("UNDELIV", "DELIVRD"), ("EXPIRED", "UNKNOWN")])
def test_of_two_contradictory_reports_the_first_stands(store: Store, words: tuple[str, str]) -> None:
    sending = Sending(store)
    sending.answer("a")
    sending.report(f"a:{words[0]}")
    before = sending.state, sending.word, sending.paid_back()
    sending.report(f"a:{words[1]}")
    assert (sending.state, sending.word, sending.paid_back()) == before


def test_unknown_and_then_delivered(store: Store) -> None:
    sending = Sending(store)
    sending.answer("a")
    sending.report("a:UNKNOWN")
    assert sending.state is State.UNKNOWN
    sending.report("a:DELIVRD")
    assert (sending.state, sending.word) == (State.DELIVERED, "DELIVRD")


@pytest.mark.parametrize(
    ("receipts", "state"),
    [
        pytest.param(["a:DELIVRD"], State.DELIVERED, id="one"),
        pytest.param(["a:DELIVRD", "a:UNDELIV"], State.DELIVERED, id="the first definite one stands"),
        pytest.param(["a:UNKNOWN", "a:DELIVRD"], State.DELIVERED, id="a definite one replaces an unknown one"),
        pytest.param(["a:DELIVRD", "a:UNKNOWN"], State.DELIVERED, id="and not the other way round"),
        pytest.param(["a:ENROUTE", "a:UNDELIV"], State.FAILED, id="an intermediate one does not stand in the way"),
        pytest.param(["a:ENROUTE"], State.SENT, id="an intermediate one alone"),
        pytest.param(["b:DELIVRD"], State.SENT, id="of another part"),
    ],
)
def test_receipts_before_the_answer(store: Store, receipts: list[str], state: State) -> None:
    sending = Sending(store)
    for receipt in receipts:
        sending.report(receipt)
    waits = sending.state is State.SENDING
    assert waits
    sending.answer("a")
    assert sending.state is state
    assert sending.paid_back() == (1_000 if state is State.FAILED else 0)
    left = [] if not receipts[0].startswith("b") else [("b",)]
    assert store.rows("SELECT carrier_id FROM parked_receipts") == left


def test_channels_do_not_share_ids(store: Store) -> None:
    sending = Sending(store)
    sending.answer("a")
    store.do(settle_receipts, Reported("other", [Receipt(("A",), "UNDELIV", 9_000)], FAILED))
    assert sending.state is State.SENT and sending.paid_back() == 0


@pytest.mark.parametrize(
    ("rule", "refused_back", "reported_back"),
    [
        pytest.param(FAILED, 1_000, 1_000, id="failed"),
        pytest.param(REFUSED, 1_000, 0, id="refused"),
        pytest.param(NEVER, 0, 0, id="never"),
    ],
)
def test_refund_rules(store: Store, rule: RefundRule, refused_back: int, reported_back: int) -> None:
    sending = Sending(store, parts=2, rule=rule)
    sending.answer("!no", "b")
    assert sending.paid_back() == refused_back
    sending.report("b:UNDELIV")
    assert sending.paid_back() == refused_back + reported_back


def test_never_more_than_was_paid(store: Store) -> None:
    """Both parts fail in the second attempt, and the one that left in the first had failed already."""
    sending = Sending(store, parts=2)
    sending.answer("a", "?")
    assert (sending.state, sending.paid_back()) == (State.QUEUED, 0)
    sending.report("a:UNDELIV")
    assert (sending.state, sending.paid_back()) == (State.QUEUED, 1_000)
    sending.claim()
    sending.answer("!no", "!no")
    assert (sending.state, sending.paid_back()) == (State.FAILED, 2_000)


def test_cancelling_after_a_crash_pays_back_only_the_rest(store: Store) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "?")
    sending.report("a:UNDELIV")
    assert store.act(lambda connection: cancel_submission(connection, 1, 9_000)) == 1
    assert (sending.state, sending.paid_back()) == (State.CANCELLED, 2_000)


def test_a_late_receipt_does_not_wake_a_cancelled_message(store: Store) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "?")
    store.act(lambda connection: cancel_submission(connection, 1, 9_000))
    sending.report("a:UNDELIV")
    assert (sending.state, sending.paid_back()) == (State.CANCELLED, 2_000)


def test_what_is_held_as_uncertain_can_be_cancelled(store: Store) -> None:
    sending = Sending(store)
    store.do(lose_leases, ("sim", False))
    assert sending.state is State.UNCERTAIN and sending.paid_back() == 0
    assert store.act(lambda connection: cancel_submission(connection, 1, 9_000)) == 1
    assert store.states()[sending.message_id] is State.CANCELLED and sending.paid_back() == 1_000


def test_one_ledger_entry_an_account_and_commit(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    store.do(accept, admitted(account, *[recipient(f"+861380000000{n}") for n in range(5)]))
    ((letters,),) = store.do(claim, [Claim("sim", Crowd(Lane.URGENT, account), 9, 5_000)])
    refused = [Answer(letter.message_id, 1, 1, Outcome.REFUSED, "", "no", 6_000) for letter in letters]
    store.do(settle_answers, Answered("sim", refused, Manner(FAILED)))
    query = "SELECT amount_milli, debit_book, credit_book, at_ms FROM ledger WHERE kind = 'refund'"
    assert store.rows(query) == [(5_000, -1, account, 6_000)]
    assert store.balance(account) == 10_000 and store.faults() == []


def test_a_batch_larger_than_a_statement_has_parameters(store: Store) -> None:
    receipts = [Receipt((str(number),), "DELIVRD", 1) for number in range(33_000)]
    store.do(settle_receipts, Reported("sim", receipts, FAILED))
    assert store.value("SELECT count(*) FROM parked_receipts") == 33_000
