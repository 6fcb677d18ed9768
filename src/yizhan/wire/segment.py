"""Cutting a text into the parts that are sent, counted and paid for (contract, section 8).

The function that counts is the function that splits, so a customer never pays for another number of parts than leaves.
"""

from yizhan.model.submission import Encoding
from yizhan.wire.gsm import ALPHABET, TWO_SEPTETS

# A part holds 140 bytes: 160 septets or 70 UTF-16 units. The header that joins several parts takes 6 of them, which
# leaves 153 septets or 67 units; this is what counts for billing.
PART_BYTES = 140
HEADER_BYTES = 6
GSM7_SINGLE, UCS2_SINGLE = 160, 70


def choose_encoding(text: str) -> Encoding:
    """The GSM default alphabet if it holds every character, else UCS-2 (so a text with 【】 always is)."""
    return Encoding.GSM7 if ALPHABET.issuperset(text) else Encoding.UCS2


def count_units(text: str, encoding: Encoding) -> int:
    """The length of ``text``: septets in GSM7 (extension characters count two), UTF-16 units in UCS2."""
    if encoding is Encoding.GSM7:
        return len(text) + sum(map(text.count, TWO_SEPTETS))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def count_parts(text: str, encoding: Encoding | None = None) -> int:
    """How many parts ``text`` takes, in ``encoding`` if that was chosen already; an empty text takes one."""
    return len(split(text, encoding))


def split(text: str, encoding: Encoding | None = None, header_bytes: int = HEADER_BYTES) -> list[str]:
    """The parts of ``text`` in order. Never cuts a surrogate pair or an escape pair: both are one character here.

    ``encoding`` and ``header_bytes`` are for carriers that want it otherwise than it is counted.
    """
    encoding = encoding or choose_encoding(text)
    gsm7, room_bytes = encoding is Encoding.GSM7, PART_BYTES - header_bytes
    single, room = (GSM7_SINGLE, room_bytes * 8 // 7) if gsm7 else (UCS2_SINGLE, room_bytes // 2)
    # A character takes two units at most: what is short need not be counted.
    if 2 * len(text) <= single or (units := count_units(text, encoding)) <= single:
        return [text]
    if units == len(text):
        return [text[start : start + room] for start in range(0, len(text), room)]
    return _split_uneven(text, encoding, room)


def _split_uneven(text: str, encoding: Encoding, room: int) -> list[str]:
    """Parts of at most ``room`` units of a text in which some characters take two."""
    gsm7 = encoding is Encoding.GSM7
    parts: list[str] = []
    start = used = 0
    for at, character in enumerate(text):
        units = 2 if character > "\uffff" or (gsm7 and character in TWO_SEPTETS) else 1
        if used + units > room:
            parts.append(text[start:at])
            start, used = at, 0
        used += units
    parts.append(text[start:])
    return parts
