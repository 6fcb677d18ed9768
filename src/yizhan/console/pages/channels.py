"""Channels: how they stand, their settings, pausing and trying them out; adding one, and taking one away."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame, go
from yizhan.console.pages.knobs import Knobs
from yizhan.flow.ask import Ask
from yizhan.flow.office import Conflict
from yizhan.flow.operate import Operate
from yizhan.model.sentence import spoken
from yizhan.model.views import ChannelCard, TestStep

_KINDS = ("smpp", "simulator")
_ADD, _CHANGE = ("POST", "/channels"), ("PATCH", "/channels/{name}")


class ChannelsRoom:
    """``/channels``."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask

    def pages(self) -> list[Page]:
        """All but the trace."""
        return [
            Page("/channels", self._list, ("GET", "/channels")),
            Page("/channels/new", self._add, _ADD, _ADD),
            Page("/channels/{name}", self._show, ("GET", "/channels/{name}")),
            Page("/channels/{name}/settings", self._change, _CHANGE, _CHANGE),
            Page("/channels/{name}/pause", self._pause, None, ("POST", "/channels/{name}/pause")),
            Page("/channels/{name}/resume", self._resume, None, ("POST", "/channels/{name}/resume")),
            Page("/channels/{name}/test", self._test, None, ("POST", "/channels/{name}/test")),
            Page("/channels/{name}/remove", self._remove, None, ("DELETE", "/channels/{name}")),
        ]

    async def _list(self, call: Call) -> Response:
        return self._frame.show(call, "channels/list", "door_channels", channels=await self._ask.channels())

    async def _show(self, call: Call) -> Response:
        return await self._card(call)

    async def _card(self, call: Call, steps: list[TestStep] | None = None) -> Response:
        name = _name(call)
        card = await self._ask.channel(name)
        return self._frame.show(
            call,
            "channels/channel",
            "channel",
            about=name,
            card=card,
            channel=card.channel,
            queue=await self._ask.queue_of(name),
            groups=_knobs(card).groups(),
            steps=steps,
        )

    async def _pause(self, call: Call) -> Response:
        await self._operate.pause_channel(call.actor, _name(call))
        return go(_back(call), "chan_paused")

    async def _resume(self, call: Call) -> Response:
        await self._operate.resume_channel(call.actor, _name(call))
        return go(_back(call), "chan_resumed")

    async def _test(self, call: Call) -> Response:
        return await self._card(call, await self._ask.try_channel(_name(call)))

    async def _remove(self, call: Call) -> Response:
        await self._operate.remove_channel(call.actor, _name(call))
        return go("/channels", "removed")

    async def _add(self, call: Call) -> Response:
        kind = call.field("kind") or call.asked("kind") or _KINDS[0]
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}")
        knobs, name = Knobs(kind), call.field("name")
        if not call.is_change:
            return self._form(call, "chan_add", knobs, kind=kind)
        wanted = {**knobs.read(call.raw), "name": name, "kind": kind}
        try:
            await self._operate.add_channel(call.actor, wanted)
        except (ValueError, Conflict) as error:
            return self._form(call, "chan_add", Knobs(kind, {**wanted, "password": ""}), error, kind=kind, name=name)
        return go(f"/channels/{name}", "saved")

    async def _change(self, call: Call) -> Response:
        name = _name(call)
        card = await self._ask.channel(name)
        knobs = _knobs(card)
        if not call.is_change:
            return self._form(call, "chan_settings", knobs, about=name)
        wanted = knobs.read(call.raw)
        try:
            await self._operate.set_channel(call.actor, name, wanted)
        except ValueError as error:
            typed: Mapping[str, Any] = {**card.settings, **wanted, "password": ""}
            return self._form(call, "chan_settings", Knobs(card.channel.kind, typed), error, about=name)
        return go(f"/channels/{name}", "saved")

    def _form(self, call: Call, title: str, knobs: Knobs, error: Exception | None = None, **values: Any) -> Response:
        """The form of a channel's keys; ``kind`` and ``name`` are there for a new one."""
        status, mistake = HTTPStatus.OK, ""
        if error is not None:
            is_taken = isinstance(error, Conflict)
            status = HTTPStatus.CONFLICT if is_taken else HTTPStatus.UNPROCESSABLE_ENTITY
            mistake = "chan_taken" if is_taken else "wrong_value_why"
        known = {"kind": "", "name": "", "about": "", **values}
        detail = spoken(error) if error is not None and mistake != "chan_taken" else ""
        groups, kinds = knobs.groups(), _KINDS
        return self._frame.show(
            call,
            "channels/form",
            title,
            status=status,
            mistake=mistake,
            detail=detail,
            groups=groups,
            kinds=kinds,
            **known,
        )


def _name(call: Call) -> str:
    return str(call.request.path_params["name"])


def _back(call: Call) -> str:
    """Where the button was: the list, or the channel's own page."""
    return "/channels" if call.field("from") == "list" else f"/channels/{_name(call)}"


def _knobs(card: ChannelCard) -> Knobs:
    return Knobs(card.channel.kind, card.settings)
