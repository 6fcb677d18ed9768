"""Calls brought before the bench: everything is right unless a test says otherwise."""

from dataclasses import dataclass, field, replace

from yizhan.model.account import Account, LaneRule, SignatureRule
from yizhan.model.call import Call, Transport
from yizhan.model.operation import Operation, find_operation
from yizhan.model.settings import PolicySettings
from yizhan.policy.addresses import AllowLists, NetworkSet, parse_network
from yizhan.policy.case import Case, Terms
from yizhan.policy.keywords import KeywordMatcher
from yizhan.policy.numbers import BlockedNumbers
from yizhan.policy.pricing import PriceList
from yizhan.policy.send_time import parse_send_time
from yizhan.policy.standing import Standing

NOW = "20260102080000"
NOW_MS = parse_send_time(NOW) or 0

ACCOUNT = Account(
    id=7,
    corp_id="C1",
    credential="",
    enabled=True,
    lane=LaneRule.AUTO,
    signature_rule=SignatureRule.REQUIRED,
    signature="",
    allowed=(),
)


def operation(name: str) -> Operation:
    """The operation called ``name``."""
    found = find_operation(name)
    assert found is not None
    return found


@dataclass
class Setting:
    """A call and the world it comes into; ``case()`` puts both together."""

    name: str = "IntlSend"
    address: str = "192.0.2.1"
    values: dict[str, str] = field(
        default_factory=lambda: {
            "corpid": "C1",
            "pwd": "0" * 32,
            "mobile": "13800000000",
            "content": "您好【驿站】",
            "cell": "",
            "sendtime": "",
        }
    )
    account: Account = ACCOUNT
    blocked_networks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    blocked: frozenset[str] = frozenset()
    blocked_for: dict[int, frozenset[str]] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    policy: PolicySettings = field(default_factory=PolicySettings)

    def say(self, **values: str) -> "Setting":
        """The call with other parameters."""
        self.values |= values
        return self

    def set(self, **changes: object) -> "Setting":
        """The account with other settings."""
        self.account = replace(self.account, **changes)  # type: ignore[arg-type]
        return self

    def case(self) -> Case:
        """The case."""
        standing = Standing(
            access_digits=8,
            accounts={self.account.corp_id: self.account},
            allowed=AllowLists([self.account]),
            addresses=NetworkSet((parse_network(text), None) for text in self.blocked_networks),
            keywords=KeywordMatcher(self.keywords),
            numbers=BlockedNumbers(self.blocked, self.blocked_for),
        )
        terms = Terms(self.policy, PriceList(self.prices, max(map(len, self.prices), default=0)))
        call = Call(operation(self.name), self.values, self.address, Transport.ASPX)
        return Case(call, standing, terms, NOW_MS)
