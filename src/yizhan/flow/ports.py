"""The small interfaces at the river's banks; ``node`` joins them to what implements them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from yizhan.model.call import Call
from yizhan.model.carriage import Answer, Letter, Receipt
from yizhan.model.reject import Refusal
from yizhan.model.submission import Accepted
from yizhan.model.views import ChannelView


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


class Settlement(Protocol):
    """Where a channel brings what the carrier said. Both return once it is committed, and not before."""

    async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
        """The carrier's answers to parts that were handed over."""

    async def receipts(self, channel: str, receipts: Sequence[Receipt]) -> None:
        """The carrier's reports. Safe to repeat: a report already known changes nothing."""


class Courier(Protocol):
    """A channel: takes letters, and brings answers and receipts to its ``Settlement`` in its own time."""

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""

    def free(self) -> int:
        """How many letters it would take now."""

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Take ``letters``, at most ``free()`` of them. Each will be answered, part by part."""

    def view(self) -> ChannelView:
        """The channel as it stands now."""
