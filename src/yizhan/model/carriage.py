"""What passes between the flow and a channel: letters out, answers, receipts and replies back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from yizhan.model.outcome import Outcome
from yizhan.model.submission import Encoding


@dataclass(frozen=True, slots=True)
class Letter:
    """One message handed to a channel."""

    message_id: int
    number: str  # E.164
    cell: str  # digits behind the channel's access number: the account's extension and Cell; may be empty
    text: str
    encoding: Encoding
    parts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How the handing over of one part ended. All parts of a letter are answered in one call of the settlement."""

    message_id: int
    part: int  # 1 .. of
    of: int
    outcome: Outcome
    carrier_id: str  # when taken; empty when the carrier gave none
    word: str  # of the refusal or the loss, empty when taken
    at_ms: int

    @property
    def taken(self) -> bool:
        """Whether the carrier took the part."""
        return self.outcome is Outcome.TAKEN


@dataclass(frozen=True, slots=True)
class Receipt:
    """The carrier's report on a part it had taken."""

    keys: tuple[str, ...]  # spellings of the id that the answer may have had (``wire.smpp.receipts``), likeliest first
    word: str  # DELIVRD, UNDELIV, ...
    at_ms: int
    number: str = ""  # of the handset, E.164; empty when the carrier did not say
    carrier_id: str = ""  # as the carrier wrote it


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handset wrote (MO)."""

    number: str  # of the handset, E.164
    sent_to: str  # digits: the channel's access number and what stands behind it
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LongReply:
    """One part of what a handset wrote."""

    number: str
    sent_to: str
    reference: int
    total: int  # 2 .. 255
    part: int  # 1 .. total
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel stands at this moment, as routing sees it."""

    name: str
    up: bool  # it can write to its carrier now
    paused: bool
    free: int  # letters that it would take now
    errors: float  # share of the newest answers that blame the channel, 0 to 1
    delivered: float | None  # share of the newest reports that say delivered; None before the first one
    why: str = ""  # why it is not up


def by_channel(states: Iterable[ChannelState]) -> dict[str, ChannelState]:
    """Each channel's state by its name, where a node may have several shares of a channel."""
    shares: dict[str, list[ChannelState]] = {}
    for state in states:
        shares.setdefault(state.name, []).append(state)
    return {name: one[0] if len(one) == 1 else _together(one) for name, one in shares.items()}


def _together(shares: Sequence[ChannelState]) -> ChannelState:
    """Of the shares of one channel those count that are up, if any is."""
    up = [one for one in shares if one.up] or shares
    return replace(
        up[0],
        free=sum(one.free for one in up),
        errors=fmean(one.errors for one in up),
        delivered=mean_of(one.delivered for one in up),
    )


def mean_of(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None when none is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
