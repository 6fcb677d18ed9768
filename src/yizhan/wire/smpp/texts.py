"""Texts on the wire: a text becomes the parts that are sent, and what came in becomes a text.

    UDH, 8 bits:   05 00 03 RR TT NN        RR reference, TT total, NN number (3GPP TS 23.040, section 9.2.3.24.1)
    UDH, 16 bits:  06 08 04 RR RR TT NN     (section 9.2.3.24.8)

The parts are those of ``wire.segment``: what was counted and paid for is what leaves. Only ``long_text = "payload"``
sends one PDU for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from yizhan.model.channel import ChannelSettings
from yizhan.model.submission import Encoding
from yizhan.wire.gsm import BASIC, ESCAPE, EXTENSION
from yizhan.wire.segment import HEADER_BYTES, choose_encoding, split
from yizhan.wire.smpp.codec import NO_TLVS
from yizhan.wire.smpp.table import MESSAGE_PAYLOAD

UDHI = 0x40  # esm_class: the message begins with a user data header (section 5.2.12)
UCS2 = 8
_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER = 0x020C, 0x020E, 0x020F
_CONCAT_8, _CONCAT_16 = 0x00, 0x08
_HEADER_BYTES = {"udh16": 7}
_SEPTETS = {character: bytes((place,)) for place, character in enumerate(BASIC) if place != ESCAPE} | {
    character: bytes((ESCAPE, septet)) for character, septet in EXTENSION.items()
}
_EXTENDED = {septet: character for character, septet in EXTENSION.items()}
# data_coding -> how the text is read (section 5.2.19); 0 and everything else is the carrier's default alphabet.
_CODECS = {1: "ascii", 3: "latin-1", 5: "shift_jis", 6: "iso8859-5", 7: "iso8859-8", UCS2: "utf-16-be", 14: "euc_kr"}
_BINARY = frozenset({2, 4})
_PLAIN_CODECS = {"latin1": "latin-1", "ascii": "ascii"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One part as a submit_sm carries it."""

    esm_class: int
    data_coding: int
    short_message: bytes
    tlvs: Sequence[tuple[int, bytes]] = NO_TLVS


@dataclass(frozen=True, slots=True)
class PartInfo:
    """Where a part of a long text belongs."""

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A text that came in, or one part of one."""

    text: str
    part: PartInfo | None = None


# -- out


def cut(text: str, settings: ChannelSettings, reference: int) -> list[Piece]:
    """The parts of ``text`` for this carrier; ``reference`` joins them on the phone.

    With the default alphabet and header they are the parts that were counted. An alphabet that lacks one of the text's
    characters (or is "ucs2") makes it UCS-2, and a header of seven bytes leaves less room: then more parts may leave
    than were paid for.
    """
    header_bytes = _HEADER_BYTES.get(settings.long_text, HEADER_BYTES)
    parts, coding = split(text, None, header_bytes), UCS2
    encoded: list[bytes] | None = None
    if choose_encoding(text) is Encoding.GSM7 and settings.alphabet != "ucs2":
        encoded, coding = _in_alphabet(parts, settings), settings.data_coding
    if encoded is None:
        parts, coding = split(text, Encoding.UCS2, header_bytes), UCS2
        encoded = [part.encode("utf-16-be", "surrogatepass") for part in parts]
    if len(encoded) == 1:
        return [Piece(0, coding, _packed(encoded[0], 0) if _packs(settings, coding) else encoded[0])]
    return _join(encoded, coding, settings, reference)


def _join(encoded: Sequence[bytes], coding: int, settings: ChannelSettings, reference: int) -> list[Piece]:
    total = len(encoded)
    if settings.long_text == "payload":
        whole = b"".join(encoded)
        payload = _packed(whole, 0) if _packs(settings, coding) else whole
        return [Piece(0, coding, b"", ((MESSAGE_PAYLOAD, payload),))]
    pieces = []
    for number, data in enumerate(encoded, 1):
        if settings.long_text == "sar":
            body = _packed(data, 0) if _packs(settings, coding) else data
            tlvs = (
                (_SAR_REFERENCE, (reference & 0xFFFF).to_bytes(2, "big")),
                (_SAR_TOTAL, bytes((total,))),
                (_SAR_NUMBER, bytes((number,))),
            )
            pieces.append(Piece(0, coding, body, tlvs))
            continue
        if settings.long_text == "udh16":
            header = bytes((6, _CONCAT_16, 4, reference >> 8 & 0xFF, reference & 0xFF, total, number))
        else:
            header = bytes((5, _CONCAT_8, 3, reference & 0xFF, total, number))
        body = _packed(data, len(header)) if _packs(settings, coding) else data
        pieces.append(Piece(UDHI, coding, header + body))
    return pieces


def _packs(settings: ChannelSettings, coding: int) -> bool:
    return settings.alphabet == "gsm-packed" and coding != UCS2


def _in_alphabet(parts: Sequence[str], settings: ChannelSettings) -> list[bytes] | None:
    """The parts in the configured alphabet; None when it lacks a character."""
    codec = _PLAIN_CODECS.get(settings.alphabet)
    if codec is None:
        return [b"".join([_SEPTETS[character] for character in part]) for part in parts]
    try:
        return [part.encode(codec) for part in parts]
    except UnicodeEncodeError:
        return None


def _packed(septets: bytes, header_bytes: int) -> bytes:
    """Seven bits each, eight septets in seven bytes; behind a header they begin at the next septet's border.

    (3GPP TS 23.038, section 6.1.2.1; TS 23.040, section 9.2.3.24, fill bits.)
    """
    fill = (7 - header_bytes * 8 % 7) % 7
    bits, held, out = fill, 0, bytearray()
    for septet in septets:
        held |= septet << bits
        bits += 7
        while bits >= 8:
            out.append(held & 0xFF)
            held >>= 8
            bits -= 8
    if bits:
        out.append(held & 0xFF)
    return bytes(out)


# -- in


def read_text(
    esm_class: int,
    data_coding: int,
    short_message: bytes,
    message_payload: bytes | None,
    *,
    tlvs: Sequence[tuple[int, bytes]] = NO_TLVS,
    default_alphabet: str = "gsm",
) -> IncomingText:
    """What a deliver_sm says. Never raises: what cannot be read becomes U+FFFD.

    A header wins over SAR TLVs, which must not stand beside it and do (section 5.2.12).
    """
    data = short_message or message_payload or b""
    part, header_bytes = None, 0
    if esm_class & UDHI and data and data[0] < len(data):
        header_bytes = data[0] + 1
        part = _concatenation(data[1:header_bytes])
    if part is None and tlvs:
        part = _sar(dict(tlvs))
    text = _decode(data[header_bytes:], data_coding, default_alphabet, header_bytes)
    return IncomingText(text if part else _whole(text), part)


def _whole(text: str) -> str:
    """Half surrogate pairs, which nothing can store, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _concatenation(header: bytes) -> PartInfo | None:
    """The information element that joins parts; others are skipped."""
    at = 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if kind == _CONCAT_8 and len(value) == 3:
            return _part(value[0], value[1], value[2])
        if kind == _CONCAT_16 and len(value) == 4:
            return _part(value[0] << 8 | value[1], value[2], value[3])
        at += 2 + length
    return None


