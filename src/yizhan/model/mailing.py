"""A mailing: many messages from one file, sent piece by piece after somebody has looked at what will become of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from yizhan.model.reject import Refusal, Reject

PIECE_ROWS = 500  # what is sent and noted in one commit


class Mistake(StrEnum):
    """Why a row of the file is not sent, besides the rules' reasons (``model.reject.Reject``)."""

    NOT_A_NUMBER = "not_a_number"
    SHORTENED = "shortened"  # 1.38E+10, as a spreadsheet shows a long number
    NO_TEXT = "no_text"  # a cell that the text needs is empty
    DOUBLE = "double"  # the same text to the same number once more
    BLOCKED = "blocked"
    STOPPED = "stopped"  # somebody has stopped the mailing before it was this row's turn


def why_of(refusal: Refusal) -> str:
    """Why the rows of a text are not sent that was refused."""
    return Mistake.BLOCKED.value if refusal.reject is Reject.NUMBERS_BLOCKED else refusal.reject.value


class Phase(StrEnum):
    """Where a mailing stands."""

    DRAFT = "draft"  # looked at, not sent
    SENDING = "sending"
    STOPPED = "stopped"
    DONE = "done"


class Row(NamedTuple):
    """One row: its line in the file, the number, what goes into the text's places, and why it is not sent."""

    line: int
    number: str
    cells: tuple[str, ...]
    mistake: str = ""


class Fate(NamedTuple):
    """What has become of a row: the submission's id as clients know it, or why there is none."""

    submission: int
    why: str


class Result(NamedTuple):
    """A row at the end; ``fate`` is None while it waits."""

    row: Row
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class Template:
    """The text, with the names of columns in braces where their cells go."""

    text: str
    columns: tuple[str, ...]  # in the order of a row's cells


@dataclass(frozen=True, slots=True)
class Order:
    """How a mailing's messages are to be sent: for whom, what, from which extension, and when ("" is at once)."""

    account: str
    template: Template
    cell: str
    send_time: str


@dataclass(frozen=True, slots=True)
class Upload:
    """What comes with a file: ``text`` is for all rows, or empty."""

    account: str
    file: str
    text: str
    cell: str
    send_time: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it would arrive."""

    number: str
    text: str
    parts: int
    price_milli: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that will not be sent, and why; ``hit`` is what a rule stumbled over."""

    line: int
    number: str
    why: str
    hit: str = ""


@dataclass(slots=True)
class Forecast:
    """What would become of a mailing, by the rules as they stood when its file came."""

    header: list[str] | None = None
    rows: int = 0
    sendable: int = 0
    parts: int = 0
    price_milli: int = 0
    wrongs: dict[str, int] = field(default_factory=dict)  # why -> how many
    first_wrongs: list[Wrong] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """What of a mailing is sent next."""

    mailing: str
    place: int
    order: Order
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class MailingView:
    """A mailing as people see it."""

    id: str
    account: str
    person: str
    file: str
    phase: Phase
    order: Order
    forecast: Forecast
    made_at: str
    confirmed_at: str | None
    finished_at: str | None
    waiting: int  # rows that wait for their turn
    passed: int  # rows that had their turn
    accepted: int
    price: int | float  # of what was accepted
    whys: Mapping[str, int]  # of what was refused when its turn came; told at the end
