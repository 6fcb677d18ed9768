"""What operators see: rows as the admin API and the command line show them.

Times are RFC 3339 in UTC, money is in 条, numbers and texts are in clear (logs mask them, operators need them).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account with its living settings and its balance."""

    account: str
    enabled: bool
    balance: int | float
    lane: str
    signature_rule: str
    signature: str
    allow_ips: list[str]
    batch_send_id: bool
    created_at: str


@dataclass(frozen=True, slots=True)
class LedgerView:
    """One ledger entry seen from an account: ``amount`` came from (+) or went to (-) the ``other`` side."""

    id: int
    at: str
    account: str
    kind: str
    amount: int | float
    other: str
    submission: int | None
    note: str


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The result of ``ledger verify``; ``faults`` is empty when every rule holds."""

    accounts: int
    entries: int
    faults: list[str]

    @property
    def holds(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class KeywordHit:
    """A forbidden keyword found in a text, as listed and where (characters of the text, end excluded)."""

    keyword: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AddressView:
    """One entry of the IP blacklist; ``until`` is None for a lasting one."""

    network: str
    reason: str
    until: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class NumberView:
    """One blocked number; ``account`` is None when it is blocked for everybody."""

    number: str
    account: str | None
    reason: str
    created_at: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message: one number of one call."""

    id: int
    submission: int  # the id the client got
    account: str
    number: str
    written: str
    text: str
    parts: int
    price: int | float
    refunded: int | float
    state: str
    word: str  # the carrier's last word
    channel: str | None
    uncertain: int  # how often its fate was unknown, so that it may have been sent twice
    accepted_at: str
    send_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a message's story."""

    at: str | None
    station: str
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class MessageStory:
    """A message and its whole timeline, derived from the columns of its rows."""

    message: MessageView
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class RefusalView:
    """One refused call."""

    at: str
    operation: str
    account: str  # as the caller named it
    address: str
    reject: str
    code: int
    hit: str
    text: str  # masked


@dataclass(frozen=True, slots=True)
class AuditView:
    """One operator action with what it changed."""

    at: str
    actor: str
    action: str
    subject: str
    before: str  # JSON
    after: str  # JSON


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel as it stands now."""

    name: str
    kind: str
    window: int
    in_flight: int
    receipts_due: int


@dataclass(frozen=True, slots=True)
class HealthView:
    """What ``doctor`` reports."""

    version: str
    schema: str
    store: str  # integrity: "ok" or what SQLite says
    accounts: int
    waiting: dict[str, int]  # messages by unfinished state
    channels: list[ChannelView]
    commits: int
    committed_calls: int
    ledger: LedgerCheck
