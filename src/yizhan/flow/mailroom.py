"""The mailroom: a handset's reply finds its account, and may block its number."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from yizhan.flow.living import Living
from yizhan.flow.meter import Meter
from yizhan.kit.log import get_logger
from yizhan.model.account import Account
from yizhan.model.carriage import LongReply, Reply
from yizhan.model.settings import PolicySettings
from yizhan.policy.opt_out import opts_out
from yizhan.policy.reply_route import claim
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.long_replies import Joined, add_parts, overdue_replies, store_joined
from yizhan.store.replies import NOBODY, Arrived, last_sender, store_replies

log = get_logger("mailroom")

# How far back an account that shares its access number with others is looked for.
_NEWEST_MESSAGES = 100_000
_OVERDUE_AT_ONCE = 100


class Mailroom:
    """Takes replies from channels."""

    def __init__(
        self, database: Database, living: Living, policy: PolicySettings, access: Callable[[str], str], meter: Meter
    ) -> None:
        """``access``: a channel's access number."""
        self._database = database
        self._living = living
        self._policy = policy
        self._access = access
        self._meter = meter

    async def replies(self, channel: str, replies: Sequence[Reply]) -> list[int]:
        """Store each reply; the ids. When this returns they are committed, and an opt-out holds for the next call."""
        arrived = await self._route(channel, replies)
        ids = await self._database.write(Turn.CARRIAGE, store_replies, arrived, rows=3 * len(arrived))
        self._meter.replied(channel, len(arrived))
        await self._block(arrived)
        return ids

    async def long_replies(self, channel: str, parts: Sequence[LongReply]) -> None:
        """Keep parts of long replies, and store those that are complete now."""
        complete = await self._database.write(Turn.CARRIAGE, add_parts, (channel, parts), rows=2 * len(parts))
        await self._store_joined(channel, complete)

    async def overdue(self, channel: str, before_ms: int) -> None:
        """Store what there is of long replies whose last part came before a moment."""
        look = partial(overdue_replies, channel=channel, before_ms=before_ms, limit=_OVERDUE_AT_ONCE)
        await self._store_joined(channel, await self._database.read(look))

    async def _store_joined(self, channel: str, joined: Sequence[Joined]) -> None:
        if joined:
            arrived = await self._route(channel, [one.reply for one in joined])
            await self._database.write(Turn.CARRIAGE, store_joined, (arrived, joined), rows=3 * len(arrived))
            self._meter.replied(channel, len(arrived))
            await self._block(arrived)

    async def _block(self, arrived: Sequence[Arrived]) -> None:
        """An opt-out holds for the next call."""
        if any(one.blocks for one in arrived):
            await self._living.reload_numbers()

    async def _route(self, channel: str, replies: Sequence[Reply]) -> list[Arrived]:
        # An account that may not call cannot fetch either: it claims nothing from those that can.
        accounts = {account.id: account for account in self._living.standing.accounts.values() if account.enabled}
        return [await self._route_one(channel, reply, accounts) for reply in replies]

    async def _route_one(self, channel: str, reply: Reply, accounts: Mapping[int, Account]) -> Arrived:
        found = claim(reply.sent_to, self._access(channel), accounts.values())
        account_id: int | None = None
        if len(found.account_ids) == 1:
            account_id = next(iter(found.account_ids))
        elif found.account_ids:
            account_id = await self._database.read(
                lambda session: last_sender(session, reply.number, found.cell, found.account_ids, _NEWEST_MESSAGES)
            )
        if account_id is None:
            log.warning("a reply belongs to nobody", channel=channel, to=reply.sent_to)
        # Who opts out means whoever wrote to him; when that is not known any more, everybody who may have.
        meant = [accounts[id] for id in (found.account_ids if account_id is None else {account_id})]
        blocks = self._blocks(meant, reply)
        return Arrived(channel, reply, NOBODY if account_id is None else account_id, found.cell, blocks)

    def _blocks(self, accounts: Iterable[Account], reply: Reply) -> tuple[int, ...]:
        """The accounts for which the reply blocks its number."""
        if not opts_out(reply.text, self._policy.opt_out_words):
            return ()
        return tuple(account.id for account in accounts if account.opt_out)
