"""Knocking at a carrier's door: TCP, TLS, bind."""

import asyncio
import os
from collections.abc import Sequence
from typing import Protocol

from yizhan.carrier.link import Link, Listener, SmppSession
from yizhan.carrier.tls import tls_context, tls_name
from yizhan.carrier.trace import Trace
from yizhan.kit.clock import Clock
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence
from yizhan.wire.session import BindRefused, Bound, Clocks, Event, Role, Session
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.dialect import SMPP34
from yizhan.wire.smpp.statuses import word_of
from yizhan.wire.smpp.table import VERSION, Command

# What a channel's ``bind`` opens for each of its ``binds``.
BINDS = {
    "transceiver": (Command.BIND_TRANSCEIVER,),
    "pair": (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER),
    "transmitter": (Command.BIND_TRANSMITTER,),
    "receiver": (Command.BIND_RECEIVER,),
}


class Refused(Exception):
    """The carrier answered, and does not let us in."""


class Host(Listener, Protocol):
    """Who gets the link."""

    def opened(self, link: Link) -> None:
        """A connection stands, before anything is bound over it."""


class _Door:
    """Listens until the bind is decided, and passes everything on to the host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.decided: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def heard(self, link: Link, events: Sequence[Event]) -> None:
        """The answer to the bind, and all the rest."""
        for event in events:
            if isinstance(event, Bound) and not self.decided.done():
                self.decided.set_result("")
            elif isinstance(event, BindRefused) and not self.decided.done():
                self.decided.set_result(Sentence.BIND_REFUSED(status=word_of(event.status)))
        self._host.heard(link, events)

    def writable(self) -> None:
        """Passed on."""
        self._host.writable()

    def lost(self, link: Link, unanswered: Sequence[object], reason: str) -> None:
        """Also the end of waiting for the bind."""
        if not self.decided.done():
            self.decided.set_exception(ConnectionError(reason))
        self._host.lost(link, unanswered, reason)  # type: ignore[arg-type]


def read_password(settings: ChannelSettings) -> str:
    """The password, from its file or from the environment if it is there. OSError, ValueError when it is not."""
    if settings.password_file is not None:
        return settings.password_file.read_text(encoding="utf-8").strip()
    if settings.password_env:
        if settings.password_env not in os.environ:
            raise ValueError(Sentence.NO_VARIABLE(name=settings.password_env))
        return os.environ[settings.password_env]
    return settings.password


def make_session(settings: ChannelSettings, label: str, clock: Clock, trace: Trace) -> tuple[SmppSession, list[Link]]:
    """A session with the channel's window and clocks; the list takes the link whose addresses the trace shows."""
    whose: list[Link] = []

    def tap(outgoing: bool, data: bytes) -> None:
        link = whose[0] if whose else None
        trace.note(label, outgoing, data, link.local if link else "", link.remote if link else "")

    clocks = Clocks(settings.bind_timeout_s, settings.answer_timeout_s, settings.enquire_link_s)
    session: SmppSession = Session(
        SMPP34,
        Role.CLIENT,
        clock.monotonic_s(),
        window=settings.window,
        clocks=clocks,
        tap=tap if settings.trace_pdus else None,
    )
    return session, whose


async def connect(
    settings: ChannelSettings, label: str, command: Command, *, host: Host, clock: Clock, trace: Trace
) -> Link:
    """A bound link. Raises OSError (no connection, TLS among it) or Refused; then nothing stays open."""
    door = _Door(host)
    session, whose = make_session(settings, label, clock, trace)
    link = Link(label, session, door, clock.monotonic_s)
    whose.append(link)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(settings.bind_timeout_s):
            password = read_password(settings)
            context = tls_context(settings)
            await loop.create_connection(
                lambda: link, settings.host, settings.port, ssl=context, server_hostname=tls_name(settings)
            )
    except TimeoutError:
        raise ConnectionError(Sentence.NO_CONNECTION(seconds=f"{settings.bind_timeout_s:g}")) from None
    host.opened(link)
    body = {
        "system_id": settings.system_id,
        "password": password,
        "system_type": settings.system_type,
        "interface_version": VERSION,
    }
    watch = asyncio.ensure_future(link.watch())
    try:
        session.bind(Pdu(command, body=body), clock.monotonic_s())
        link.flush()
        if refusal := await door.decided:
            raise Refused(refusal)
    except BaseException:
        link.abort("not bound")
        raise
    finally:
        watch.cancel()
    return link
