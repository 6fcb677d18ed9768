"""The session machine: one connection of a message protocol, either side of it, without a socket or a clock.

Bytes go in and events come out; what is to be written collects until ``take``. The caller passes the time, so that a
test can let an hour pass between two lines. What differs between protocols is a ``Dialect``; SMPP's is
``wire.smpp.dialect``, and CMPP will bring another.

    OPEN ──bind──▶ BINDING ──answer──▶ BOUND ──unbind──▶ UNBINDING ──answer──▶ CLOSED

Whatever arrives gives an event or ends the session with ``Broken``; nothing else ever comes out (section 2.2, 7.2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")  # what the caller knows a request by
P = TypeVar("P")  # the dialect's PDU


class Role(Enum):
    """Which side we are."""

    CLIENT = "client"  # ESME, SP
    SERVER = "server"  # SMSC, ISMG


class Mode(Flag):
    """What a bound session carries, seen from the client."""

    NONE = 0
    SEND = auto()
    RECEIVE = auto()
    BOTH = SEND | RECEIVE


class Phase(Enum):
    """How far the session has come."""

    OPEN = "open"
    BINDING = "binding"
    BOUND = "bound"
    UNBINDING = "unbinding"
    CLOSED = "closed"


class Kind(Enum):
    """What the machine has to know of a PDU."""

    BIND = "bind"
    BIND_ANSWER = "bind_answer"
    SEND = "send"  # a request that needs Mode.SEND: submit_sm
    DELIVER = "deliver"  # a request that needs Mode.RECEIVE: deliver_sm
    EITHER = "either"  # a request in both directions: data_sm
    NOTICE = "notice"  # never answered: alert_notification
    ANSWER = "answer"
    KEEP_ALIVE = "keep_alive"
    KEEP_ALIVE_ANSWER = "keep_alive_answer"
    UNBIND = "unbind"
    UNBIND_ANSWER = "unbind_answer"
    NACK = "nack"


class Unreadable(Exception):
    """A PDU that makes no sense; ``refusal`` is what to write back. After a ``fatal`` one there is no next PDU."""

    def __init__(self, reason: str, refusal: bytes, *, fatal: bool = False) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.fatal = fatal


class Dialect(Protocol[P]):
    """What differs between protocols."""

    header_bytes: int

    def length_of(self, data: bytes | bytearray, at: int, most: int) -> int:
        """The whole length of the PDU that begins at ``at``. Unreadable (fatal) when it cannot be one."""

    def decode(self, frame: bytes) -> P:
        """One PDU. Unreadable."""

    def kind_of(self, pdu: P) -> Kind:
        """What it is to the machine."""

    def mode_of(self, pdu: P) -> Mode:
        """What a bind asks for."""

    def sequence_of(self, pdu: P) -> int:
        """The number that joins request and answer."""

    def status_of(self, pdu: P) -> int:
        """0, or why not."""

    def request(self, pdu: P, sequence: int) -> bytes:
        """``pdu`` under that number."""

    def answer(self, request: P, status: int, body: Mapping[str, Any], tlvs: Sequence[tuple[int, bytes]]) -> bytes:
        """The answer to ``request``."""

    def keep_alive(self, sequence: int) -> bytes:
        """Are you there?"""

    def unbind(self, sequence: int) -> bytes:
        """Good-bye."""

    def refuse(self, request: P, why: "Refuse") -> bytes:
        """The answer to a request that the session's state forbids."""

    def next_sequence(self, sequence: int) -> int:
        """The number after ``sequence``; it wraps."""


class Refuse(Enum):
    """Why the machine refuses a request by itself."""

    NOT_BOUND = "not_bound"
    ALREADY_BOUND = "already_bound"
    NOT_ASKED_OF_US = "not_asked_of_us"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds: for the bind, for an answer, and of silence before we ask whether the peer is there (section 7.2)."""

    bind_s: float = 10
    answer_s: float = 60
    quiet_s: float = 30


@dataclass(frozen=True, slots=True)
class Bound(Generic[P]):
    """Client: the bind was accepted."""

    pdu: P


@dataclass(frozen=True, slots=True)
class BindRefused(Generic[P]):
    """Client: the bind was refused with ``status``; the session is closed."""

    status: int
    pdu: P


@dataclass(frozen=True, slots=True)
class BindAsked(Generic[P]):
    """Server: somebody wants to bind; ``accept`` or ``refuse_bind`` it."""

    pdu: P
    mode: Mode


@dataclass(slots=True)
class Answered(Generic[T, P]):
    """A request of ours was answered, or nacked."""

    token: T
    status: int
    pdu: P


@dataclass(frozen=True, slots=True)
class Unanswered(Generic[T]):
    """A request of ours got no answer in time; one that comes later is Stray."""

    token: T


@dataclass(frozen=True, slots=True)
class Asked(Generic[P]):
    """A request of the peer's, for the caller to ``answer`` (a notice needs none)."""

    pdu: P


