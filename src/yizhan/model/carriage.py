"""What passes between the flow and a channel: letters out, answers and receipts back."""

from dataclasses import dataclass

from yizhan.model.submission import Encoding


@dataclass(frozen=True, slots=True)
class Letter:
    """One message handed to a channel."""

    message_id: int
    number: str  # E.164
    cell: str  # extension behind the channel's access number; may be empty
    text: str
    encoding: Encoding
    parts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The carrier's answer to one part: an id when it took the part, else its word for the refusal."""

    message_id: int
    part: int  # 1 .. of
    of: int
    carrier_id: str  # empty when refused
    word: str  # the refusal's word, empty when taken
    at_ms: int

    @property
    def taken(self) -> bool:
        """Whether the carrier took the part."""
        return bool(self.carrier_id)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The carrier's report on a part it had taken."""

    carrier_id: str
    word: str  # DELIVRD, UNDELIV, ...
    at_ms: int
