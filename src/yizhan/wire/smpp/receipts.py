"""Delivery receipts in the shapes that carriers give them, and the ids by which they name a part.

The text is "vendor specific" by the specification's own words (Appendix B):

    id:0123456789 sub:001 dlvrd:001 submit date:2611241530 done date:2611241531 stat:DELIVRD err:000 text:...

The TLVs receipted_message_id (0x001E) and message_state (0x0427) win over the text where both are given: they are
fields, and the text is what somebody has printed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# message_state (section 5.2.28).
STATES: dict[int, str] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
# What some carriers print for the words of the specification.
_SPELLINGS = {
    "DELIVERED": "DELIVRD",
    "DELIVERD": "DELIVRD",
    "DELIVERY": "DELIVRD",
    "UNDELIVERABLE": "UNDELIV",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVRD": "UNDELIV",
    "ACCEPTED": "ACCEPTD",
    "REJECTED": "REJECTD",
    "DELETE": "DELETED",
    "EXPIRE": "EXPIRED",
}
# A key of the text; what stands behind "text:" is the message itself and may hold anything.
_ID = re.compile(r"""\bid\s*:\s*["']?([^\s"':]{1,64})""", re.IGNORECASE)
_STAT = re.compile(r"\bstat\s*:\s*([A-Za-z0-9:_-]{1,32})", re.IGNORECASE)
_ERR = re.compile(r"\berr\s*:\s*([A-Za-z0-9_-]{1,16})", re.IGNORECASE)
_TEXT = re.compile(r"\btext\s*:", re.IGNORECASE)
_NO_WORD = re.compile(r"[^A-Z0-9:_-]")


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """What a receipt says. ``carrier_id`` as the carrier wrote it, empty when it gave none."""

    carrier_id: str
    word: str  # DELIVRD, UNDELIV, … or the carrier's own, in capitals
    error: str


def read_receipt(text: str, receipted_id: str | None, message_state: int | None) -> ReadReceipt | None:
    """A receipt's text and its two TLVs; None when none of them says how the part ended."""
    body = _TEXT.split(text, maxsplit=1)[0]
    stat, found_id, error = _STAT.search(body), _ID.search(body), _ERR.search(body)
    word = STATES.get(message_state) if message_state is not None else None
    if word is None and stat is not None:
        word = _word(stat[1])
    if word is None:
        return None
    carrier_id = (receipted_id or "").strip() or (found_id[1] if found_id else "")
    return ReadReceipt(carrier_id[:64], word, error[1] if error else "")


def _word(said: str) -> str:
    word = said.upper()
    if word.isdigit():  # the number of message_state where its word should stand
        return STATES.get(int(word), word)
    return _NO_WORD.sub("", _SPELLINGS.get(word, word))[:32] or "UNKNOWN"


class IdSpelling(Enum):
    """How a report's id relates to the id in the answer to the submit."""

    SAME = "same"
    HEX = "hex"  # the report has in hexadecimal what the answer had in decimal
    DECIMAL = "decimal"  # the reverse


_ORDERS: dict[str, tuple[IdSpelling, ...]] = {
    "same": (IdSpelling.SAME,),
    "hex": (IdSpelling.HEX,),
    "decimal": (IdSpelling.DECIMAL,),
    "auto": (IdSpelling.SAME, IdSpelling.HEX, IdSpelling.DECIMAL),
}
_REVERSE = {
    IdSpelling.SAME: IdSpelling.SAME,
    IdSpelling.HEX: IdSpelling.DECIMAL,
    IdSpelling.DECIMAL: IdSpelling.HEX,
}
_MOST_DIGITS = 32  # longer ones are no numbers, but names that happen to have digits


def id_key(carrier_id: str) -> str:
    """The form by which ids are compared: capitals, no zeros in front.

    >>> id_key("00ab12"), id_key("000")
    ('AB12', '0')
    """
    return carrier_id.strip().upper().lstrip("0") or ("0" if carrier_id.strip() else "")


def keys_of_report(carrier_id: str, spellings: Sequence[IdSpelling]) -> tuple[str, ...]:
    """The keys that the answer's id may have, likeliest first.

    >>> keys_of_report("1a2b", (IdSpelling.SAME, IdSpelling.HEX))
    ('1A2B', '6699')
    """
    keys = (_respell(carrier_id, spelling) for spelling in spellings)
    return tuple(dict.fromkeys(key for key in keys if key))


def keys_of_answer(carrier_id: str) -> tuple[str, ...]:
    """The keys under which a report of the part may have been parked, its own first."""
    return keys_of_report(carrier_id, [_REVERSE[spelling] for spelling in IdSpelling])


def spellings(configured: str) -> tuple[IdSpelling, ...]:
    """From the channel's ``receipt_ids``."""
    return _ORDERS[configured]


def _respell(carrier_id: str, spelling: IdSpelling) -> str:
    key = id_key(carrier_id)
    if spelling is IdSpelling.SAME or len(key) > _MOST_DIGITS:
        return key if spelling is IdSpelling.SAME else ""
    try:
        return str(int(key, 16)) if spelling is IdSpelling.HEX else f"{int(key):X}"
    except ValueError:
        return ""


class SpellingLearner:
    """What a channel's carrier does, found out from pairs that a telephone number has confirmed."""

    def __init__(self, configured: str) -> None:
        """``configured``: "auto", or a spelling that is certain."""
        self._order = list(spellings(configured))

    def order(self) -> tuple[IdSpelling, ...]:
        """Likeliest first."""
        return tuple(self._order)

    def observe(self, report_id: str, answer_key: str) -> None:
        """A report under ``report_id`` was about the part whose answer's key is ``answer_key``."""
        for spelling in self._order:
            if _respell(report_id, spelling) == answer_key:
                self._order.remove(spelling)
                self._order.insert(0, spelling)
                return
