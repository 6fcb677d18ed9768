"""A PDU in one line for people: names, numbers masked unless asked for, texts left out unless asked for."""

from collections.abc import Sequence
from typing import Any

from yizhan.kit.masking import mask_number
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.statuses import word_of
from yizhan.wire.smpp.table import HEADER_BYTES, MESSAGE_PAYLOAD, TLVS, Command, Tlv
from yizhan.wire.smpp.texts import read_text

_NUMBERS = frozenset({"source_addr", "destination_addr", "esme_addr"})
_SECRETS = frozenset({"password"})
_TEXTS = frozenset({"short_message", "message_payload"})
_BINDS = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
_TEXT_TAGS = frozenset({0x0424, 0x001D})


def dump(pdu: Pdu, *, clear: bool = False) -> str:
    """``submit_sm seq=7 source_addr=10690000 …``; fields that are 0 or empty are left out. Passwords never show."""
    return join(pdu, fields_of(pdu, clear=clear))


def join(pdu: Pdu, fields: Sequence[tuple[str, str]]) -> str:
    """The same of fields that are there already."""
    return " ".join([pdu.command.name.lower(), *(f"{name}={value}" for name, value in fields)])


def fields_of(pdu: Pdu, *, clear: bool = False) -> list[tuple[str, str]]:
    """Names and values."""
    fields = [("seq", str(pdu.sequence))]
    if pdu.status or pdu.answers:
        fields.append(("status", word_of(pdu.status)))
    fields.extend((name, _value(name, value, clear)) for name, value in pdu.body.items() if value)
    fields.extend(_tlv(tag, value, clear) for tag, value in pdu.tlvs)
    return fields


def _value(name: str, value: Any, clear: bool) -> str:
    if name in _SECRETS:
        return "***"
    if name in _TEXTS:
        return value.hex() if clear else f"({len(value)} bytes)"
    if name in _NUMBERS and not clear:
        return mask_number(str(value))
    return repr(value) if isinstance(value, str) and not value.isprintable() else str(value)


def _tlv(tag: int, value: bytes, clear: bool) -> tuple[str, str]:
    name, reading = TLVS.get(tag, (f"tlv_{tag:04x}", Tlv.OCTETS))
    if name in _TEXTS and not clear:
        return name, f"({len(value)} bytes)"
    if reading is Tlv.INT:
        return name, str(int.from_bytes(value, "big"))
    if reading is Tlv.TEXT:
        return name, repr(value.rstrip(bytes(1)).decode("latin-1"))
    return name, value.hex()


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


def text_of(pdu: Pdu) -> str:
    """The text that it carries, or the part of one, as its own data_coding has it; empty when it carries none."""
    body = pdu.body
    payload = pdu.tlv(MESSAGE_PAYLOAD)
    if not (body.get("short_message") or payload):
        return ""
    known = (body.get("esm_class", 0), body.get("data_coding", 0), body.get("short_message", b""), payload)
    return read_text(*known, tlvs=pdu.tlvs).text
