"""What guards log-ins: whose failures count, for which address and account, and whose password may still be looked at.

Three counts, all bounded, all with limits of ``PolicySettings``, all kept together by the nodes of a store: failures by
source (then the source is blocked), failures by account from sources that it does not know (then such sources are
answered -2 there), slow checks by account and by source. A *source* is an IPv4 address, or an IPv6 network as large as
one customer gets.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from yizhan.model.account import Account, Network
from yizhan.model.settings import PolicySettings
from yizhan.policy.addresses import Address, covers, parse_address
from yizhan.policy.case import Case
from yizhan.policy.tally import Key, Tally
from yizhan.policy.throttle import Allowance, FailedLogins

NOBODY = 0  # stands for every account that does not exist


def source_of(address: Address, ipv6_prefix: int) -> str:
    """What is counted and blocked for ``address``: whoever has one address of an IPv6 network has them all."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, ipv6_prefix), strict=False))
    return str(address)


class Known(Tally):
    """Who has been here; past ``max_keys`` the one goes that has not come for the longest."""

    def __init__(self, max_keys: int = 100_000) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._keys: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def add(self, key: Key) -> None:
        """Here it is."""
        if key not in self._keys:
            self._note(key, 1)
        self.hear(key)

    def hear(self, key: Key, _count: int = 1, _at_s: float = 0) -> None:
        """It has been at another node."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._max_keys:
            self._keys.popitem(last=False)


class LoginGuard:
    """Decides by what has failed so far. Time is passed in, in monotonic seconds."""

    def __init__(self, policy: PolicySettings, trusted_proxies: Sequence[Network]) -> None:
        self._ipv6_prefix = policy.failed_login_ipv6_prefix
        self._trusted_proxies = trusted_proxies
        self._by_source = FailedLogins(policy.failed_logins, policy.failed_login_window_s)
        self._by_account = Allowance(policy.failed_logins_per_account, policy.failed_login_window_s)
        self._account_checks = Allowance(policy.slow_checks_per_account_minute)
        self._exempt_checks = Allowance(policy.slow_checks_per_account_minute)
        self._source_checks = Allowance(policy.slow_checks_per_address_minute)
        # An address stays who it is, and the library that says so is slow.
        self._counted = lru_cache(maxsize=4096)(self._look_up)
        self._known = Known()

    @property
    def tallies(self) -> dict[str, Tally]:
        """What nodes count together."""
        return {
            "failures by source": self._by_source,
            "failures by account": self._by_account,
            "checks by account": self._account_checks,
            "checks by account, exempt": self._exempt_checks,
            "checks by source": self._source_checks,
            "known sources": self._known,
        }

    def shut(self, case: Case, account: Account, now_s: float) -> bool:
        """Whether too many strangers have failed at this account for another stranger to be looked at."""
        return self._is_stranger(self._source(case), account.id) and not self._by_account.has(account.id, now_s)

    def may_check(self, case: Case, account_id: int, now_s: float) -> bool:
        """Take one slow check of the account's allowance and of the source's; False when either is used up.

        Exempt callers draw on an allowance of their own, so that strangers cannot use up theirs.
        """
        source = self._source(case)
        if source is None:
            return self._exempt_checks.take(account_id, now_s)
        if not self._source_checks.has(source, now_s) or not self._account_checks.take(account_id, now_s):
            return False
        return self._source_checks.take(source, now_s)

    def welcome(self, case: Case, account_id: int) -> None:
        """A right password came from here: others' failures do not shut this source out any more."""
        source = self._source(case)
        if source is not None:
            self._known.add(_acquaintance(account_id, source))

    def proved(self, case: Case, now_s: float) -> None:
        """A slow check found the password right: it does not count against the source."""
        source = self._source(case)
        if source is not None:
            self._source_checks.give_back(source, now_s)

    def failed(self, case: Case, now_s: float) -> str | None:
        """Count a -1 or -3; the source to be blocked when this failure reached its limit."""
        source = self._source(case)
        if source is None:
            return None
        if case.account is not None and self._is_stranger(source, case.account.id):
            self._by_account.take(case.account.id, now_s)
        return source if self._by_source.record(source, now_s) else None

    def _is_stranger(self, source: str | None, account_id: int) -> bool:
        return source is not None and _acquaintance(account_id, source) not in self._known

    def _source(self, case: Case) -> str | None:
        """None for callers that are exempt: loopback, trusted proxies, addresses on an account's allow-list (contract,
        section 5, row 1).
        """
        text = case.call.address
        return None if case.standing.allowed.name(parse_address(text)) else self._counted(text)

    def _look_up(self, text: str) -> str | None:
        """The source of an address on no allow-list, None when it is exempt."""
        address = parse_address(text)
        if address is None or address.is_loopback or covers(self._trusted_proxies, address):
            return None
        return source_of(address, self._ipv6_prefix)


def _acquaintance(account_id: int, source: str) -> str:
    return f"{account_id} {source}"
