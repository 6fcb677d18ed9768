"""SMPP 3.4 as a dialect of the session machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from yizhan.wire.session import Kind, Mode, Refuse, Unreadable
from yizhan.wire.smpp.codec import INVALID_COMMAND_LENGTH, Pdu, PeerFault, decode, encode, frame
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import HEADER_BYTES, MAX_SEQUENCE, RESPONSE_BIT, Command

_MODES = {
    Command.BIND_TRANSMITTER: Mode.SEND,
    Command.BIND_RECEIVER: Mode.RECEIVE,
    Command.BIND_TRANSCEIVER: Mode.BOTH,
}
_KINDS: dict[Command, Kind] = {
    **dict.fromkeys(_MODES, Kind.BIND),
    Command.BIND_TRANSMITTER_RESP: Kind.BIND_ANSWER,
    Command.BIND_RECEIVER_RESP: Kind.BIND_ANSWER,
    Command.BIND_TRANSCEIVER_RESP: Kind.BIND_ANSWER,
    Command.SUBMIT_SM: Kind.SEND,
    Command.SUBMIT_MULTI: Kind.SEND,
    Command.QUERY_SM: Kind.SEND,
    Command.CANCEL_SM: Kind.SEND,
    Command.REPLACE_SM: Kind.SEND,
    Command.DELIVER_SM: Kind.DELIVER,
    Command.DATA_SM: Kind.EITHER,
    Command.ALERT_NOTIFICATION: Kind.NOTICE,
    Command.OUTBIND: Kind.NOTICE,
    Command.ENQUIRE_LINK: Kind.KEEP_ALIVE,
    Command.ENQUIRE_LINK_RESP: Kind.KEEP_ALIVE_ANSWER,
    Command.UNBIND: Kind.UNBIND,
    Command.UNBIND_RESP: Kind.UNBIND_ANSWER,
    Command.GENERIC_NACK: Kind.NACK,
}
KINDS: dict[Command, Kind] = {command: _KINDS.get(command, Kind.ANSWER) for command in Command}
_REFUSALS = {Refuse.NOT_BOUND: Status.RINVBNDSTS, Refuse.ALREADY_BOUND: Status.RALYBND}


class Smpp34:
    """``wire.session.Dialect``: stateless, one object serves every session."""

    header_bytes = HEADER_BYTES

    def length_of(self, data: bytes | bytearray, at: int, most: int) -> int:
        """The first four bytes; they count themselves (section 3.2)."""
        length = int.from_bytes(data[at : at + 4], "big")
        if HEADER_BYTES <= length <= most:
            return length
        sequence = int.from_bytes(data[at + 12 : at + 16], "big")
        nack = frame(Command.GENERIC_NACK, INVALID_COMMAND_LENGTH, sequence, b"")
        raise Unreadable(f"a PDU of {length} bytes", nack, fatal=True)

    def decode(self, data: bytes) -> Pdu:
        """One PDU."""
        try:
            return decode(data)
        except PeerFault as fault:
            # An answer that cannot be read is not answered: two confused peers would nack each other for ever.
            answers = data[4] & 0x80
            nack = b"" if answers else frame(Command.GENERIC_NACK, fault.status, fault.sequence, b"")
            raise Unreadable(str(fault), nack) from fault

    def kind_of(self, pdu: Pdu) -> Kind:
        """From the table of commands."""
        return KINDS[pdu.command]

    def mode_of(self, pdu: Pdu) -> Mode:
        """Transmitter, receiver or both."""
        return _MODES[pdu.command]

    def sequence_of(self, pdu: Pdu) -> int:
        """sequence_number."""
        return pdu.sequence

    def status_of(self, pdu: Pdu) -> int:
        """command_status; a generic_nack that gives none is a system error."""
        if pdu.command is Command.GENERIC_NACK and not pdu.status:
            return Status.RSYSERR
        return pdu.status

    def request(self, pdu: Pdu, sequence: int) -> bytes:
        """``pdu`` with its sequence_number. ValueError for a field that does not fit."""
        pdu.sequence = sequence
        return encode(pdu)

    def answer(self, request: Pdu, status: int, body: Mapping[str, Any], tlvs: Sequence[tuple[int, bytes]]) -> bytes:
        """The command's own answer."""
        return encode(Pdu(Command(request.command | RESPONSE_BIT), status, request.sequence, body, tlvs))

    def keep_alive(self, sequence: int) -> bytes:
        """enquire_link."""
        return frame(Command.ENQUIRE_LINK, 0, sequence, b"")

    def unbind(self, sequence: int) -> bytes:
        """unbind."""
        return frame(Command.UNBIND, 0, sequence, b"")

    def refuse(self, request: Pdu, why: Refuse) -> bytes:
        """The command's answer with a status; what nobody may ask of us gets a generic_nack."""
        if why is Refuse.NOT_ASKED_OF_US:
            return frame(Command.GENERIC_NACK, Status.RINVCMDID, request.sequence, b"")
        return self.answer(request, _REFUSALS[why], {}, ())

    def next_sequence(self, sequence: int) -> int:
        """1 to 0x7FFFFFFF (section 5.1.4)."""
        return 1 if sequence >= MAX_SEQUENCE else sequence + 1


SMPP34 = Smpp34()
