"""What operators see: rows as the admin API and the command line show them.

Times are RFC 3339 in UTC, money is in 条, numbers and texts are in clear (logs mask them, operators need them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from yizhan.model.alarm import Alarm
from yizhan.model.carriage import mean_of
from yizhan.model.channel import ChannelSettings


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
    extension: str
    opt_out: bool
    agent: bool
    made_by: str | None  # the agent that made it
    created_at: str


@dataclass(frozen=True, slots=True)
class WebhookView:
    """One account's webhook; the secret is shown only when it is made."""

    account: str
    url: str
    waiting: int
    parked: int
    created_at: str


@dataclass(frozen=True, slots=True)
class PushView:
    """One event that waits for a webhook, or was given up (``parked``)."""

    id: int
    account: str
    event: str  # report or reply
    number: str
    at: str
    attempts: int
    next_at: str | None
    parked: bool
    said: str  # why the last attempt failed


@dataclass(frozen=True, slots=True)
class CardView:
    """One recharge card; its password is known to nobody but whoever made it."""

    number: str
    credit: int | float
    created_at: str
    used_at: str | None
    used_by: str | None


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card just made, the only time that its password is seen."""

    number: str
    password: str
    credit: int | float


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token of the admin API, but for itself."""

    name: str
    role: str
    account: str | None
    created_at: str
    until: str | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token, told this once."""

    name: str
    role: str
    account: str | None
    token: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody who may log in at the console."""

    name: str
    role: str
    account: str | None
    disabled: bool
    created_at: str
    seen_at: str | None  # the newest call of a session that there still is
    second_factor: bool  # he shows a code besides the password


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A message on a simulated phone; ``code`` is what it would offer to copy."""

    id: int
    to: str
    sender: str
    text: str
    parts: int
    at: str
    code: str | None
    message: int  # the message's own id


@dataclass(frozen=True, slots=True)
class PhoneNote:
    """What a phone shows besides: what it has written to ``other``, or that a message from ``other`` does not come."""

    id: int
    to: str
    other: str
    text: str  # of a reply
    word: str  # why a message does not come; empty for a reply
    message: int | None
    at: str


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone: what it shows, oldest first; ``since``: the line after which it appeared."""

    number: str
    since: int
    lines: Sequence["PhoneMessage | PhoneNote"]


@dataclass(frozen=True, slots=True)
class ChosenFate:
    """What the simulator will do with the next ``left`` messages (None: with all) to a phone (None: to any)."""

    to: str | None
    fate: str
    left: int | None
    delay_s: float


@dataclass(frozen=True, slots=True)
class ReplyView:
    """One reply; ``account`` is None when nobody was found to whom it belongs."""

    id: int
    at: str
    account: str | None
    number: str
    to: str
    cell: str
    text: str
    channel: str
    opted_out: bool
    waiting: bool  # not yet fetched or pushed


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
class DayView:
    """What an account sent on one day (yyyy-mm-dd, in Beijing): how many messages by state, and the cost."""

    day: str
    states: dict[str, int]
    price: int | float
    refunded: int | float


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages that were looked for, newest first."""

    messages: list[MessageView]
    before: int | None  # where the next page begins; None: there are no more
    stopped_at: str | None = None  # the search has looked at enough, back to what was accepted then; ``before`` goes on


@dataclass(frozen=True, slots=True)
class RequestView:
    """A call's request as it came, without its password."""

    text: str  # its first bytes: ASCII as it is, every other byte as \\xC4
    kept: int  # so many bytes
    size: int  # of so many
    charset: str | None  # in which its text was read; None: the bytes do not tell


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """One accepted call with what has become of its messages."""

    submission: int  # the id the client got
    account: str
    text: str
    encoding: str
    parts: int
    cell: str
    operation: str
    transport: str
    address: str
    accepted_at: str
    send_at: str | None
    price: int | float
    refunded: int | float
    states: dict[str, int]  # messages by state
    request: RequestView | None  # None: it came otherwise, or is not kept


