"""What needs somebody's hand: the conclusions of ``doctor`` from what the checks have found."""

from collections.abc import Iterator

from yizhan.model.views import Fault, HealthView


def find_faults(health: HealthView) -> Iterator[Fault]:
    """Each with what it is about."""
    if health.store != "ok":
        yield Fault("store_damaged", detail=health.store)
    if health.disk_low:
        yield Fault("disk_low", count=(health.disk_free_bytes or 0) // 1_000_000)
    if health.log_large:
        yield Fault("log_large", count=(health.log_bytes or 0) // 1_000_000)
    if health.replica not in (None, "ok"):
        yield Fault("replica_away", detail=health.replica or "")
    for fault in health.ledger.faults:
        yield Fault("ledger_wrong", detail=fault)
    for channel in health.channels:  # one that nobody has paused carries messages, or somebody has to see why not
        if not channel.bound and not channel.paused and not channel.node:
            yield Fault("channel_unbound", about=channel.name, detail=channel.why)
    if health.parked_events:
        yield Fault("events_parked", count=health.parked_events)
