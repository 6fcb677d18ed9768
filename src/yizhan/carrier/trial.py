"""Trying a channel's settings out: connect, log in, ask whether the carrier is there, take leave."""

import asyncio
from collections.abc import Sequence

from yizhan.carrier.knock import BINDS, Refused, connect
from yizhan.carrier.link import Link
from yizhan.carrier.outbox import Part
from yizhan.carrier.trace import Trace
from yizhan.kit.clock import Clock
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence, spoken
from yizhan.model.views import TestStep
from yizhan.wire.session import Event
from yizhan.wire.smpp.table import Command

_GOODBYE_S = 3.0


class _Visitor:
    """Wants nothing from the link."""

    def opened(self, link: Link) -> None:
        """Nothing to note."""

    def heard(self, link: Link, events: Sequence[Event]) -> None:
        """Reports that come meanwhile are not acknowledged, and so come again."""

    def writable(self) -> None:
        """Nothing to write."""

    def lost(self, link: Link, unanswered: Sequence[Part], reason: str) -> None:
        """Nothing was in hand."""


class Steps:
    """The steps of a test, each with the time since the one before."""

    def __init__(self, clock: Clock) -> None:
        self.taken: list[TestStep] = []
        self._clock = clock
        self._since_s = clock.monotonic_s()

    def add(self, name: str, passed: bool, said: str) -> None:
        """One more."""
        now_s = self._clock.monotonic_s()
        self.taken.append(TestStep(name, passed, said, int((now_s - self._since_s) * 1000)))
        self._since_s = now_s


async def try_out(settings: ChannelSettings, clock: Clock) -> list[TestStep]:
    """Each step with how it went; the first that fails is the last. Only carriers can be tried from outside."""
    steps = Steps(clock)
    if settings.kind == "simulator":
        steps.add("simulator", False, Sentence.NOT_AT_WORK())
        return steps.taken
    for command in BINDS[settings.bind]:
        if not await _log_in(settings, command, steps, clock):
            break
    return steps.taken


async def _log_in(settings: ChannelSettings, command: Command, steps: Steps, clock: Clock) -> bool:
    """Connect, bind and unbind once; whether all went well."""
    trace = Trace(10, clock.now_ms)
    step = command.name.lower()
    try:
        link = await connect(settings, f"{settings.name}#test", command, host=_Visitor(), clock=clock, trace=trace)
    except Refused as refusal:
        steps.add(step, False, spoken(refusal))
        return False
    except (OSError, ValueError) as error:
        steps.add("connect", False, spoken(error) or repr(error))
        return False
    let_in = Sentence.LET_IN_TLS if settings.tls else Sentence.LET_IN
    steps.add(step, True, let_in(who=settings.system_id, remote=link.remote))
    link.session.unbind(clock.monotonic_s())
    link.flush()
    await asyncio.wait([link.closed], timeout=_GOODBYE_S)
    gone = link.closed.done()
    steps.add("unbind", gone, Sentence.GOOD_BYE() if gone else Sentence.NO_ANSWER())
    link.abort("tried out")
    return gone
