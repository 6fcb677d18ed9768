"""A PDU in one line for people: names, numbers masked unless asked for, texts left out unless asked for."""

from typing import Any

from yizhan.kit.masking import mask_number
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.statuses import word_of
from yizhan.wire.smpp.table import HEADER_BYTES, TLVS, Command, Tlv

_NUMBERS = frozenset({"source_addr", "destination_addr", "esme_addr"})
_SECRETS = frozenset({"password"})
_TEXTS = frozenset({"short_message", "message_payload"})
_BINDS = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
_TEXT_TAGS = frozenset({0x0424, 0x001D})


def dump(pdu: Pdu, *, clear: bool = False) -> str:
    """``submit_sm seq=7 source_addr=10690000 …``; fields that are 0 or empty are left out. Passwords never show."""
    words = [pdu.command.name.lower(), f"seq={pdu.sequence}"]
    if pdu.status or pdu.answers:
        words.append(f"status={word_of(pdu.status)}")
    words.extend(f"{name}={_value(name, value, clear)}" for name, value in pdu.body.items() if value)
    words.extend(_tlv(tag, value, clear) for tag, value in pdu.tlvs)
    return " ".join(words)


def _value(name: str, value: Any, clear: bool) -> str:
    if name in _SECRETS:
        return "***"
    if name in _TEXTS:
        return value.hex() if clear else f"({len(value)} bytes)"
    if name in _NUMBERS and not clear:
        return mask_number(str(value))
    return repr(value) if isinstance(value, str) and not value.isprintable() else str(value)


def _tlv(tag: int, value: bytes, clear: bool) -> str:
    name, reading = TLVS.get(tag, (f"tlv_{tag:04x}", Tlv.OCTETS))
    if name in _TEXTS and not clear:
        return f"{name}=({len(value)} bytes)"
    if reading is Tlv.INT:
        return f"{name}={int.from_bytes(value, 'big')}"
    if reading is Tlv.TEXT:
        return f"{name}={value.rstrip(bytes(1)).decode('latin-1')!r}"
    return f"{name}={value.hex()}"


def without_password(data: bytes) -> bytes:
    """A whole PDU as it is, but for the password of a bind (section 4.1): as many stars."""
    if data[4:7] != bytes(3) or data[7] not in _BINDS:
        return data
    begin = data.find(0, HEADER_BYTES) + 1
    end = data.find(0, begin)
    return data if begin == 0 or end < 0 else data[:begin] + b"*" * (end - begin) + data[end:]


def handset_of(pdu: Pdu) -> str:
    """The number of the handset that the PDU is about; empty when it is about none."""
    field = "source_addr" if pdu.command in (Command.DELIVER_SM,) else "destination_addr"
    return str(pdu.body.get(field, ""))
