"""The snapshot of living settings that every decision is made against. A change builds a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yizhan.model.account import Account
from yizhan.model.route import Route
from yizhan.policy.addresses import AllowLists, NetworkSet
from yizhan.policy.keywords import KeywordMatcher
from yizhan.policy.numbers import BlockedNumbers
from yizhan.policy.route_key import KeyMaker


@dataclass(frozen=True, slots=True)
class Standing:
    """Accounts by CorpID, blocked addresses, keywords, blocked numbers and routes of one moment."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    allowed: AllowLists = field(default_factory=AllowLists)  # of these accounts
    addresses: NetworkSet = field(default_factory=NetworkSet)
    keywords: KeywordMatcher = field(default_factory=KeywordMatcher)
    numbers: BlockedNumbers = field(default_factory=BlockedNumbers)
    routes: tuple[Route, ...] = ()  # by position
    keys: KeyMaker = field(default_factory=KeyMaker)  # for these routes
    access_digits: int = 0  # length of the longest access number

    def names(self) -> dict[int, str]:
        """The CorpID of every account, by its id."""
        return {account.id: account.corp_id for account in self.accounts.values()}