@dataclass(frozen=True, slots=True)
class ScheduledView:
    """A call whose messages wait for their SendTime."""

    cursor: str  # ask for what stands behind the last one seen
    submission: int
    account: str
    text: str
    send_at: str
    waiting: int  # messages


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a message's story, told."""

    at: str | None
    station: str
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class MessageStory:
    """A message and its whole timeline, told (``model.story``)."""

    message: MessageView
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class RefusalView:
    """One refused call."""

    id: int
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

    id: int
    at: str
    actor: str
    action: str
    subject: str
    before: str  # JSON
    after: str  # JSON


@dataclass(frozen=True, slots=True)
class Backlog:
    """What no carrier has yet: messages by state, and for how many seconds the oldest queued one has been due."""

    waiting: dict[str, int]
    oldest_s: float


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel as it stands now."""

    name: str
    kind: str
    window: int
    in_flight: int
    receipts_due: int = 0  # the simulator's own
    bound: int = 1
    binds: int = 1
    paused: bool = False
    rate_per_s: float | None = None  # in force now; None: no limit
    throttled: bool = False  # the carrier has said that it is too much
    errors: float = 0  # share of the newest answers that blame the channel
    delivered: float | None = None  # share of the newest reports
    why: str = ""  # why nothing is bound
    node: str = ""  # the other node that has it
    shares: Sequence[str] = ()  # of a channel for several nodes: who has each share; empty: nobody yet


@dataclass(frozen=True, slots=True)
class ChannelQueue:
    """What is queued and may go over a channel by the rules, and what of it may go nowhere else."""

    may: int
    only: int


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node: a program at work on the store."""

    name: str
    version: str
    schema: str  # the newest that it knows
    started_at: str
    seen_at: str
    there: bool  # else it has not been seen for a lease: what it had is free for others
    this: bool  # the one that answers
    channels: list[str]  # channels, or shares of them, that are at work on it
    duties: list[str]  # what it does for all


@dataclass(frozen=True, slots=True)
class NodesView:
    """The nodes of a store, and its schema; ``upgrade_waits``: for older nodes to go, before it takes the newest."""

    schema: str
    newest_schema: str
    upgrade_waits: bool
    shared: bool  # whether others may work on the store
    nodes: list[NodeView]


@dataclass(frozen=True, slots=True)
class SettingView:
    """One key of the configuration in force; ``value`` and ``default`` never show a password."""

    section: str  # empty for one that stands by itself
    key: str
    value: Any
    default: Any
    source: str  # default, file, environment or command
    place: str  # the file, the variable or the option; empty for a default


@dataclass(frozen=True, slots=True)
class NewestReports:
    """Of a channel's newest final reports: the share that says delivered, and how long half and 95 % of them took."""

    delivered: float
    p50_s: float | None  # None: none of them was about a part that we know
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One second of this node: parts a second, and how many messages were queued if somebody looked."""

    at_s: int
    accepted: float
    delivered: float
    failed: float
    queued: int | None


@dataclass(frozen=True, slots=True)
class Worries:
    """What may go wrong besides messages and channels."""

    parked_events: int = 0
    disk_low: bool = False
    lost_nodes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand. ``accepted`` (messages since it has started) and ``rates`` are this node's, the rest is the
    store's; ``node`` is its name where others share the store.
    """

    at: str
    node: str
    accepted: int
    rates: Moment
    backlog: Backlog
    channels: list[ChannelView]
    reports: Mapping[str, NewestReports]  # by channel
    alarms: list[Alarm]


def channel_at_rest(settings: ChannelSettings, why: str, *, paused: bool = False, node: str = "") -> ChannelView:
    """A channel that does not work now, or not here."""
    name, kind, window = settings.name, settings.kind, settings.window
    return ChannelView(name, kind, window, 0, bound=0, binds=0, paused=paused, why=why, node=node)


def channel_together(shares: Sequence[ChannelView]) -> ChannelView:
    """The shares of a channel that a node has, as one."""
    if len(shares) == 1:
        return shares[0]
    rates = [one.rate_per_s for one in shares if one.rate_per_s is not None]
    return replace(
        shares[0],
        window=sum(one.window for one in shares),
        in_flight=sum(one.in_flight for one in shares),
        bound=sum(one.bound for one in shares),
        binds=sum(one.binds for one in shares),
        rate_per_s=sum(rates) if rates else None,
        throttled=any(one.throttled for one in shares),
        errors=fmean(one.errors for one in shares),
        delivered=mean_of(one.delivered for one in shares),
        why="" if any(one.bound for one in shares) else shares[0].why,
    )


