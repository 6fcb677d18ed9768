"""Channels that operators have added, which channels are paused, and what is remembered of those that went."""

import json
from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy import Connection, delete, select, update

from yizhan.model.channel import PASSWORDS, PATHS, ChannelSettings
from yizhan.store.insert import insert
from yizhan.store.schema import channels, known_channels, paused_channels

# Longer than any message may be held or wait for its report.
_REMEMBERED_MS = 60 * 24 * 3600 * 1000


def load_channels(connection: Connection) -> tuple[ChannelSettings, ...]:
    """Every living channel, by name."""
    rows = connection.execute(select(channels).order_by(channels.c.name))
    return tuple(ChannelSettings.model_validate({"name": row.name, **json.loads(row.settings)}) for row in rows)


def load_paused(connection: Connection) -> frozenset[str]:
    """The names of paused channels, those of the configuration file among them."""
    return frozenset(connection.execute(select(paused_channels.c.name)).scalars())


def write_channel(connection: Connection, settings: ChannelSettings, at_ms: int) -> None:
    """Add a channel, or change it."""
    kept = settings.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    row = {"name": settings.name, "settings": json.dumps(kept, ensure_ascii=False), "created_at_ms": at_ms}
    query = insert(connection, channels).values(row)
    connection.execute(query.on_conflict_do_update(index_elements=["name"], set_={"settings": row["settings"]}))


def delete_channel(connection: Connection, name: str) -> bool:
    """Whether there was one. Its pause goes with it."""
    connection.execute(delete(paused_channels).where(paused_channels.c.name == name))
    return bool(connection.execute(delete(channels).where(channels.c.name == name)).rowcount)


def know_channels(connection: Connection, present: Sequence[ChannelSettings], at_ms: int) -> list[ChannelSettings]:
    """Remember the channels that there are, and give back those that went, for as long as they have left anything."""
    known = {row.name: row for row in connection.execute(select(known_channels))}
    gone = known.keys() - {one.name for one in present}
    for one in present:
        kept = one.model_dump_json(exclude_unset=True, exclude={"name", *PASSWORDS, *PATHS})
        if one.name in known and (known[one.name].settings, known[one.name].gone_at_ms) == (kept, None):
            continue
        values = {"settings": kept, "gone_at_ms": None}
        query = insert(connection, known_channels).values(name=one.name, **values)
        connection.execute(query.on_conflict_do_update(index_elements=["name"], set_=values))
    went = known_channels.c.name.in_(gone) & known_channels.c.gone_at_ms.is_(None)
    connection.execute(update(known_channels).where(went).values(gone_at_ms=at_ms))
    connection.execute(delete(known_channels).where(known_channels.c.gone_at_ms < at_ms - _REMEMBERED_MS))
    remembered = (_recall(name, known[name].settings) for name in sorted(gone))
    return [settings for settings in remembered if settings is not None]


def is_simulated(connection: Connection, name: str) -> bool:
    """Whether a channel that there is or was is a simulator."""
    kept = connection.execute(select(known_channels.c.settings).where(known_channels.c.name == name)).scalar()
    settings = None if kept is None else _recall(name, kept)
    return settings is not None and settings.kind == "simulator"


def _recall(name: str, kept: str) -> ChannelSettings | None:
    """None for what another version has kept and this one cannot read: nothing may depend on it."""
    try:
        return ChannelSettings.model_validate({"name": name, **json.loads(kept)})
    except ValidationError:
        return None


def pause_channel(connection: Connection, name: str, at_ms: int) -> None:
    """It takes nothing more."""
    query = insert(connection, paused_channels).values(name=name, paused_at_ms=at_ms)
    connection.execute(query.on_conflict_do_nothing())


def resume_channel(connection: Connection, name: str) -> bool:
    """Whether it was paused."""
    return bool(connection.execute(delete(paused_channels).where(paused_channels.c.name == name)).rowcount)
