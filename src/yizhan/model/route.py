"""Routes: which channels may carry which messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class TextClass(StrEnum):
    """What a text is for, as carriers and their contracts tell apart (验证码, 通知, 营销)."""

    CODE = "code"
    NOTICE = "notice"
    MARKETING = "marketing"


class Network(StrEnum):
    """The mainland's networks."""

    MOBILE = "cm"  # 中国移动
    UNICOM = "cu"  # 中国联通
    TELECOM = "ct"  # 中国电信
    BROADNET = "cb"  # 中国广电


Tier = Mapping[str, int]  # channel -> weight, 1 or more


@dataclass(frozen=True, slots=True)
class Route:
    """One rule. What is None or empty matches everything; the first rule that matches decides."""

    id: int
    position: int
    account_id: int | None
    prefix: str  # digits that begin the number in international form, without plus
    country: str  # calling code
    network: Network | None
    text_class: TextClass | None
    tiers: tuple[Tier, ...]  # the first with a channel that can take the message carries it
    note: str = ""


@dataclass(frozen=True, slots=True)
class Passenger:
    """What routing knows of a message."""

    account_id: int
    country: str
    network: Network | None
    prefix: str  # the number's digits, or as many of them as any rule asks for
    text_class: TextClass
    tried: frozenset[str] = frozenset()  # channels that would not take it
    only: str | None = None  # the channel that it was released to; the rules say nothing of it


class Obstacle(Enum):
    """Why a channel does not carry a message now: a sentence with a place for the detail."""

    MISSING = "there is no such channel"
    REFUSED = "it refused this message"
    PAUSED = "paused"
    UNBOUND = "not bound"
    UNBOUND_FOR = "not bound: {detail}"
    FULL = "no room: its window or its rate is used up"
    SPARE = "a better tier has room"
    REFUSING = "it refused {detail} of what it was given lately"
    UNDELIVERING = "only {detail} of its reports say delivered"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A channel that does not carry the message now, and why; ``detail`` is a share, or what the channel says."""

    channel: str
    obstacle: Obstacle
    detail: str = ""

    @property
    def why(self) -> str:
        """In words."""
        return self.obstacle.value.format(detail=self.detail)


@dataclass(frozen=True, slots=True)
class Decision:
    """Which channels may carry the message now, by which rule, and why not the others."""

    route: Route | None  # None: no rule matches, every channel may
    open: Mapping[str, int]  # channel -> weight; empty: it waits
    rejected: tuple[Rejected, ...]
    exhausted: bool  # no channel is left that has not refused it
