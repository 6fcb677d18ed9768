"""PDUs to bytes and back, by the table alone. Lenient where peers are known to be sloppy, strict about lengths.

Each layout is compiled once into steps: neighbouring integers share one ``struct`` call.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yizhan.wire.smpp.table import (
    DESTINATION,
    DISTRIBUTION_LIST,
    FIELDS,
    HEADER_BYTES,
    RESPONSE_BIT,
    Command,
    Field,
    Kind,
)

_HEADER = struct.Struct(">IIII")
_TLV = struct.Struct(">HH")
_UINT = {1: "B", 2: "H", 4: "I"}
_COMMANDS = {int(command): command for command in Command}
NO_TLVS: tuple[tuple[int, bytes], ...] = ()

# Statuses that tell a peer that its bytes made no sense (section 5.1.3).
INVALID_MESSAGE_LENGTH = 0x01
INVALID_COMMAND_LENGTH = 0x02
INVALID_COMMAND_ID = 0x03
INVALID_TLV_STREAM = 0xC0


class PeerFault(Exception):
    """The peer sent what cannot be read. ``status`` says so to it; after a ``fatal`` one the stream has no next PDU."""

    def __init__(self, reason: str, status: int, sequence: int = 0, *, fatal: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.sequence = sequence
        self.fatal = fatal


@dataclass(slots=True)
class Pdu:
    """One PDU. ``body`` has its fields by name: integers, text in Latin-1, octets. Unknown TLVs are kept."""

    command: Command
    status: int = 0
    sequence: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    tlvs: Sequence[tuple[int, bytes]] = NO_TLVS
    encoded: bytes | None = None  # the body as bytes, from ``Form``, in place of ``body``

    @property
    def answers(self) -> bool:
        """Whether this is the answer to a request."""
        return bool(self.command & RESPONSE_BIT)

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first TLV with ``tag``."""
        return next((value for found, value in self.tlvs if found == tag), None)


def encode(pdu: Pdu) -> bytes:
    """``pdu`` as bytes. ValueError when a field does not fit; a missing one is 0 or empty.

    An answer with an error status goes without a body, as section 4.4.2 has it for submit_sm_resp.
    """
    if pdu.encoded is not None:
        body = pdu.encoded
    else:
        body = b"" if pdu.status and pdu.answers and not pdu.body else encode_body(pdu.command, pdu.body)
    for tag, value in pdu.tlvs:
        body += _TLV.pack(tag, len(value)) + value
    return frame(pdu.command, pdu.status, pdu.sequence, body)


def frame(command: int, status: int, sequence: int, body: bytes) -> bytes:
    """A header in front of ``body``."""
    return _HEADER.pack(HEADER_BYTES + len(body), command, status, sequence) + body


def encode_body(command: Command, values: Mapping[str, Any]) -> bytes:
    """The mandatory fields. ValueError names the field that does not fit."""
    return b"".join([write(values) for write in _WRITERS[command]])


class Form:
    """A body of which only one text and one string of octets change, as when one text goes to many numbers.

    The rest is encoded once; ``fill`` then costs a concatenation.
    """

    def __init__(self, command: Command, values: Mapping[str, Any], text: str, octets: str) -> None:
        """``text`` comes before ``octets`` in the command's layout. ValueError as in ``encode_body``."""
        names = [field.name for field in FIELDS[command]]
        fields = {field.name: field for field in FIELDS[command]}
        at, then = names.index(text), names.index(octets)
        self._most_text, self._most_octets = fields[text].size - 1, fields[octets].size
        self._names = (text, octets)
        self._before, self._between, self._behind = (
            b"".join([write(values) for write in _compile([fields[name] for name in part])[0]])
            for part in (names[:at], names[at + 1 : then], names[then + 1 :])
        )

    def fill(self, text: str, octets: bytes) -> bytes:
        """The body with these two. ValueError when one does not fit."""
        encoded = text.encode("latin-1")
        if len(encoded) > self._most_text or len(octets) > self._most_octets or b"\0" in encoded:
            raise ValueError(f"{' or '.join(self._names)} does not fit")
        return b"%b%b\0%b%c%b%b" % (self._before, encoded, self._between, len(octets), octets, self._behind)


