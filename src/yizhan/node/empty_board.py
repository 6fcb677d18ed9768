"""The board of a node that does not run: channels can be listed and changed, and none is at work."""

from collections.abc import Sequence

from yizhan.flow.office import Conflict
from yizhan.flow.ports import Courier
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence
from yizhan.model.views import ChannelView, TestStep, channel_at_rest
from yizhan.store.channels import load_channels, load_paused
from yizhan.store.database import Database


class EmptyBoard:
    """``flow.ports.Board`` over the store alone. It does not know the channels of the configuration file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings: Sequence[ChannelSettings] = ()
        self._paused: set[str] = set()

    def couriers(self) -> Sequence[Courier]:
        """None."""
        return ()

    def view(self, settings: ChannelSettings) -> ChannelView:
        """At rest."""
        return channel_at_rest(settings, Sentence.NO_NODE(), paused=settings.name in self._paused)

    def settings(self) -> Sequence[ChannelSettings]:
        """The living channels."""
        return self._settings

    def in_file(self, _name: str) -> bool:
        """Nobody has read the file."""
        return False

    def built_in(self, _name: str) -> bool:
        """There is none."""
        return False

    def changed(self) -> None:
        """Nobody waits to hear it."""

    def pause(self, name: str, paused: bool) -> None:
        """For the view."""
        (self._paused.add if paused else self._paused.discard)(name)

    async def apply(self) -> None:
        """Read what the store says now."""
        self._settings = await self._database.read(load_channels)
        self._paused = set(await self._database.read(load_paused))

    async def test(self, settings: ChannelSettings) -> list[TestStep]:
        """Only a running node connects."""
        raise Conflict(f"channel {settings.name} can be tried only while the node runs")