@dataclass(frozen=True, slots=True)
class Stray(Generic[P]):
    """An answer to nothing that waits: too late, twice, or never asked."""

    pdu: P


@dataclass(frozen=True, slots=True)
class Garbled:
    """The peer sent a PDU that cannot be read; it was told, and the session goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """The session has ended as it should: the peer said good-bye, or answered ours. Close the connection."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The session cannot go on. Write what ``take`` still gives, then close the connection."""

    reason: str


Event = (
    Bound[Any]
    | BindRefused[Any]
    | BindAsked[Any]
    | Answered[Any, Any]
    | Unanswered[Any]
    | Asked[Any]
    | Stray[Any]
    | Garbled
    | Unbound
    | Broken
)
Tap = Callable[[bool, bytes], None]  # whether it goes out, and the whole PDU

MAX_PDU_BYTES = 65_536 + 1_024  # the longest message_payload, with room for everything around it


class Misuse(Exception):
    """The caller asked for what the session's state forbids: a mistake of ours, never of the peer."""


class Session(Generic[P, T]):
    """One session. Not thread-safe; every method takes the monotonic time in seconds where time matters."""

    def __init__(
        self,
        dialect: Dialect[P],
        role: Role,
        now_s: float,
        *,
        window: int = 10,
        clocks: Clocks | None = None,
        max_pdu_bytes: int = MAX_PDU_BYTES,
        tap: Tap | None = None,
    ) -> None:
        """``window``: requests of ours without an answer; ``tap`` sees every PDU that comes and goes."""
        self.phase = Phase.OPEN
        self.mode = Mode.NONE
        self._dialect = dialect
        self._role = role
        self._window = window
        self._clocks = clocks or Clocks()
        self._max_pdu_bytes = max_pdu_bytes
        self._tap = tap
        self._incoming = bytearray()
        self._outgoing: list[bytes] = []
        self._sequence = 0
        # Oldest first, since all wait equally long: the first entry has the next deadline.
        self._waiting: dict[int, tuple[T, float]] = {}
        self._phase_ends_s = now_s + self._clocks.bind_s
        self._heard_s = now_s
        self._asked_s: float | None = None  # when a keep-alive of ours went out that is not answered
        self._mode_asked = Mode.NONE

    # -- what we say

    def take(self) -> bytes:
        """Everything that is to be written now, in one piece; empty when there is nothing."""
        if not self._outgoing:
            return b""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    @property
    def free(self) -> int:
        """How many more requests may go out before an answer comes."""
        return self._window - len(self._waiting) if self.phase is Phase.BOUND else 0

    @property
    def waiting(self) -> int:
        """Requests of ours without an answer."""
        return len(self._waiting)

    def bind(self, pdu: P, now_s: float) -> None:
        """Client: ask to bind."""
        if self.phase is not Phase.OPEN or self._role is not Role.CLIENT:
            raise Misuse("bind comes first, and from the client")
        self.phase = Phase.BINDING
        self._mode_asked = self._dialect.mode_of(pdu)
        self._phase_ends_s = now_s + self._clocks.bind_s
        self._write(self._dialect.request(pdu, self._next()))

    def accept(self, request: P, body: Mapping[str, Any], tlvs: Sequence[tuple[int, bytes]] = ()) -> None:
        """Server: let the client in."""
        if self.phase is not Phase.BINDING or self._role is not Role.SERVER:
            raise Misuse("there is no bind to accept")
        self.phase = Phase.BOUND
        self.mode = self._mode_asked
        self._write(self._dialect.answer(request, 0, body, tlvs))

    def refuse_bind(self, request: P, status: int) -> None:
        """Server: do not. The client may try again on the same connection until its time is up."""
        if self.phase is not Phase.BINDING or self._role is not Role.SERVER:
            raise Misuse("there is no bind to refuse")
        self.phase = Phase.OPEN
        self._write(self._dialect.answer(request, status, {}, ()))

    def request(self, pdu: P, token: T, now_s: float) -> None:
        """Send a request; ``token`` comes back with its end. Misuse when the window is full or nothing is bound."""
        if self.free <= 0:
            raise Misuse("the window is full" if self.phase is Phase.BOUND else "not bound")
        sequence = self._next()
        data = self._dialect.request(pdu, sequence)
        self._waiting[sequence] = (token, now_s + self._clocks.answer_s)
        self._write(data)

    def answer(
        self, request: P, status: int = 0, body: Mapping[str, Any] | None = None, tlvs: Sequence[tuple[int, bytes]] = ()
    ) -> None:
        """Answer a request of the peer's; nothing is written once the session is closed."""
        if self.phase is not Phase.CLOSED:
            self._write(self._dialect.answer(request, status, body or {}, tlvs))

    def unbind(self, now_s: float) -> None:
        """Say good-bye; Unbound comes when the peer has answered. Requests that wait may still be answered."""
        if self.phase is Phase.BOUND:
            self.phase = Phase.UNBINDING
            self._phase_ends_s = now_s + self._clocks.bind_s
            self._write(self._dialect.unbind(self._next()))

    def lost(self) -> list[T]:
        """The connection is gone: the tokens of what was never answered, oldest first."""
        self.phase = Phase.CLOSED
        tokens = [token for token, _ in self._waiting.values()]
        self._waiting.clear()
        self._incoming.clear()
        return tokens

    # -- what we hear

    def receive_data(self, data: bytes, now_s: float) -> list[Event]:
        """What ``data`` means, in order. Broken at most once, and last."""
        events: list[Event] = []
        if self._ended():
            return events
        self._heard_s = now_s
        incoming = self._incoming
        incoming += data
        at, end, header = 0, len(incoming), self._dialect.header_bytes
        try:
            while end - at >= header:
                stop = at + self._dialect.length_of(incoming, at, self._max_pdu_bytes)
                if stop > end:
                    break
                frame = bytes(incoming[at:stop])
                at = stop
                if not self._hear(frame, now_s, events) and self._ended():
                    break
        except Unreadable as fault:
            self._write(fault.refusal)
            self._break(str(fault), events)
        del incoming[:at]
        return events

    def tick(self, now_s: float) -> list[Event]:
        """What the clock says. Call at ``next_deadline`` or later."""
        events: list[Event] = []
        if self.phase in (Phase.OPEN, Phase.BINDING) and now_s >= self._phase_ends_s:
            self._break("no bind in time" if self._role is Role.SERVER else "no answer to the bind", events)
        elif self.phase is Phase.UNBINDING and now_s >= self._phase_ends_s:
            self._break("no answer to the unbind", events)
        elif self._asked_s is not None and now_s >= self._asked_s + self._clocks.answer_s:
            self._break("the peer no longer answers", events)
        elif now_s >= self._heard_s + self._clocks.quiet_s:
            self.enquire(now_s)
        while self._waiting:
            sequence, (token, deadline_s) = next(iter(self._waiting.items()))
            if deadline_s > now_s:
                break
            del self._waiting[sequence]
            events.append(Unanswered(token))
        return events

    def enquire(self, now_s: float) -> None:
        """Ask now whether the peer is there, unless we have asked already; ``enquiring`` until it answers."""
        if self.phase is Phase.BOUND and self._asked_s is None:
            self._asked_s = now_s
            self._write(self._dialect.keep_alive(self._next()))

    @property
    def enquiring(self) -> bool:
        """Whether a keep-alive of ours has no answer yet."""
        return self._asked_s is not None

    def next_deadline(self) -> float:
        """When ``tick`` has something to do at the latest, unless something else comes first; infinity: never."""
        deadlines = [deadline_s for _, deadline_s in list(self._waiting.values())[:1]]
        if self.phase in (Phase.OPEN, Phase.BINDING, Phase.UNBINDING):
            deadlines.append(self._phase_ends_s)
        elif self.phase is Phase.BOUND:
            asked_s, clocks = self._asked_s, self._clocks
            deadlines.append(self._heard_s + clocks.quiet_s if asked_s is None else asked_s + clocks.answer_s)
        return min(deadlines, default=float("inf"))

    # -- inside

    def _ended(self) -> bool:
        return self.phase is Phase.CLOSED

    def _hear(self, frame: bytes, now_s: float, events: list[Event]) -> bool:
        """One PDU; True for the many that cannot end the session."""
        if self._tap is not None:
            self._tap(False, frame)
        try:
            pdu = self._dialect.decode(frame)
        except Unreadable as fault:
            self._write(fault.refusal)
            events.append(Garbled(str(fault)))
            return False
        kind = self._dialect.kind_of(pdu)
        if kind is Kind.ANSWER or kind is Kind.NACK:
            entry = self._waiting.pop(self._dialect.sequence_of(pdu), None)
            if entry is not None:
                events.append(Answered(entry[0], self._dialect.status_of(pdu), pdu))
                return True
            self._nacked_or_stray(kind, pdu, events)
        elif kind is Kind.KEEP_ALIVE:
            self._write(self._dialect.answer(pdu, 0, {}, ()))
        elif kind is Kind.KEEP_ALIVE_ANSWER:
            self._asked_s = None
        elif kind in (Kind.BIND, Kind.BIND_ANSWER):
            self._hear_bind(kind, pdu, events)
        elif kind in (Kind.UNBIND, Kind.UNBIND_ANSWER):
            self._hear_unbind(kind, pdu, events)
        else:
            self._hear_request(kind, pdu, events)
        return False

    def _nacked_or_stray(self, kind: Kind, pdu: P, events: list[Event]) -> None:
        if kind is Kind.NACK and self.phase is Phase.BINDING and self._role is Role.CLIENT:
            self.phase = Phase.CLOSED
            events.append(BindRefused(self._dialect.status_of(pdu), pdu))
        else:
            # A peer that nacks our keep-alive is there all the same.
            self._asked_s = None
            events.append(Stray(pdu))

    def _hear_bind(self, kind: Kind, pdu: P, events: list[Event]) -> None:
        if kind is Kind.BIND:
            if self._role is Role.CLIENT:
                self._write(self._dialect.refuse(pdu, Refuse.NOT_ASKED_OF_US))
            elif self.phase is not Phase.OPEN:
                self._write(self._dialect.refuse(pdu, Refuse.ALREADY_BOUND))
            else:
                self.phase = Phase.BINDING
                self._mode_asked = self._dialect.mode_of(pdu)
                events.append(BindAsked(pdu, self._mode_asked))
        elif self.phase is not Phase.BINDING or self._role is Role.SERVER:
            events.append(Stray(pdu))
        elif status := self._dialect.status_of(pdu):
            self.phase = Phase.CLOSED
            events.append(BindRefused(status, pdu))
        else:
            self.phase = Phase.BOUND
            self.mode = self._mode_asked
            events.append(Bound(pdu))

    def _hear_unbind(self, kind: Kind, pdu: P, events: list[Event]) -> None:
        if kind is Kind.UNBIND:
            self._write(self._dialect.answer(pdu, 0, {}, ()))
        elif self.phase is not Phase.UNBINDING:
            events.append(Stray(pdu))
            return
        self.phase = Phase.CLOSED
        events.append(Unbound())

    def _hear_request(self, kind: Kind, pdu: P, events: list[Event]) -> None:
        """A request that carries something, if its direction is right and the session is bound for it."""
        to_server = self._role is Role.SERVER
        if (kind is Kind.SEND and not to_server) or (kind in (Kind.DELIVER, Kind.NOTICE) and to_server):
            self._write(self._dialect.refuse(pdu, Refuse.NOT_ASKED_OF_US))
            return
        needed = Mode.SEND if to_server else Mode.RECEIVE
        if self.phase not in (Phase.BOUND, Phase.UNBINDING) or not self.mode & needed:
            if kind is not Kind.NOTICE:
                self._write(self._dialect.refuse(pdu, Refuse.NOT_BOUND))
            return
        events.append(Asked(pdu))

    def _break(self, reason: str, events: list[Event]) -> None:
        self.phase = Phase.CLOSED
        events.append(Broken(reason))

    def _write(self, data: bytes) -> None:
        if data:
            self._outgoing.append(data)
            if self._tap is not None:
                self._tap(True, data)

    def _next(self) -> int:
        self._sequence = self._dialect.next_sequence(self._sequence)
        while self._sequence in self._waiting:  # after a whole cycle of numbers something may still wait
            self._sequence = self._dialect.next_sequence(self._sequence)
        return self._sequence