def decode(data: bytes) -> Pdu:
    """One whole PDU, length included. PeerFault for what cannot be read; it is never fatal here."""
    _, command_id, status, sequence = _HEADER.unpack_from(data)
    command = _COMMANDS.get(command_id)
    if command is None:
        raise PeerFault(f"command {command_id:#010x} is unknown", INVALID_COMMAND_ID, sequence)
    end = len(data)
    if end == HEADER_BYTES and command & RESPONSE_BIT:
        return Pdu(command, status, sequence)  # many SMSCs omit the body of an answer, error or not
    at = HEADER_BYTES
    body: dict[str, Any] = {}
    lenient = bool(command & RESPONSE_BIT)
    try:
        for read in _READERS[command]:
            if at == end and lenient:
                break
            at = read(data, at, end, body)
        return Pdu(command, status, sequence, body, _read_tlvs(data, at, end))
    except PeerFault as fault:
        if lenient and status:
            return Pdu(command, status, sequence, body)  # the status is what matters; its body may be anything
        fault.sequence = sequence
        raise


def _read_tlvs(data: bytes, at: int, end: int) -> Sequence[tuple[int, bytes]]:
    if at == end:
        return NO_TLVS
    tlvs = []
    while end - at >= _TLV.size:
        tag, length = _TLV.unpack_from(data, at)
        at += _TLV.size
        if at + length > end:
            raise PeerFault(f"TLV {tag:#06x} of {length} bytes runs over the end", INVALID_TLV_STREAM)
        tlvs.append((tag, data[at : at + length]))
        at += length
    # One to three bytes left over are padding that some peers send; there is nothing they could mean.
    return tuple(tlvs)


# -- compiling the table

Writer = Callable[[Mapping[str, Any]], bytes]
Reader = Callable[[bytes, int, int, dict[str, Any]], int]
_Layout = tuple[tuple[Writer, ...], tuple[Reader, ...]]


def _compile(fields: Sequence[Field]) -> _Layout:
    writers: list[Writer] = []
    readers: list[Reader] = []
    numbers: list[Field] = []
    for one in (*fields, None):
        if one is not None and one.kind is Kind.INT:
            numbers.append(one)
            continue
        if numbers:
            write, read = _integers(tuple(numbers))
            writers.append(write)
            readers.append(read)
            numbers = []
        if one is not None:
            write, read = _COMPILERS[one.kind](one)
            writers.append(write)
            readers.append(read)
    return tuple(writers), tuple(readers)


def _integers(fields: tuple[Field, ...]) -> tuple[Writer, Reader]:
    packer = struct.Struct(">" + "".join(_UINT[one.size] for one in fields))
    names = tuple(one.name for one in fields)

    def write(values: Mapping[str, Any]) -> bytes:
        get = values.get
        try:
            return packer.pack(*[get(name, 0) for name in names])
        except struct.error:
            raise ValueError(f"one of {', '.join(names)} does not fit its bytes") from None

    def read(data: bytes, at: int, end: int, body: dict[str, Any]) -> int:
        if at + packer.size > end:
            raise PeerFault(f"ends before {names[0]}", INVALID_COMMAND_LENGTH)
        body.update(zip(names, packer.unpack_from(data, at), strict=True))
        return at + packer.size

    return write, read


