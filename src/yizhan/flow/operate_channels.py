"""What operators change about channels. A change holds at once, and leaves the other channels alone."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from yizhan.flow.office import Conflict, Deed, Office, channel_of
from yizhan.flow.ports import Board
from yizhan.model.channel import PASSWORDS, ChannelSettings, shown
from yizhan.model.sentence import Sentence, together
from yizhan.model.wording import Wording, show_path
from yizhan.store import channels
from yizhan.store.database import Session

_WORDING = Wording(ChannelSettings)


class ChannelActions(Office):
    """Every change an operator can make to a channel. Those of the configuration file can only be paused."""

    _board: Board

    async def add_channel(self, actor: str, wanted: Mapping[str, Any]) -> None:
        """A new channel, at work when this returns. ValueError says which key is wrong; Conflict: the name is taken."""
        settings = read_channel(wanted)
        taken = any(one.name == settings.name for one in self._board.settings())
        if taken and not self._board.built_in(settings.name):  # the built-in simulator makes way for any channel
            raise Conflict(f"there is a channel {settings.name} already")
        deed = Deed(actor, "channel add", settings.name, {}, _told(settings))
        at_ms = self._clock.now_ms()
        await self._carry_out(deed, lambda session: channels.write_channel(session, settings, at_ms))
        await self._board.apply()

    async def set_channel(self, actor: str, name: str, changes: Mapping[str, Any]) -> None:
        """Change keys of a living channel; it alone starts anew. NotFound, Conflict, ValueError."""
        before = self._living_channel(name)
        if changes.get("name", name) != name:
            raise ValueError("name: cannot be changed; add a channel of the other name, then remove this one")
        kept = before.model_dump(mode="json", exclude_unset=True)
        if any(changes.get(key) for key in PASSWORDS):  # one way to keep it takes the place of another
            kept = {key: value for key, value in kept.items() if key not in PASSWORDS}
        settings = read_channel({**kept, **changes, "name": name})
        was, now = _told(before), _told(settings)
        if settings.password != before.password and now.get("password"):
            now["password"] += " (changed)"
        deed = Deed(actor, "channel set", name, was, now)
        at_ms = self._clock.now_ms()
        await self._carry_out(deed, lambda session: channels.write_channel(session, settings, at_ms))
        await self._board.apply()

    async def remove_channel(self, actor: str, name: str) -> None:
        """Take a living channel away, once what it has in hand is answered. NotFound, Conflict."""
        before = self._living_channel(name)
        rules = [r.position for r in self._living.standing.routes if any(name in tier for tier in r.tiers)]
        if rules:
            raise Conflict(Sentence.CHANNEL_NAMED(rules=", ".join(map(str, rules)), name=name))
        deed = Deed(actor, "channel remove", name, _told(before), {})
        await self._carry_out(deed, lambda session: channels.delete_channel(session, name))
        await self._board.apply()
        self._board.pause(name, False)

    async def pause_channel(self, actor: str, name: str) -> None:
        """Nothing more goes over it; its binds stay, and reports and replies come. NotFound."""
        channel_of(self._board, name)
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "channel pause", name, {}, {"paused": True})

        def act(session: Session) -> None:
            deed.before["paused"] = name in channels.load_paused(session)
            channels.pause_channel(session, name, at_ms)

        await self._carry_out(deed, act)
        self._board.pause(name, True)

    async def resume_channel(self, actor: str, name: str) -> None:
        """It takes messages again. NotFound."""
        channel_of(self._board, name)
        deed = Deed(actor, "channel resume", name, {"paused": True}, {"paused": False})
        await self._carry_out(deed, lambda session: channels.resume_channel(session, name))
        self._board.pause(name, False)

    def _living_channel(self, name: str) -> ChannelSettings:
        settings = channel_of(self._board, name)
        if self._board.built_in(name):
            raise Conflict(Sentence.CHANNEL_BUILT_IN(name=name))
        if self._board.in_file(name):
            raise Conflict(Sentence.CHANNEL_IN_FILE(name=name))
        return settings


def read_channel(wanted: Mapping[str, Any]) -> ChannelSettings:
    """Settings from what an operator gave, values as text, too. ValueError says which key is wrong, what is allowed."""
    try:
        return ChannelSettings.model_validate(dict(wanted))
    except ValidationError as error:
        mistakes = _WORDING.describe(error).items()
        raise ValueError(
            together(Sentence.KEY(key=show_path(where) or "channel", words=words) for where, words in mistakes)
        ) from None


def _told(settings: ChannelSettings) -> dict[str, Any]:
    """For the audit."""
    return shown(settings.model_dump(mode="json", exclude_unset=True, exclude={"name"}))
