"""The gateway itself: its nodes, its health, who changed what, and the configuration in force."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.cursor import before_of
from yizhan.console.pages.frame import Frame, beijing
from yizhan.console.pages.paging import PAGE, cut
from yizhan.flow.about import About
from yizhan.flow.ask import Ask
from yizhan.kit.clock import to_rfc3339
from yizhan.model.money import as_number
from yizhan.model.views import AuditView, SettingView

_FILTERS = ("actor", "action", "subject")
_NOTHING: tuple[Any, ...] = (None, "", [], {}, "[]")  # the last is an empty list as the store has it
_SECRETS = frozenset({"credential", "password"})
# By the first word of an action: where the page of its subject is.
_PLACES = {
    "account": "/accounts/",
    "channel": "/channels/",
    "mailing": "/mailings/",
    "message": "/messages/",
    "submission": "/submissions/",
}
_GONE = frozenset({"channel remove", "mailing discard"})


@dataclass(frozen=True, slots=True)
class Change:
    """One key that is otherwise than before; None: it was not there, or is not any more."""

    key: str
    before: str | None
    after: str | None


class GatewayRoom:
    """``/nodes``, ``/health``, ``/audit`` and ``/settings``."""

    def __init__(self, frame: Frame, ask: Ask, about: About) -> None:
        self._frame = frame
        self._ask = ask
        self._about = about

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page("/nodes", self._nodes, ("GET", "/nodes")),
            Page("/health", self._health, ("GET", "/health")),
            Page("/health/checks", self._checks, ("GET", "/health")),
            Page("/audit", self._audit, ("GET", "/audit")),
            Page("/settings", self._settings, ("GET", "/settings")),
        ]

    async def _nodes(self, call: Call) -> Response:
        return self._frame.show(call, "gateway/nodes", "door_nodes", told=await self._about.nodes())

    async def _health(self, call: Call) -> Response:
        """At once; the checks read everything, and come when they are done."""
        return self._frame.show(call, "gateway/health", "door_health", health=None)

    async def _checks(self, call: Call) -> Response:
        health = await self._ask.health()
        if "hx-request" in call.request.headers:
            return self._frame.fragment(call, "gateway/checks", health=health)
        return self._frame.show(call, "gateway/health", "door_health", health=health)

    async def _audit(self, call: Call) -> Response:
        asked = {name: call.asked(name) for name in _FILTERS}
        found, last = cut(await self._ask.audit(PAGE + 1, **asked, before=before_of(call)))
        query = {name: value for name, value in asked.items() if value}
        return self._frame.show(
            call,
            "gateway/audit",
            "door_audit",
            asked=asked,
            actions=[(one, list(changes_of(one))) for one in found],
            place=_place,
            next="" if last is None else urlencode({**query, "before": last.id}),
            first=urlencode(query),
        )

    async def _settings(self, call: Call) -> Response:
        every = call.asked("all") == "yes"
        found = [one for one in self._about.settings() if every or one.source != "default"]
        sections = [(name, list(group)) for name, group in groupby(found, key=lambda one: one.section or one.key)]
        return self._frame.show(
            call, "gateway/settings", "door_settings", sections=sections, every=every, show=_value, word=_word
        )


def changes_of(action: AuditView) -> Iterator[Change]:
    """What one action changed, key by key; times and credits as people read them."""
    before, after = json.loads(action.before), json.loads(action.after)
    for key in {**before, **after}:
        was, now = (_said(key, side) for side in (before, after))
        if was != now:
            yield Change(key.removesuffix("_ms").removesuffix("_milli"), was, now)


def _place(action: AuditView) -> str | None:
    """The page of what was changed, if it has one and is still there."""
    place = _PLACES.get(action.action.partition(" ")[0])
    return place + quote(action.subject, safe="") if place and action.action not in _GONE else None


def _said(key: str, side: dict[str, Any]) -> str | None:
    """A value as people read it. A password's hash is in no entry; here nothing of that name can slip through."""
    value = side.get(key)
    if value in _NOTHING:
        return None
    if key in _SECRETS and value != "changed":
        return "***"
    if isinstance(value, int) and key.endswith("_ms"):
        return beijing(to_rfc3339(value) or "")
    if isinstance(value, int) and key.endswith("_milli"):
        return str(as_number(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(value: Any) -> str:
    """As the configuration file writes it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_deep = isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return json.dumps(value, ensure_ascii=False, indent=2 if is_deep else None)


def _word(setting: SettingView) -> str:
    """The key of the words that say what a setting is for."""
    return "_".join(filter(None, ("about", setting.section, setting.key)))