def _text(one: Field) -> tuple[Writer, Reader]:
    name, most = one.name, one.size - 1

    def write(values: Mapping[str, Any]) -> bytes:
        value = values.get(name)
        if not value:
            return b"\0"
        encoded: bytes = value.encode("latin-1")
        if len(encoded) > most or b"\0" in encoded:
            raise ValueError(f"{name} holds at most {most} bytes and no NUL")
        return encoded + b"\0"

    def read(data: bytes, at: int, end: int, body: dict[str, Any]) -> int:
        # Longer than the specification allows is accepted: vendors' ids and passwords are. The frame bounds it.
        nul = data.find(b"\0", at, end)
        if nul < 0:
            if at < end and name == "message_id":
                nul = end  # some peers forget the last NUL of an answer
            else:
                raise PeerFault(f"{name} has no end", INVALID_COMMAND_LENGTH)
        body[name] = data[at:nul].decode("latin-1")
        return min(nul + 1, end)

    return write, read


def _octets(one: Field) -> tuple[Writer, Reader]:
    name, most = one.name, one.size

    def write(values: Mapping[str, Any]) -> bytes:
        value: bytes = values.get(name, b"")
        if len(value) > most:
            raise ValueError(f"{name} holds at most {most} bytes")
        return bytes((len(value),)) + value

    def read(data: bytes, at: int, end: int, body: dict[str, Any]) -> int:
        if at >= end or at + 1 + data[at] > end:
            raise PeerFault(f"{name} runs over the end", INVALID_MESSAGE_LENGTH)
        stop = at + 1 + data[at]
        body[name] = data[at + 1 : stop]
        return stop

    return write, read


def _destinations(one: Field) -> tuple[Writer, Reader]:
    return _list_of(one, lambda item: _DESTINATION[1 if item == 1 else 2], "dest_flag")


def _undelivered(one: Field) -> tuple[Writer, Reader]:
    return _list_of(one, lambda _: _FAILED_DESTINATION, None)


def _list_of(one: Field, layout: Callable[[int], "_Layout"], flag: str | None) -> tuple[Writer, Reader]:
    """A count and so many items; each begins with ``flag``, which names its layout, if there are several."""
    name, most = one.name, one.size

    def write(values: Mapping[str, Any]) -> bytes:
        items: Sequence[Mapping[str, Any]] = values.get(name, ())
        if len(items) > most:
            raise ValueError(f"{name} holds at most {most} items")
        out = bytes((len(items),))
        for item in items:
            writers, _ = layout(item[flag] if flag else 0)
            out += (bytes((item[flag],)) if flag else b"") + b"".join([step(item) for step in writers])
        return out

    def read(data: bytes, at: int, end: int, body: dict[str, Any]) -> int:
        if at >= end:
            raise PeerFault(f"ends before {name}", INVALID_COMMAND_LENGTH)
        items, count, at = [], data[at], at + 1
        for _ in range(count):
            item: dict[str, Any] = {}
            if flag:
                if at >= end or data[at] not in (1, 2):
                    raise PeerFault(f"{flag} is neither 1 nor 2", INVALID_MESSAGE_LENGTH)
                item[flag], at = data[at], at + 1
            for step in layout(item[flag] if flag else 0)[1]:
                at = step(data, at, end, item)
            items.append(item)
        body[name] = tuple(items)
        return at

    return write, read


_COMPILERS: dict[Kind, Callable[[Field], tuple[Writer, Reader]]] = {
    Kind.TEXT: _text,
    Kind.OCTETS: _octets,
    Kind.DESTINATIONS: _destinations,
    Kind.UNDELIVERED: _undelivered,
}
# dest_flag -> an SME's address, or the name of a distribution list (section 5.2.25).
_DESTINATION: dict[int, _Layout] = {1: _compile(DESTINATION), 2: _compile(DISTRIBUTION_LIST)}
_FAILED_DESTINATION = _compile((*DESTINATION, Field("error_status_code", Kind.INT, 4)))
_LAYOUTS = {command: _compile(fields) for command, fields in FIELDS.items()}
_WRITERS = {command: layout[0] for command, layout in _LAYOUTS.items()}
_READERS = {command: layout[1] for command, layout in _LAYOUTS.items()}
