"""One connection to a carrier: a socket around the session machine. No task, no future and no timer per message."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from yizhan.carrier.outbox import Part
from yizhan.model.sentence import Sentence
from yizhan.wire.session import Broken, Event, Mode, Phase, Session, Unbound
from yizhan.wire.smpp.codec import Pdu

SmppSession = Session[Pdu, Part]

# What a peer that does not read may leave in our memory before we stop writing.
_WRITE_BYTES = 256 * 1024
_SOONEST_TICK_S = 0.02
_LATEST_TICK_S = 1.0


class Listener(Protocol):
    """Whoever a link tells what has happened."""

    def heard(self, link: "Link", events: Sequence[Event]) -> None:
        """What came in, in order."""

    def writable(self) -> None:
        """The peer reads again."""

    def lost(self, link: "Link", unanswered: Sequence[Part], reason: str) -> None:
        """The connection is gone."""


class Link(asyncio.Protocol):
    """``asyncio.Protocol`` of one bind."""

    def __init__(self, label: str, session: SmppSession, listener: Listener, clock: Callable[[], float]) -> None:
        self.label = label
        self.session = session
        self.closed = asyncio.get_running_loop().create_future()
        self.reason = ""
        self.local = self.remote = ""
        self.useful = False  # whether the carrier has taken anything over it
        self._listener = listener
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._choked = False
        self._reading = True

    @property
    def room(self) -> int:
        """How many parts may be written now."""
        can_send = bool(self.session.mode & Mode.SEND)
        return self.session.free if can_send and not self._choked and self._transport is not None else 0

    @property
    def bound(self) -> bool:
        """Whether the carrier has let us in."""
        return self.session.phase is Phase.BOUND

    def flush(self) -> None:
        """Write everything that has come together, in one piece."""
        if self._transport is not None and (data := self.session.take()):
            self._transport.write(data)

    def read_on(self, wanted: bool) -> None:
        """Stop or go on reading: what the store has not taken yet must not pile up here."""
        if self._transport is None or wanted == self._reading or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def tick(self) -> None:
        """Let the session look at the clock."""
        self._act(self.session.tick(self._clock()))

    async def alive(self, patience_s: float) -> bool:
        """Ask the carrier whether it is there; whether it answered in time."""
        self.session.enquire(self._clock())
        self.flush()
        until_s = self._clock() + patience_s
        while self.session.enquiring and not self.closed.done() and self._clock() < until_s:
            await asyncio.wait([self.closed], timeout=_SOONEST_TICK_S)
        return self.bound and not self.session.enquiring

    def abort(self, reason: str) -> None:
        """Cut the connection."""
        self.reason = self.reason or reason
        if self._transport is not None:
            self._transport.abort()

    async def watch(self) -> None:
        """Until the connection is closed: tick when the session has something to do."""
        while not self.closed.done():
            wait_s = self.session.next_deadline() - self._clock()
            await asyncio.wait([self.closed], timeout=min(max(wait_s, _SOONEST_TICK_S), _LATEST_TICK_S))
            if not self.closed.done():
                self.tick()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open, with TLS if there is any."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BYTES)
        self.local, self.remote = (_shown(transport.get_extra_info(name)) for name in ("sockname", "peername"))

    def data_received(self, data: bytes) -> None:
        """Bytes from the carrier."""
        self._act(self.session.receive_data(data, self._clock()))

    def pause_writing(self) -> None:
        """The peer does not read."""
        self._choked = True

    def resume_writing(self) -> None:
        """It does again."""
        self._choked = False
        self._listener.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever had no answer by now will not get one."""
        self._transport = None
        self.reason = self.reason or _ended(exc)
        unanswered = self.session.lost()
        if not self.closed.done():
            self.closed.set_result(None)
        self._listener.lost(self, unanswered, self.reason)

    def _act(self, events: Sequence[Event]) -> None:
        if events:
            self._listener.heard(self, events)
        self.flush()
        for event in events:
            if isinstance(event, Unbound | Broken) and self._transport is not None:
                self.reason = event.reason if isinstance(event, Broken) else Sentence.UNBOUND()
                # What was written last (an answer, a nack) still goes out; a peer that reads nothing gets no patience.
                if isinstance(event, Broken) and self._transport.get_write_buffer_size() > 0:
                    self._transport.abort()
                else:
                    self._transport.close()


def _ended(error: Exception | None) -> str:
    return Sentence.CONNECTION_LOST(error=str(error)) if error else Sentence.CONNECTION_CLOSED()


def _shown(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    return str(address)
