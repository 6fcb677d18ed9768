"""The small interfaces at the river's banks; ``node`` joins them to what implements them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from yizhan.model.call import Call
from yizhan.model.carriage import Answer, ChannelState, Letter, LongReply, Receipt, Reply
from yizhan.model.channel import ChannelSettings
from yizhan.model.event import Event, Posted
from yizhan.model.handout import HandOut, ReplyRow, ReportRow
from yizhan.model.reject import Refusal
from yizhan.model.submission import Accepted
from yizhan.model.views import ChannelView, ChosenFate, Phone, PhoneMessage, TestStep, TracedPdu


class River(Protocol):
    """What ``front`` hands a decoded call to. No method raises: what is unforeseen is ``Refusal(OTHER)``."""

    async def submit(self, call: Call) -> Accepted | Refusal:
        """Check, charge and store a call's message. What the client may be told, once committed."""

    async def submit_each(
        self, call: Call, items: Sequence[Mapping[str, str]] | None
    ) -> list[Accepted | Refusal] | Refusal:
        """The same for each of several messages; ``items`` are their parameters, None when nobody can read them."""

    async def balance(self, call: Call) -> int | Refusal:
        """The account's balance in 1/1000 条."""

    async def blocked(self, call: Call) -> list[str] | Refusal:
        """The numbers blocked for the account, in E.164."""

    async def replies(self, call: Call) -> HandOut[ReplyRow] | Refusal:
        """Replies that wait for the account, leased to this call."""

    async def reports(self, call: Call) -> HandOut[ReportRow] | Refusal:
        """Reports that wait for it, likewise."""

    async def failures(self, call: Call) -> HandOut[ReportRow] | Refusal:
        """Reports of failed messages, with a cursor of their own, likewise."""

    async def change_password(self, call: Call) -> Refusal | None:
        """Give the account another password. None is success, here and below."""

    async def change_profile(self, call: Call) -> Refusal | None:
        """Write down who stands behind the account."""

    async def register(self, call: Call) -> Refusal | None:
        """Make an account for whoever calls."""

    async def close(self, call: Call) -> Refusal | None:
        """Disable the account."""

    async def charge_up(self, call: Call) -> Refusal | None:
        """Add what a recharge card is worth."""

    async def make_account(self, call: Call) -> bool | Refusal:
        """Make an account of an agent's; False when its name is taken."""

    async def give_credit(self, call: Call) -> Refusal | None:
        """Move credit between an agent and an account of its own."""


class Settlement(Protocol):
    """Where a channel brings what the carrier said. All return once it is committed, and not before."""

    async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
        """The carrier's answers to parts that were handed over."""

    async def receipts(self, channel: str, receipts: Sequence[Receipt]) -> list[str]:
        """The carrier's reports. Safe to repeat: a report already known changes nothing.

        For each the key of the answer's id that it was found by, if the number confirmed it; else empty.
        """

    async def replies(self, channel: str, replies: Sequence[Reply]) -> list[int]:
        """What handsets wrote (MO): the id that each is stored under."""

    async def long_replies(self, channel: str, parts: Sequence[LongReply]) -> None:
        """Parts of what handsets wrote. Safe to repeat."""


class Messenger(Protocol):
    """Brings events to webhooks."""

    async def deliver(self, url: str, secret: str, id: str, at_ms: int, event: Event) -> Posted:
        """One attempt, signed with ``secret``; never raises for what a receiver does."""


class Inboxes(Protocol):
    """What has arrived on handsets."""

    def newest(self, to: str | None, limit: int, before: int | None = None) -> Sequence[PhoneMessage]:
        """At most ``limit`` messages, newest first (or those before one), of one handset (E.164) or of all."""

    async def wait(self, to: str, match: str, timeout_s: float) -> PhoneMessage | None:
        """The oldest for ``to`` with ``match`` in it that nobody has waited for yet; None: none came in time."""

    @property
    def boot(self) -> str:
        """A word for this run of the program: the ids of another run's lines are others."""

    @property
    def last(self) -> int:
        """The id of the newest line on any handset."""

    @property
    def cleared(self) -> int:
        """What ``last`` was when a handset last went from the table."""

    def table(self) -> Sequence[Phone]:
        """The handsets that were used last, in the order in which they came."""

    def lay_out(self, number: str) -> None:
        """Have a handset (E.164) among them, without any message yet."""


class Oracle(Protocol):
    """What will become of the next messages to handsets."""

    @property
    def names(self) -> Sequence[str]:
        """The fates that can be chosen."""

    def choose(self, wish: ChosenFate) -> None:
        """From now on, in place of what was chosen for the same handset."""

    def chosen(self) -> Sequence[ChosenFate]:
        """What still waits for a message."""

    def forget(self, to: str | None) -> bool:
        """Whether anything was chosen for this handset (E.164; None: for any): its digits decide again."""


class Handsets(Protocol):
    """Handsets that an operator can play with: the simulator's."""

    @property
    def access(self) -> str:
        """The access number that they reply to."""

    async def reply(self, number: str, sent_to: str, text: str) -> int:
        """A reply from ``number`` (E.164) to ``sent_to`` (digits): the id it is stored under, once committed."""


class Courier(Protocol):
    """A channel: takes letters, and brings answers and receipts to its ``Settlement`` in its own time."""

    @property
    def name(self) -> str:
        """The channel's name."""

    def state(self) -> ChannelState:
        """How it stands now."""

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Take ``letters``, about ``state().free`` of them. Each will be answered, all its parts together."""

    def pause(self, paused: bool) -> None:
        """Take nothing more, or go on. What is in hand goes on either way, and so do reports and replies."""

    def view(self) -> ChannelView:
        """The channel as people see it."""

    def trace(self, after: int, number: str | None, limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """The newest protocol messages behind ``after``; in ``clear`` with numbers, texts and bytes."""

    async def test(self) -> list[TestStep]:
        """Whether the carrier is there, asked over the binds that stand, or by logging in when none does."""

    async def run(self) -> None:
        """All of its work, until cancelled. Then what it had in hand is reported as it stands."""

    async def idle(self) -> None:
        """Take nothing more; return when everything taken is answered and stored, and the carrier was told good-bye."""

    def close(self) -> None:
        """Give back files. ``run`` has ended by then."""


class Board(Protocol):
    """All channels of this node."""

    def couriers(self) -> Sequence[Courier]:
        """Those at work at this moment; several of one name are shares of one channel."""

    def view(self, settings: ChannelSettings) -> ChannelView:
        """A channel as people see it, also one that is not at work."""

    def settings(self) -> Sequence[ChannelSettings]:
        """The settings of each, in the order of their names in the file and then in the store."""

    def in_file(self, name: str) -> bool:
        """Whether the channel stands in the configuration file, so that only pausing it is left to operators."""

    def built_in(self, name: str) -> bool:
        """Whether it is the simulator that is there because nothing else is."""

    def changed(self) -> None:
        """Rules have changed: what waits may find its way now."""

    def pause(self, name: str, paused: bool) -> None:
        """The store says that a channel takes nothing more, or does again: so be it, at once."""

    async def apply(self) -> None:
        """Make the channels be what file and store say now: start, stop."""

    async def test(self, settings: ChannelSettings) -> list[TestStep]:
        """Ask the carrier whether it is there, and say how far that got. Conflict when no node runs."""
