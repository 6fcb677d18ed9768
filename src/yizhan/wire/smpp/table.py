"""Every PDU of SMPP 3.4 and every optional parameter as data (specification, sections 4 and 5.3.2).

Encoding, decoding and dumping are derived from these rows; nothing else knows a layout.

    0        4            8               12              16
    | length | command_id | command_status | sequence_number | body … | TLVs (tag 2, length 2, value) … |
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

HEADER_BYTES = 16
RESPONSE_BIT = 0x80000000
MAX_SEQUENCE = 0x7FFFFFFF


class Command(IntEnum):
    """command_id (section 5.1.2.1)."""

    __hash__ = int.__hash__  # an enum's own is Python code, and every PDU is looked up by its command

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI = 0x00000021
    SUBMIT_MULTI_RESP = 0x80000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


class Kind(Enum):
    """How a field stands in the bytes."""

    INT = "int"  # unsigned, big-endian, `size` bytes
    TEXT = "text"  # C-octet string: at most `size` bytes with its NUL
    OCTETS = "octets"  # one byte of length, then at most `size` bytes
    DESTINATIONS = "destinations"  # submit_multi: count, then addresses or distribution lists (section 4.5.1.1)
    UNDELIVERED = "undelivered"  # submit_multi_resp: count, then address and error of each (section 4.5.2.1)


@dataclass(frozen=True, slots=True)
class Field:
    """One mandatory field."""

    name: str
    kind: Kind
    size: int


def _int(name: str, size: int = 1) -> Field:
    return Field(name, Kind.INT, size)


def _text(name: str, size: int) -> Field:
    return Field(name, Kind.TEXT, size)


_SOURCE = (_int("source_addr_ton"), _int("source_addr_npi"), _text("source_addr", 21))
DESTINATION = (_int("dest_addr_ton"), _int("dest_addr_npi"), _text("destination_addr", 21))
DISTRIBUTION_LIST = (_text("dl_name", 21),)
_LONG_SOURCE = (*_SOURCE[:2], _text("source_addr", 65))
_LONG_DESTINATION = (*DESTINATION[:2], _text("destination_addr", 65))
_MESSAGE_ID = _text("message_id", 65)
_SHORT_MESSAGE = Field("short_message", Kind.OCTETS, 254)
_HANDLING = (
    _int("esm_class"),
    _int("protocol_id"),
    _int("priority_flag"),
    _text("schedule_delivery_time", 17),
    _text("validity_period", 17),
    _int("registered_delivery"),
    _int("replace_if_present_flag"),
    _int("data_coding"),
    _int("sm_default_msg_id"),
    _SHORT_MESSAGE,
)
_SHORT = (_text("service_type", 6), *_SOURCE, *DESTINATION, *_HANDLING)
# The specification allows a password 8 characters; carriers hand out longer ones.
_PASSWORD = _text("password", 65)
_BIND = (
    _text("system_id", 16),
    _PASSWORD,
    _text("system_type", 13),
    _int("interface_version"),
    _int("addr_ton"),
    _int("addr_npi"),
    _text("address_range", 41),
)
_BOUND = (_text("system_id", 16),)

FIELDS: dict[Command, tuple[Field, ...]] = {
    Command.GENERIC_NACK: (),
    Command.BIND_RECEIVER: _BIND,
    Command.BIND_RECEIVER_RESP: _BOUND,
    Command.BIND_TRANSMITTER: _BIND,
    Command.BIND_TRANSMITTER_RESP: _BOUND,
    Command.BIND_TRANSCEIVER: _BIND,
    Command.BIND_TRANSCEIVER_RESP: _BOUND,
    Command.OUTBIND: (_text("system_id", 16), _PASSWORD),
    Command.UNBIND: (),
    Command.UNBIND_RESP: (),
    Command.ENQUIRE_LINK: (),
    Command.ENQUIRE_LINK_RESP: (),
    Command.SUBMIT_SM: _SHORT,
    Command.SUBMIT_SM_RESP: (_MESSAGE_ID,),
    Command.DELIVER_SM: _SHORT,
    Command.DELIVER_SM_RESP: (_MESSAGE_ID,),
    Command.SUBMIT_MULTI: (
        _text("service_type", 6),
        *_SOURCE,
        Field("dest_address", Kind.DESTINATIONS, 254),
        *_HANDLING,
    ),
    Command.SUBMIT_MULTI_RESP: (_MESSAGE_ID, Field("unsuccess_sme", Kind.UNDELIVERED, 254)),
    Command.DATA_SM: (
        _text("service_type", 6),
        *_LONG_SOURCE,
        *_LONG_DESTINATION,
        _int("esm_class"),
        _int("registered_delivery"),
        _int("data_coding"),
    ),
    Command.DATA_SM_RESP: (_MESSAGE_ID,),
    Command.QUERY_SM: (_MESSAGE_ID, *_SOURCE),
    Command.QUERY_SM_RESP: (_MESSAGE_ID, _text("final_date", 17), _int("message_state"), _int("error_code")),
    Command.CANCEL_SM: (_text("service_type", 6), _MESSAGE_ID, *_SOURCE, *DESTINATION),
    Command.CANCEL_SM_RESP: (),
    Command.REPLACE_SM: (
        _MESSAGE_ID,
        *_SOURCE,
        _text("schedule_delivery_time", 17),
        _text("validity_period", 17),
        _int("registered_delivery"),
        _int("sm_default_msg_id"),
        _SHORT_MESSAGE,
    ),
    Command.REPLACE_SM_RESP: (),
    Command.ALERT_NOTIFICATION: (
        *_LONG_SOURCE,
        _int("esme_addr_ton"),
        _int("esme_addr_npi"),
        _text("esme_addr", 65),
    ),
}


class Tlv(Enum):
    """How an optional parameter's value reads."""

    INT = "int"
    TEXT = "text"
    OCTETS = "octets"


