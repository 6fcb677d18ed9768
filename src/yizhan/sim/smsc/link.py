"""One ESME at the SMSC's door: a socket around the session machine in the server's role."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from yizhan.sim.smsc.delivery import Delivery
from yizhan.wire.session import Broken, Event, Session, Unbound
from yizhan.wire.smpp.codec import Pdu

ServerSession = Session[Pdu, Delivery]


class Desk(Protocol):
    """Who decides."""

    def heard(self, link: "SmscLink", events: Sequence[Event]) -> None:
        """What came in."""

    def gone(self, link: "SmscLink", unanswered: Sequence[Delivery]) -> None:
        """The connection is over."""

    def came(self, link: "SmscLink") -> ServerSession:
        """A connection was opened: its session."""


class SmscLink(asyncio.Protocol):
    """``asyncio.Protocol`` of one connection."""

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self.name = ""
        self.system_id = ""
        self.submits = 0
        self.silent = False  # half open: nothing is answered any more
        self.session: ServerSession = desk.came(self)

    @property
    def open(self) -> bool:
        """Whether the socket is."""
        return self._transport is not None and not self._transport.is_closing()

    def flush(self) -> None:
        """Write what has come together."""
        data = self.session.take()
        if data and self._transport is not None and not self.silent:
            self._transport.write(data)

    def stop_reading(self) -> None:
        """Leave what comes in the socket's buffers, until they are full."""
        if self._transport is not None:
            self._transport.pause_reading()

    def close(self, *, abrupt: bool) -> None:
        """End the connection, with a good-bye or without."""
        if self._transport is None:
            return
        if abrupt:
            self._transport.abort()
        else:
            self.session.unbind(self._clock())
            self.flush()

    def tick(self) -> None:
        """Let the session look at the clock."""
        self._act(self.session.tick(self._clock()))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket."""
        self._transport = cast(asyncio.Transport, transport)
        self.name = str(transport.get_extra_info("peername"))

    def data_received(self, data: bytes) -> None:
        """Bytes."""
        self._act(self.session.receive_data(data, self._clock()))

    def connection_lost(self, _exc: Exception | None) -> None:
        """What was delivered and not acknowledged is delivered again."""
        self._transport = None
        self._desk.gone(self, self.session.lost())

    def _act(self, events: Sequence[Event]) -> None:
        if events and not self.silent:
            self._desk.heard(self, events)
        self.flush()
        if any(isinstance(event, Unbound | Broken) for event in events) and self._transport is not None:
            self._transport.close()
