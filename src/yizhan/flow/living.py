"""Living settings: the snapshot that decisions use, read anew and swapped whenever an operator changes something."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from yizhan.policy.addresses import AllowLists, NetworkSet
from yizhan.policy.keywords import KeywordMatcher
from yizhan.policy.numbers import BlockedNumbers
from yizhan.policy.route_key import KeyMaker
from yizhan.policy.standing import Standing
from yizhan.store.accounts import load_accounts
from yizhan.store.database import Database
from yizhan.store.lists import EVERYBODY, load_addresses, load_keywords, load_numbers
from yizhan.store.routes import load_routes


class Living:
    """Holds ``standing``. Each ``reload_…`` reads one part from the store and swaps the snapshot; a decision under way
    keeps the one it began with.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = asyncio.Lock()
        self.standing = Standing()

    async def load(self) -> None:
        """Read everything, at start."""
        await self.reload_accounts()
        await self.reload_addresses()
        await self.reload_keywords()
        await self.reload_numbers()
        await self.reload_routes()

    async def heed(self, topics: Collection[str]) -> None:
        """Another node has changed these (``store.revisions.TOPICS``)."""
        reloads = {
            "account": self.reload_accounts,
            "ip": self.reload_addresses,
            "keyword": self.reload_keywords,
            "number": self.reload_numbers,
            "route": self.reload_routes,
        }
        for topic in topics:
            if topic in reloads:
                await reloads[topic]()

    async def reload_accounts(self) -> None:
        """After an account was made or changed."""
        async with self._one_at_a_time:
            accounts = await self._database.read(load_accounts)
            self.standing = replace(self.standing, accounts=accounts, allowed=AllowLists(accounts.values()))

    async def reload_addresses(self) -> None:
        """After the IP blacklist was changed."""
        async with self._one_at_a_time:
            self.standing = replace(self.standing, addresses=NetworkSet(await self._database.read(load_addresses)))

    async def reload_keywords(self) -> None:
        """After the keywords were changed; the automaton is built off the event loop, beside the reading."""
        async with self._one_at_a_time:
            matcher = await self._database.read(lambda connection: KeywordMatcher(load_keywords(connection)))
            self.standing = replace(self.standing, keywords=matcher)

    async def reload_numbers(self) -> None:
        """After the blocked numbers were changed."""
        async with self._one_at_a_time:
            by_account = await self._database.read(load_numbers)
            everybody = by_account.pop(EVERYBODY, frozenset())
            self.standing = replace(self.standing, numbers=BlockedNumbers(everybody, by_account))

    async def reload_routes(self) -> None:
        """After a route was added, moved or removed."""
        async with self._one_at_a_time:
            routes = await self._database.read(load_routes)
            self.standing = replace(self.standing, routes=routes, keys=KeyMaker(routes))

    async def set_access_digits(self, digits: int) -> None:
        """The longest access number of the channels that there are now."""
        async with self._one_at_a_time:
            self.standing = replace(self.standing, access_digits=digits)
