"""A customer's account as the checks see it."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


class SignatureRule(StrEnum):
    """What an account's texts must carry (contract, section 8)."""

    REQUIRED = "required"  # a 【…】 at either end, else -7
    BOUND = "bound"  # the registered one is appended when missing; another one is -7
    FREE = "free"


class LaneRule(StrEnum):
    """Which lane an account's calls wait in."""

    AUTO = "auto"  # a small call for now is urgent, the rest is bulk
    URGENT = "urgent"  # always urgent


@dataclass(frozen=True, slots=True)
class Account:
    """The living settings of one account; its balance lives in the store alone, where the debit happens."""

    id: int
    corp_id: str
    credential: str  # argon2id of the lower-case MD5 hex of the password
    enabled: bool
    lane: LaneRule
    signature_rule: SignatureRule
    signature: str  # the registered one, with its brackets; empty when none
    allowed: tuple[Network, ...]  # empty: every address may call
    batch_send_id: bool = False  # BatchSend answers the submission's id instead of 1
    extension: str = ""  # digits between the channel's access number and Cell: whose reply it is
    opt_out: bool = True  # a reply such as 退订 blocks its sender
    agent: bool = False  # may make accounts and give them credit from its own balance
    agent_id: int | None = None  # the agent that made this account


MAX_PROFILE_FIELD = 500  # characters


@dataclass(frozen=True, slots=True)
class Profile:
    """Who stands behind an account: UpdReg's and Reg's parameters, as they came (contract, section 4). A field has at
    most ``MAX_PROFILE_FIELD`` characters.
    """

    corp_name: str = ""
    link_man: str = ""
    tel: str = ""
    mobile: str = ""
    email: str = ""
    memo: str = ""
