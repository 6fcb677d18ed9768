"""The office: how an operator's action is carried out, in one transaction with its audit entry."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from yizhan.flow.living import Living
from yizhan.flow.ports import Board
from yizhan.kit.clock import Clock
from yizhan.model.account import Account
from yizhan.model.channel import ChannelSettings
from yizhan.store.answers import free_key, take_key
from yizhan.store.database import Database, Session
from yizhan.store.lists import EVERYBODY
from yizhan.store.records import Action, note_action
from yizhan.store.revisions import TOPICS, touch

R = TypeVar("R")


@dataclass(slots=True)
class Claim:
    """That a change is carried out once, though it may be asked for again under its key."""

    key: str
    digest: str
    held: bool = False  # in the commit of the change, or of the first one where there are several


# What the admin API is asked for, if it may come again: the actions would only hand it through.
_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


@contextmanager
def claimed(claim: Claim) -> Iterator[None]:
    """Whatever is carried out meanwhile, is under ``claim``."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)


class NotFound(Exception):
    """There is no such thing."""


class Conflict(Exception):
    """It cannot be done as things stand."""


class Twice(Conflict):
    """What has the same key is being done or has been done."""

    def __init__(self) -> None:
        super().__init__("this came with the same key and is under way, or its answer was lost: look before you go on")


def channel_of(board: Board, name: str) -> ChannelSettings:
    """The settings of a channel. NotFound."""
    for settings in board.settings():
        if settings.name == name:
            return settings
    raise NotFound(f"no channel {name}")


@dataclass(frozen=True, slots=True)
class Deed:
    """What the audit log will say: who did what to what, and what it was before and after.

    The act itself adds to either side what only its transaction can know, each time that it is run.
    """

    actor: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


class Office:
    """What all operator actions share."""

    def __init__(self, database: Database, living: Living, clock: Clock) -> None:
        self._database = database
        self._living = living
        self._clock = clock

    async def _carry_out(self, deed: Deed, act: Callable[[Session], R]) -> R:
        """``act`` and its audit entry in one commit; no entry for an act that gives False: it did nothing.

        A claim is held in the same commit, unless nothing was done. Twice when somebody else was quicker.
        """
        at_ms = self._clock.now_ms()
        claim = _claim.get()
        if claim is not None and claim.held:
            claim = None

        def both(session: Session) -> tuple[R] | None:
            if claim is not None and not take_key(session, claim.key, claim.digest, at_ms):
                return None
            result = act(session)
            if result is False and claim is not None:
                free_key(session, claim.key)
            if result is not False:
                if (topic := deed.action.partition(" ")[0]) in TOPICS:
                    touch(session, topic)
                before, after = (json.dumps(side, ensure_ascii=False) for side in (deed.before, deed.after))
                note_action(session, Action(at_ms, deed.actor, deed.action, deed.subject, before, after))
            return (result,)

        done = await self._database.change(both)
        if done is None:
            raise Twice
        (result,) = done
        if claim is not None:
            claim.held = result is not False
        return result

    def _account(self, corp_id: str) -> Account:
        account = self._living.standing.accounts.get(corp_id)
        if account is None:
            raise NotFound(f"no account {corp_id}")
        return account

    def _account_id(self, corp_id: str | None) -> int:
        return EVERYBODY if corp_id is None else self._account(corp_id).id