def _sar(tlvs: dict[int, bytes]) -> PartInfo | None:
    found = [int.from_bytes(tlvs.get(tag, b""), "big") for tag in (_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER)]
    return _part(*found) if _SAR_TOTAL in tlvs else None


def _part(reference: int, total: int, number: int) -> PartInfo | None:
    """None for a text of one part, and for a number that cannot be."""
    return PartInfo(reference, total, number) if 1 < total <= 255 and 1 <= number <= total else None


def _decode(data: bytes, data_coding: int, default_alphabet: str, header_bytes: int) -> str:
    coding = data_coding & 0x0F if data_coding < 0x10 else _class_coding(data_coding)
    if coding in _BINARY:
        return data.hex()
    if coding == UCS2:
        # Half of a surrogate pair at a part's edge finds its other half when the parts are joined.
        return data[: len(data) & ~1].decode("utf-16-be", "surrogatepass")
    if codec := _CODECS.get(coding):
        return data.decode(codec, "replace")
    if codec := _PLAIN_CODECS.get(default_alphabet):
        return data.decode(codec, "replace")
    return _from_septets(_unpacked(data, header_bytes) if default_alphabet == "gsm-packed" else data)


def _class_coding(data_coding: int) -> int:
    """The GSM coding groups that carry a class or wait for it: 0xF0 to 0xFF, 0x10 to 0x1F and so on (TS 23.038, 4)."""
    if data_coding >= 0xF0:
        return 4 if data_coding & 0x04 else 0
    return {0x04: 4, 0x08: UCS2}.get(data_coding & 0x0C, 0)


def _from_septets(septets: bytes) -> str:
    text, escaped = [], False
    for septet in septets:
        if escaped:
            # An escape that opens nothing known shows the character of the basic table (TS 23.038, section 6.2.1).
            text.append(_EXTENDED.get(septet) or (BASIC[septet] if septet < 0x80 else "\ufffd"))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            text.append(BASIC[septet] if septet < 0x80 else "\ufffd")
    return "".join(text)


def _unpacked(data: bytes, header_bytes: int) -> bytes:
    fill = (7 - header_bytes * 8 % 7) % 7
    value, count = int.from_bytes(data, "little") >> fill, (len(data) * 8 - fill) // 7
    septets = bytes(value >> 7 * at & 0x7F for at in range(count))
    # Eight septets fill seven bytes: of one too few, the last septet is padding and reads as @.
    return septets[:-1] if count % 8 == 0 and septets[-1:] == b"\0" else septets
