"""What an admitted call becomes: the values that travel from admission to the store."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from yizhan.model.call import Call, Original
from yizhan.model.message import Lane, State


class Encoding(StrEnum):
    """How the text leaves (contract, section 8)."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


class SignatureFound(StrEnum):
    """How the signature rule was met; part of a message's story."""

    AT_END = "at_end"
    AT_START = "at_start"
    APPENDED = "appended"
    NONE_NEEDED = "none_needed"


class Recipient(NamedTuple):
    """One number of a call: as the client wrote it, as E.164, what happens to it and what it costs."""

    written: str
    number: str  # E.164 with its plus; as written when invalid
    state: State  # QUEUED, SCHEDULED, INVALID or BLOCKED
    price_milli: int  # of all its parts, in 1/1000 条; 0 when it is not sent
    route_key: str = ""  # what routing has to know of it (``policy.route_key``)


@dataclass(slots=True)
class Admitted:
    """A call that passed rows 1 to 18: everything the store needs to accept it in one transaction.

    Nobody changes one; not frozen, since one is made for every such call, and that takes twice the time.
    """

    call: Call
    account_id: int
    text: str
    encoding: Encoding
    parts: int
    cell: str
    send_at_ms: int | None  # None: now
    lane: Lane
    recipients: tuple[Recipient, ...]
    price_milli: int
    signature: SignatureFound
    keywords_checked: int  # how many words the text was held against
    accepted_at_ms: int
    original: Original | None = None


class Stored(NamedTuple):
    """What the API is told of a message: the client's id, and whether this very call was stored before."""

    submission: int
    before: bool


class Accepted(NamedTuple):
    """A call that is stored: the id that the client sees, and whether its account wants BatchSend to answer it."""

    submission: int
    batch_send_id: bool