# tag -> name and reading (section 5.3.2).
TLVS: dict[int, tuple[str, Tlv]] = {
    0x0005: ("dest_addr_subunit", Tlv.INT),
    0x0006: ("dest_network_type", Tlv.INT),
    0x0007: ("dest_bearer_type", Tlv.INT),
    0x0008: ("dest_telematics_id", Tlv.INT),
    0x000D: ("source_addr_subunit", Tlv.INT),
    0x000E: ("source_network_type", Tlv.INT),
    0x000F: ("source_bearer_type", Tlv.INT),
    0x0010: ("source_telematics_id", Tlv.INT),
    0x0017: ("qos_time_to_live", Tlv.INT),
    0x0019: ("payload_type", Tlv.INT),
    0x001D: ("additional_status_info_text", Tlv.TEXT),
    0x001E: ("receipted_message_id", Tlv.TEXT),
    0x0030: ("ms_msg_wait_facilities", Tlv.INT),
    0x0201: ("privacy_indicator", Tlv.INT),
    0x0202: ("source_subaddress", Tlv.OCTETS),
    0x0203: ("dest_subaddress", Tlv.OCTETS),
    0x0204: ("user_message_reference", Tlv.INT),
    0x0205: ("user_response_code", Tlv.INT),
    0x020A: ("source_port", Tlv.INT),
    0x020B: ("destination_port", Tlv.INT),
    0x020C: ("sar_msg_ref_num", Tlv.INT),
    0x020D: ("language_indicator", Tlv.INT),
    0x020E: ("sar_total_segments", Tlv.INT),
    0x020F: ("sar_segment_seqnum", Tlv.INT),
    0x0210: ("sc_interface_version", Tlv.INT),
    0x0302: ("callback_num_pres_ind", Tlv.INT),
    0x0303: ("callback_num_atag", Tlv.OCTETS),
    0x0304: ("number_of_messages", Tlv.INT),
    0x0381: ("callback_num", Tlv.OCTETS),
    0x0420: ("dpf_result", Tlv.INT),
    0x0421: ("set_dpf", Tlv.INT),
    0x0422: ("ms_availability_status", Tlv.INT),
    0x0423: ("network_error_code", Tlv.OCTETS),
    0x0424: ("message_payload", Tlv.OCTETS),
    0x0425: ("delivery_failure_reason", Tlv.INT),
    0x0426: ("more_messages_to_send", Tlv.INT),
    0x0427: ("message_state", Tlv.INT),
    0x0501: ("ussd_service_op", Tlv.OCTETS),
    0x1201: ("display_time", Tlv.INT),
    0x1203: ("sms_signal", Tlv.INT),
    0x1204: ("ms_validity", Tlv.INT),
    0x130C: ("alert_on_message_delivery", Tlv.OCTETS),
    0x1380: ("its_reply_type", Tlv.INT),
    0x1383: ("its_session_info", Tlv.OCTETS),
}
RECEIPTED_MESSAGE_ID = 0x001E
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427
SC_INTERFACE_VERSION = 0x0210

VERSION = 0x34  # SMPP 3.4; a peer that says 0x33 or less knows no TLVs (section 5.2.4)
