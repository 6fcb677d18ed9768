"""Channels that operators have added, and which channels are paused."""

import json

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from yizhan.model.channel import ChannelSettings
from yizhan.store.schema import channels, paused_channels


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
    query = insert(channels).values(row)
    connection.execute(query.on_conflict_do_update(index_elements=["name"], set_={"settings": row["settings"]}))


def delete_channel(connection: Connection, name: str) -> bool:
    """Whether there was one. Its pause goes with it."""
    connection.execute(delete(paused_channels).where(paused_channels.c.name == name))
    return bool(connection.execute(delete(channels).where(channels.c.name == name)).rowcount)


def pause_channel(connection: Connection, name: str, at_ms: int) -> None:
    """It takes nothing more."""
    query = insert(paused_channels).values(name=name, paused_at_ms=at_ms)
    connection.execute(query.on_conflict_do_nothing())


def resume_channel(connection: Connection, name: str) -> bool:
    """Whether it was paused."""
    return bool(connection.execute(delete(paused_channels).where(paused_channels.c.name == name)).rowcount)