@dataclass(frozen=True, slots=True)
class ChannelCard:
    """One channel with its settings; passwords are not shown."""

    channel: ChannelView
    settings: dict[str, Any]
    in_file: bool


@dataclass(frozen=True, slots=True)
class RouteView:
    """One rule; None matches everything."""

    id: int
    position: int
    account: str | None
    prefix: str | None
    country: str | None
    network: str | None
    text_class: str | None
    tiers: list[dict[str, int]]
    note: str


@dataclass(frozen=True, slots=True)
class RejectedChannel:
    """A channel that would not carry it now; ``reason`` is one of a closed set, and ``why`` says it in words."""

    channel: str
    why: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class RouteExplained:
    """Where a message would go now, and why not elsewhere."""

    number: str
    account: str
    country: str
    network: str | None
    text_class: str
    rule: RouteView | None  # None: no rule matches, every channel may
    open: dict[str, int]  # channel -> weight; empty: it would wait
    rejected: list[RejectedChannel]


@dataclass(frozen=True, slots=True)
class SentNumber:
    """One number of a message that was accepted, and where it stood when the answer was made."""

    message: int
    written: str
    number: str
    state: str
    price: int | float


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that was accepted; ``repeated``: by an earlier call with the same key. Pruned ones have no numbers."""

    submission: int
    repeated: bool
    account: str
    text: str | None
    parts: int | None
    price: int | float
    numbers: list[SentNumber]


@dataclass(frozen=True, slots=True)
class ExplainedNumber:
    """What would become of one number of a call; ``number`` is None when what was written is none."""

    written: str
    number: str | None
    state: str
    price: int | float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a call. What depends on a signature that is missing is None."""

    account: str
    operation: str
    accepted: bool
    code: int | None  # what the operation would answer; None: a success
    reject: str | None  # the first rule that refuses it, and what it stumbles over
    hit: str
    text: str | None  # as it would leave
    encoding: str | None
    parts: int | None
    signature: str | None
    lane: str | None
    price: int | float | None
    balance: int | float
    keywords: list[KeywordHit]  # all of them, with their places in the text as written
    numbers: list[ExplainedNumber]
    doubled: list[str]  # numbers that stand there more than once; they get it once
    too_many_numbers: bool  # those beyond the limit are not looked at
    routes: list[RouteExplained]  # of the first numbers that would be sent


@dataclass(frozen=True, slots=True)
class TracedPdu:
    """One protocol message of a channel. ``data`` (hexadecimal) is there only in clear."""

    seq: int  # grows by one; ask for what stands behind the last one seen
    at_ms: int
    link: str
    direction: str  # out or in
    command: str
    status: str
    summary: str
    number: str  # of the handset it is about
    local: str
    remote: str
    data: str
    fields: Sequence[tuple[str, str]] = ()  # those that the summary is made of


@dataclass(frozen=True, slots=True)
class TestStep:
    """One step of trying a channel out, and what came of it."""

    step: str
    passed: bool
    said: str
    ms: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that needs somebody's hand: its kind, the thing that it is about, how many, and what was said."""

    kind: str
    about: str = ""
    count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HealthView:
    """What ``doctor`` reports."""

    version: str
    schema: str
    store: str  # integrity: "ok" or what the database says
    disk_free_bytes: int | None  # None where the disk is that of a server
    disk_low: bool  # less than store.low_disk_bytes
    log_bytes: int | None  # of SQLite's log
    log_large: bool  # more than store.large_log_bytes
    replica: str | None  # "ok", or why searches are not asked of it; None: there is none
    accounts: int
    waiting: dict[str, int]  # messages by unfinished state
    parked_events: int  # webhooks' events that were given up
    channels: list[ChannelView]
    commits: int
    committed_calls: int
    ledger: LedgerCheck
    faults: Sequence[Fault] = ()
