"""About: what this gateway is, which nodes it consists of and by which configuration it works."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from yizhan import __version__
from yizhan.flow.ports import Board
from yizhan.kit.clock import Clock, to_rfc3339
from yizhan.model.channel import shown
from yizhan.model.settings import Settings, without_password
from yizhan.model.views import NodesView, NodeView, SettingView
from yizhan.store.berths import view_nodes
from yizhan.store.database import Database, Session
from yizhan.store.migrate import HEAD, is_blocked, schema_of


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a key of the configuration was set."""

    source: str  # file, environment or command
    place: str  # the file, the variable or the option


# By the key's path: ("server", "listen"), ("prices",). What is not in it is a default.
Origins = Mapping[tuple[str, ...], Origin]


@dataclass(frozen=True, slots=True)
class Me:
    """This node."""

    name: str
    settings: Settings
    duties: tuple[str, ...]  # what some node does for all
    origins: Origins = field(default_factory=dict)


class About:
    """What operators ask about the gateway itself."""

    def __init__(self, database: Database, board: Board, clock: Clock, me: Me) -> None:
        self._database = database
        self._board = board
        self._clock = clock
        self._me = me
        self._started_ms = clock.now_ms()

    async def nodes(self) -> NodesView:
        """Every node at work on the store; one with a store of its own is alone."""
        me = self._me
        lease_ms = int(me.settings.node.lease_s * 1000)

        def look(session: Session) -> tuple[str, bool, list[NodeView]]:
            nodes = view_nodes(session, me.name, lease_ms) if self._database.shared else [self._alone()]
            return schema_of(session) or "", is_blocked(session), nodes

        schema, waits, nodes = await self._database.read(look)
        return NodesView(schema, max(HEAD, schema), waits, self._database.shared, nodes)

    def settings(self) -> list[SettingView]:
        """Every key of the configuration in force, in the order of the sample file."""
        return list(self._settings())

    def _alone(self) -> NodeView:
        return NodeView(
            name=self._me.name,
            version=__version__,
            schema=HEAD,
            started_at=to_rfc3339(self._started_ms) or "",
            seen_at=to_rfc3339(self._clock.now_ms()) or "",
            there=True,
            this=True,
            channels=[courier.name for courier in self._board.couriers()],
            duties=list(self._me.duties),
        )

    def _settings(self) -> Iterator[SettingView]:
        standard = Settings()
        for name in Settings.model_fields:
            value, default = getattr(self._me.settings, name), getattr(standard, name)
            if isinstance(value, BaseModel):
                said, usual = value.model_dump(mode="json"), default.model_dump(mode="json")
                for key, one in said.items():
                    yield self._setting((name, key), _told(one), _told(usual[key]))
            elif name == "channels":
                yield self._setting((name,), _channels(value), _channels(default))
            else:
                yield self._setting(
                    (name,), *({key: str(one) for key, one in side.items()} for side in (value, default))
                )

    def _setting(self, path: tuple[str, ...], value: Any, default: Any) -> SettingView:
        section, key = ("", *path)[-2:]
        origin = self._me.origins.get(path, Origin("default", ""))
        return SettingView(section, key, value, default, origin.source, origin.place)


def _told(value: Any) -> Any:
    return without_password(value) if isinstance(value, str) else value


def _channels(settings: Any) -> list[dict[str, Any]]:
    return [shown(one.model_dump(mode="json", exclude_unset=True)) for one in settings]
