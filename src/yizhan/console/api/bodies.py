"""What the admin API accepts: one model per request body. Unknown keys are mistakes, money is in 条."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import md5
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from yizhan.kit.clock import BEIJING
from yizhan.model.access import Role
from yizhan.model.account import MAX_PROFILE_FIELD, LaneRule, SignatureRule
from yizhan.model.money import MAX_CREDITS, to_milli

# Bounds of sizes only; what a value must look like is decided in ``flow.operate``.
Note = Annotated[str, Field(max_length=500)]
ProfileField = Annotated[str, Field(max_length=MAX_PROFILE_FIELD)]
Word = Annotated[str, Field(min_length=1, max_length=300)]
Words = Annotated[list[Word], Field(min_length=1, max_length=200_000)]
RowId = Annotated[int, Field(ge=1, lt=2**63)]
Limit = Annotated[int, Field(ge=1, le=1_000)]
# Of a name that is looked for, or where a page ends.
Part = Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")]
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _representable(credits: Decimal) -> Decimal:
    to_milli(credits)
    return credits


# The bounds come first: they keep absurd exponents away from the arithmetic.
Credits = Annotated[Decimal, Field(ge=-MAX_CREDITS, le=MAX_CREDITS), AfterValidator(_representable)]


def _in_the_calendar(at: datetime) -> datetime:
    try:
        at.astimezone(UTC), at.astimezone(BEIJING)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999") from None
    return at


def _written_out(at: object) -> object:
    """A date, not the seconds since 1970 that pydantic would take too."""
    if isinstance(at, datetime) or (isinstance(at, str) and _DATE.match(at)):
        return at
    raise ValueError("must be a moment such as 2026-11-29T08:00:00+08:00")


# In every zone that we write it in.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_the_calendar)]


def _by_the_wall(at: datetime) -> datetime:
    return _in_the_calendar(at if at.tzinfo else at.replace(tzinfo=BEIJING))


# What people ask for: without a zone it is Beijing's.
WallTime = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_by_the_wall)]


class Body(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Body):
    """What a client's call says, to be explained. ``operation`` is a LinkWS operation that sends one text."""

    account: str = Field(min_length=1, max_length=64)
    to: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=10_000)
    text: str = Field(max_length=100_000)
    cell: str = Field("", max_length=64)
    send_time: str = Field("", max_length=64)  # yyyyMMddHHmmss, in China's time
    operation: str = Field("IntlSend", max_length=32)


class NewMessage(Body):
    """A message to be sent."""

    account: str = Field(min_length=1, max_length=64)
    to: list[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^,;]*$")]] = Field(
        min_length=1, max_length=10_000
    )
    text: str = Field(max_length=100_000)
    cell: str = Field("", max_length=64)
    send_at: Moment | None = None  # None: now

    def values(self) -> dict[str, str]:
        """As a call's parameters."""
        at = "" if self.send_at is None else self.send_at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
        return {"mobile": ",".join(self.to), "content": self.text, "cell": self.cell, "sendtime": at}


class TokenWish(Body):
    """Who may call, as what, and until when. A customer has an account."""

    name: str = Field(min_length=1, max_length=64)
    role: Role
    account: str | None = Field(None, min_length=1, max_length=64)
    until: Moment | None = None


class NewPassword(Body):
    """``PUT /people/{name}/password``."""

    password: str = Field(max_length=256, repr=False)


class NewPerson(NewPassword):
    """``POST /people``. A customer has an account."""

    name: str = Field(min_length=1, max_length=64)
    role: Role
    account: str | None = Field(None, min_length=1, max_length=64)


class BackupTo(Body):
    """Where a copy of the store goes: an absolute path that this node may write."""

    file: str = Field(min_length=1, max_length=4_096, pattern=r"^[^\x00]*$")


class Password(Body):
    """A new password: itself, or the MD5 hex of its UTF-8 bytes (what clients send as ``Pwd``; contract, section 3)."""

    password: str | None = Field(None, min_length=1, max_length=256, repr=False)
    password_md5: str | None = Field(None, pattern=r"^[0-9A-Fa-f]{32}$", repr=False)

    @model_validator(mode="after")
    def _one_form(self) -> "Password":
        if self.password is not None and self.password_md5 is not None:
            raise ValueError("give password or password_md5, not both")
        return self

    def md5_hex(self) -> str | None:
        """The lower-case MD5 hex, None when no password was given."""
        if self.password is not None:
            return md5(self.password.encode(), usedforsecurity=False).hexdigest()
        return None if self.password_md5 is None else self.password_md5.lower()


