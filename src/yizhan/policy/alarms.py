"""What an operator should look at now; with the limits of ``deploy/prometheus/rules.yml``."""

from collections.abc import Iterator, Sequence

from yizhan.model.alarm import Alarm, AlarmKind
from yizhan.model.views import Backlog, ChannelView, Worries

OLDEST_S = 120
ERRORS = 0.2


def alarms_of(backlog: Backlog, channels: Sequence[ChannelView], worries: Worries) -> list[Alarm]:
    """The gravest first. No figure changes with each second: it would be read aloud to who cannot see it."""
    return [*_of_channels(channels), *_of_nodes(worries), *_of_messages(backlog), *_of_upkeep(worries)]


def _of_channels(channels: Sequence[ChannelView]) -> Iterator[Alarm]:
    for channel in channels:
        if not channel.bound and not channel.paused and not channel.node:
            yield Alarm(AlarmKind.CHANNEL_DOWN, channel.name)
        elif channel.errors > ERRORS:
            yield Alarm(AlarmKind.CHANNEL_REFUSES, channel.name)


def _of_nodes(worries: Worries) -> Iterator[Alarm]:
    for node in worries.lost_nodes:
        yield Alarm(AlarmKind.NODE_LOST, node)


def _of_messages(backlog: Backlog) -> Iterator[Alarm]:
    if backlog.oldest_s > OLDEST_S:
        yield Alarm(AlarmKind.QUEUE_OLD, figure=int(backlog.oldest_s) // 60)
    if count := backlog.waiting.get("uncertain", 0):
        yield Alarm(AlarmKind.UNCERTAIN, figure=count)


def _of_upkeep(worries: Worries) -> Iterator[Alarm]:
    if worries.disk_low:
        yield Alarm(AlarmKind.DISK_LOW)
    if worries.parked_events:
        yield Alarm(AlarmKind.EVENTS_PARKED, figure=worries.parked_events)
