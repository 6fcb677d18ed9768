"""Trying a channel's settings out: connect, log in, ask whether the carrier is there, take leave."""

import asyncio
from collections.abc import Sequence

from yizhan.carrier.knock import Refused, connect
from yizhan.carrier.link import Link
from yizhan.carrier.outbox import Part
from yizhan.carrier.trace import Trace
from yizhan.kit.clock import Clock
from yizhan.model.channel import ChannelSettings
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


async def try_out(settings: ChannelSettings, clock: Clock) -> list[TestStep]:
    """Each step with how it went; the first that fails is the last. A simulator has nothing to try."""
    if settings.kind == "simulator":
        return [TestStep("simulator", True, "built in: always there", 0)]
    steps: list[TestStep] = []
    began_s = clock.monotonic_s()

    def step(name: str, passed: bool, said: str) -> None:
        nonlocal began_s
        now_s = clock.monotonic_s()
        steps.append(TestStep(name, passed, said, int((now_s - began_s) * 1000)))
        began_s = now_s

    # A transmitter gets no reports that it would have to leave unacknowledged.
    command = Command.BIND_RECEIVER if settings.bind == "receiver" else Command.BIND_TRANSMITTER
    trace = Trace(10, clock.now_ms)
    try:
        link = await connect(settings, f"{settings.name}#test", command, host=_Visitor(), clock=clock, trace=trace)
    except Refused as refusal:
        step("bind", False, str(refusal))
        return steps
    except (OSError, ValueError) as error:
        step("connect", False, str(error) or repr(error))
        return steps
    step("bind", True, f"{settings.system_id} is let in at {link.remote}{' over TLS' if settings.tls else ''}")
    link.session.unbind(clock.monotonic_s())
    link.flush()
    await asyncio.wait([link.closed], timeout=_GOODBYE_S)
    step("unbind", link.closed.done(), "the carrier said good-bye" if link.closed.done() else "no answer")
    link.abort("tried out")
    return steps
