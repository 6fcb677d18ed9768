"""What operators change about the lists: keywords, the IP blacklist, blocked numbers."""

from collections.abc import Sequence
from typing import Any

from yizhan.flow.office import Deed, NotFound, Office
from yizhan.model.views import AddressView, NumberView
from yizhan.policy.addresses import parse_network
from yizhan.policy.keywords import normalise
from yizhan.policy.numbers import named_number
from yizhan.store import lists
from yizhan.store.database import Session

_MAX_KEYWORD = 128
# The audit log names this many words of an import, and their number.
_NAMED_WORDS = 20


class ListActions(Office):
    """Every change an operator can make to a list."""

    async def add_keywords(self, actor: str, words: Sequence[str]) -> int:
        """Forbid words: how many were new."""
        words, at_ms = _keywords(words), self._clock.now_ms()
        deed = Deed(actor, "keyword add", f"{len(words)} words", {}, {"words": words[:_NAMED_WORDS]})
        count = await self._carry_out(deed, lambda session: lists.add_keywords(session, words, at_ms))
        await self._living.reload_keywords()
        return count

    async def remove_keywords(self, actor: str, words: Sequence[str]) -> int:
        """Allow words again: how many were listed."""
        words = _keywords(words)
        deed = Deed(actor, "keyword remove", f"{len(words)} words", {"words": words[:_NAMED_WORDS]}, {})
        count = await self._carry_out(deed, lambda session: lists.remove_keywords(session, words))
        await self._living.reload_keywords()
        return count

    async def block_address(
        self, actor: str, network: str, *, reason: str = "", until_ms: int | None = None
    ) -> AddressView:
        """Put an address or CIDR block on the IP blacklist, for good or until a moment."""
        name, now_ms = str(parse_network(network)), self._clock.now_ms()

        def act(session: Session) -> AddressView:
            lists.forget_ended_blocks(session, now_ms)
            deed.before.update(_entry(session, name))
            lists.block_address(session, name, reason, until_ms, now_ms)
            deed.after.update(_entry(session, name))
            return next(view for view in lists.view_addresses(session, 0) if view.network == name)

        deed = Deed(actor, "ip block", name, {}, {})
        view = await self._carry_out(deed, act)
        await self._living.reload_addresses()
        return view

    async def unblock_address(self, actor: str, network: str) -> None:
        """Take it off the blacklist. NotFound when it is not on it."""
        name = str(parse_network(network))
        deed = Deed(actor, "ip unblock", name, {}, {})

        def act(session: Session) -> bool:
            deed.before.update(_entry(session, name))
            return lists.unblock_address(session, name)

        if not await self._carry_out(deed, act):
            raise NotFound(f"{name} is not on the IP blacklist")
        await self._living.reload_addresses()

    async def block_number(
        self, actor: str, number: str, *, corp_id: str | None = None, reason: str = ""
    ) -> NumberView:
        """Block a number for one account or for everybody."""
        account_id, e164, at_ms = self._account_id(corp_id), named_number(number), self._clock.now_ms()

        def act(session: Session) -> NumberView:
            lists.block_number(session, account_id, e164, reason, at_ms)
            return next(view for view in lists.view_numbers(session, account_id) if view.number == e164)

        view = await self._carry_out(Deed(actor, "number block", e164, {}, {"account": corp_id, "reason": reason}), act)
        await self._living.reload_numbers()
        return view

    async def unblock_number(self, actor: str, number: str, *, corp_id: str | None = None) -> None:
        """Undo ``block_number``. NotFound when it is not blocked there."""
        account_id, e164 = self._account_id(corp_id), named_number(number)
        deed = Deed(actor, "number unblock", e164, {"account": corp_id}, {})

        def act(session: Session) -> bool:
            found = (view for view in lists.view_numbers(session, account_id) if view.number == e164)
            deed.before.update(reason=next((view.reason for view in found), ""))
            return lists.unblock_number(session, account_id, e164)

        if not await self._carry_out(deed, act):
            raise NotFound(f"{e164} is not blocked for {corp_id or 'everybody'}")
        await self._living.reload_numbers()


def _entry(session: Session, network: str) -> dict[str, Any]:
    """What stands on the IP blacklist, for the audit log; empty when nothing does."""
    found = (view for view in lists.view_addresses(session, 0) if view.network == network)
    return next(({"reason": view.reason, "until": view.until} for view in found), {})


def _keywords(words: Sequence[str]) -> list[str]:
    """Distinct, trimmed, none empty. ValueError for one that is too long or has nothing to compare."""
    kept = list(dict.fromkeys(stripped for word in words if (stripped := word.strip())))
    for word in kept:
        if len(word) > _MAX_KEYWORD or not normalise(word):
            raise ValueError(f"a keyword has 1 to {_MAX_KEYWORD} visible characters: {word[:20]!r}")
    return kept