class NewAccount(Password):
    """``POST /accounts``."""

    account: Annotated[str, Field(min_length=1, max_length=64)]
    credit: Annotated[Credits, Field(ge=0)] = Decimal(0)
    lane: LaneRule = LaneRule.AUTO
    signature_rule: SignatureRule = SignatureRule.REQUIRED
    signature: Note = ""
    allow_ips: Annotated[list[Note], Field(max_length=1_000)] = []
    extension: Annotated[str, Field(max_length=20)] = ""
    opt_out: bool = True
    agent: bool = False

    @model_validator(mode="after")
    def _with_password(self) -> "NewAccount":
        if self.md5_hex() is None:
            raise ValueError("password or password_md5 is required")
        return self


class AccountChange(Password):
    """``PATCH /accounts/{account}``: what is left out stays as it is."""

    lane: LaneRule | None = None
    signature_rule: SignatureRule | None = None
    signature: Note | None = None
    allow_ips: Annotated[list[Note], Field(max_length=1_000)] | None = None
    batch_send_id: bool | None = None
    extension: Annotated[str, Field(max_length=20)] | None = None
    opt_out: bool | None = None
    agent: bool | None = None


class ProfileChange(Body):
    """``PATCH /accounts/{account}/profile``: what is left out stays as it is."""

    corp_name: ProfileField | None = None
    link_man: ProfileField | None = None
    tel: ProfileField | None = None
    mobile: ProfileField | None = None
    email: ProfileField | None = None
    memo: ProfileField | None = None


class Topup(Body):
    """``POST /accounts/{account}/topup``; a negative amount takes back."""

    amount: Credits
    note: Note = ""


class KeywordList(Body):
    """Words to put on the list of forbidden keywords, or to take off it."""

    words: Words


class TextToTest(Body):
    """A text to hold against the keywords."""

    text: Annotated[str, Field(max_length=100_000)]


class AddressBlock(Body):
    """``POST /addresses``: an address or a network; for ``minutes``, or until it is taken off."""

    network: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Note = ""
    minutes: Annotated[float, Field(gt=0, le=5_256_000, allow_inf_nan=False)] | None = None


class NumberBlock(Body):
    """``POST /numbers``: for one account, or for everybody when ``account`` is left out."""

    number: Annotated[str, Field(min_length=1, max_length=64)]
    account: str | None = None
    reason: Note = ""


class Cancellation(Body):
    """``POST /submissions/{id}/cancel``; ``account`` where several have a submission of this id."""

    account: str | None = None


class Release(Body):
    """``POST /messages/{id}/release``: the channel that sends it in earnest."""

    channel: Annotated[str, Field(min_length=1, max_length=32)]


class HandsetReply(Body):
    """``POST /simulator/replies``: a handset of the simulator writes to an access number and the Cell behind it."""

    number: Annotated[str, Field(min_length=1, max_length=64)]
    to: Annotated[str, Field(min_length=1, max_length=64)]
    text: Annotated[str, Field(max_length=2_000)]


class FateWish(Body):
    """``POST /simulator/fates``: what becomes of the next ``count`` messages (null: of all) to a handset,
    or to any when ``to`` is left out.
    """

    fate: Annotated[str, Field(min_length=1, max_length=32)]
    to: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1
    delay_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0


class NewCards(Body):
    """``POST /cards``: so many recharge cards, each worth ``credit``."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    credit: Credits


class NewWebhook(Body):
    """``PUT /webhooks``: where an account's reports and replies are pushed; without a secret one is made."""

    account: Annotated[str, Field(min_length=1, max_length=64)]
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    secret: str | None = Field(None, max_length=200, repr=False)


class Replay(Body):
    """``POST /webhooks/replay``: parked events, all of them, one account's or one."""

    account: str | None = None
    event: RowId | None = None


class NewChannel(Body):
    """``POST /channels``: a channel's keys as the configuration file has them."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)


class ChannelChanges(Body):
    """``PATCH /channels/{name}``: keys to change."""

    settings: dict[str, Any] = Field(repr=False)


class NewRoute(Body):
    """``POST /routes``: what is left out matches everything; channels with their weights, tier by tier."""

    tiers: Annotated[list[dict[str, int]], Field(min_length=1, max_length=10)]
    account: str | None = None
    prefix: Annotated[str, Field(max_length=32)] = ""
    country: Annotated[str, Field(max_length=8)] = ""
    network: Annotated[str, Field(max_length=8)] = ""
    text_class: Annotated[str, Field(max_length=16)] = ""
    position: Annotated[int, Field(ge=0, le=10_000)] = 0
    note: Note = ""


class RouteMove(Body):
    """``POST /routes/{id}/move``."""

    position: Annotated[int, Field(ge=1, le=10_000)]
