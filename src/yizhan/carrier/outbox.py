"""The letters that a channel has in hand: cut into parts, written, answered, and reported together.

All parts of a letter are reported in one call, once each has an end; the letter's fate is then decided in one place.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from yizhan.model.carriage import Answer, Letter
from yizhan.model.channel import ChannelSettings
from yizhan.model.outcome import Outcome
from yizhan.wire.session import Session
from yizhan.wire.smpp.codec import Form, Pdu
from yizhan.wire.smpp.statuses import THROTTLING, UNBOUND, outcome_of, word_of
from yizhan.wire.smpp.table import Command
from yizhan.wire.smpp.texts import Piece, cut

# A part of a long text that is refused for the moment is tried again here: to send the others twice would be worse.
_TRIES = 4
_FIRST_PAUSE_S = 1.0
_REGISTERED = {"all": 1, "failures": 2, "none": 0}  # registered_delivery (section 5.2.17)
_MAINLAND = "+86"
_MOST_FORMS = 1_000


@dataclass(slots=True)
class InHand:
    """One letter: its pieces and what became of each."""

    letter: Letter
    pieces: Sequence[Piece]
    ends: list[Answer | None]
    open: int  # pieces without an end
    since_s: float  # when it was handed over
    out: int = 0  # pieces that were written, and not refused for another try
    doomed: bool = False  # a piece is uncertain, and so is the message: no more of it is written


@dataclass(slots=True)
class Part:
    """One piece on its way; the token by which the session knows it."""

    hand: InHand
    index: int
    tries: int = 0


@dataclass(slots=True)
class Outbox:
    """Parts that wait, in their order, and ends that are to be reported. Knows no socket and no clock."""

    settings: ChannelSettings
    waiting: deque[Part] = field(default_factory=deque)
    letters: int = 0  # in hand, those whose report is under way included
    _later: list[tuple[float, int, Part]] = field(default_factory=list)
    _count: int = 0
    _ended: list[InHand] = field(default_factory=list)
    _forms: dict[tuple[str, int, int], Form] = field(default_factory=dict)

    def add(self, letters: Iterable[Letter], now_s: float) -> None:
        """Take ``letters``."""
        text: str | None = None
        pieces: Sequence[Piece] = ()
        for letter in letters:
            self.letters += 1
            # One text to many numbers is cut once; only the reference that joins parts is each message's own.
            if letter.text is not text or len(pieces) > 1:
                text, pieces = letter.text, cut(letter.text, self.settings, letter.message_id)
            hand = InHand(letter, pieces, [None] * len(pieces), len(pieces), now_s)
            for index in range(len(pieces)):
                self.waiting.append(Part(hand, index))

    def submit(self, session: Session[Pdu, Part], most: int, now_s: float, now_ms: int) -> int:
        """Write at most ``most`` waiting parts into ``session``: how many."""
        count = 0
        while count < most and self.waiting:
            part = self.waiting.popleft()
            try:
                session.request(self._pdu(part), part, now_s)
            except ValueError as error:  # a field that does not fit: a mistake in the settings or an odd number
                self._end(part, Outcome.BARRED, "", str(error)[:32], now_ms)
                continue
            part.hand.out += 1
            count += 1
        return count

    def answered(self, part: Part, status: int, carrier_id: str, now_s: float, now_ms: int) -> bool:
        """The carrier's answer; False when it was throttling, and the part waits in its old place."""
        if status in THROTTLING or status in UNBOUND:
            part.hand.out -= 1
            self.waiting.appendleft(part)
            return status not in THROTTLING
        outcome = outcome_of(status)
        if outcome is Outcome.BUSY and len(part.hand.pieces) > 1 and part.tries + 1 < _TRIES:
            part.tries += 1
            part.hand.out -= 1
            self._count += 1
            pause_s = _FIRST_PAUSE_S * 2 ** (part.tries - 1)
            heapq.heappush(self._later, (now_s + pause_s, self._count, part))
            return True
        self._end(part, outcome, carrier_id, "" if outcome is Outcome.TAKEN else word_of(status), now_ms)
        return True

    def lost(self, parts: Sequence[Part], word: str, now_ms: int) -> None:
        """Written, and never answered. What else there is of their letters need not be written any more."""
        for part in parts:
            part.hand.doomed = True
            self._end(part, Outcome.UNCERTAIN, "", word, now_ms)
        if any(part.hand.open for part in parts):
            self._keep(lambda part: not part.hand.doomed, Outcome.UNWRITTEN, "", now_ms)

    def due(self, now_s: float) -> None:
        """Parts whose pause is over wait again."""
        while self._later and self._later[0][0] <= now_s:
            self.waiting.append(heapq.heappop(self._later)[2])

    def next_due_s(self) -> float:
        """When the next pause is over; infinity when there is none."""
        return self._later[0][0] if self._later else float("inf")

    def give_back(self, now_ms: int, *, everything: bool = False) -> None:
        """No bind is left: letters of which nothing was written go back to the queue.

        One that was written in part waits for the next bind; with ``everything`` its rest is uncertain like the letter.
        """
        self._keep(lambda part: _begun(part.hand), Outcome.UNWRITTEN, "", now_ms)
        if everything:
            self._keep(lambda _: False, Outcome.UNCERTAIN, "NOTSENT", now_ms)

    def give_up_waiting(self, before_s: float, now_ms: int) -> None:
        """Letters that were handed over before a moment, and of which nothing was written, go back to the queue."""
        while self.waiting and self.waiting[0].hand.since_s < before_s and not _begun(self.waiting[0].hand):
            self._end(self.waiting.popleft(), Outcome.UNWRITTEN, "", "", now_ms)

    def waiting_since_s(self) -> float:
        """When the first letter of which nothing was written was handed over; infinity when there is none."""
        first = self.waiting[0].hand if self.waiting else None
        return float("inf") if first is None or _begun(first) else first.since_s

    def take_ended(self) -> list[InHand]:
        """Letters whose every part has ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    @property
    def any_ended(self) -> bool:
        """Whether there is something to report."""
        return bool(self._ended)

    def _keep(self, wanted: Callable[[Part], bool], outcome: Outcome, word: str, now_ms: int) -> None:
        """Of all that waits keep what is ``wanted``; the rest ends so."""
        kept: deque[Part] = deque()
        for part in (*self.waiting, *(entry[2] for entry in self._later)):
            if wanted(part):
                kept.append(part)
            else:
                self._end(part, outcome, "", word, now_ms)
        self.waiting = kept
        self._later.clear()

    def _end(self, part: Part, outcome: Outcome, carrier_id: str, word: str, now_ms: int) -> None:
        hand = part.hand
        if hand.ends[part.index] is not None:
            return
        hand.ends[part.index] = Answer(
            hand.letter.message_id, part.index + 1, len(hand.pieces), outcome, carrier_id, word, now_ms
        )
        hand.open -= 1
        if hand.open == 0:
            self._ended.append(hand)

    def _pdu(self, part: Part) -> Pdu:
        letter, piece = part.hand.letter, part.hand.pieces[part.index]
        kind = (letter.cell, piece.esm_class, piece.data_coding)
        form = self._forms.get(kind)
        if form is None:
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            form = self._forms[kind] = self._form(*kind)
        number = written_as(letter.number, self.settings.number_form)
        return Pdu(Command.SUBMIT_SM, tlvs=piece.tlvs, encoded=form.fill(number, piece.short_message))

    def _form(self, cell: str, esm_class: int, data_coding: int) -> Form:
        """What all messages of one sender and one coding share."""
        settings = self.settings
        body: dict[str, Any] = {
            "service_type": settings.service_type,
            "source_addr_ton": settings.source_ton,
            "source_addr_npi": settings.source_npi,
            "source_addr": settings.source + cell,
            "dest_addr_ton": settings.destination_ton,
            "dest_addr_npi": settings.destination_npi,
            "esm_class": esm_class,
            "registered_delivery": _REGISTERED[settings.receipts],
            "data_coding": data_coding,
        }
        return Form(Command.SUBMIT_SM, body, "destination_addr", "short_message")


def _begun(hand: InHand) -> bool:
    """Whether the carrier may have something of it, or has answered for good."""
    return hand.out > 0 or hand.open < len(hand.pieces)


def written_as(number: str, form: str) -> str:
    """``number`` (E.164 with its plus) as the carrier wants it.

    >>> written_as("+8613800000000", "mainland"), written_as("+85291234567", "digits")
    ('13800000000', '85291234567')
    """
    if form == "plus":
        return number
    if form == "mainland" and number.startswith(_MAINLAND):
        return number.removeprefix(_MAINLAND)
    return number.removeprefix("+")
