"""The codec against its own table: every field both ways, every limit, and what sloppy peers send."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.smpp.codec import Form, Pdu, PeerFault, decode, encode, encode_body, frame
from yizhan.wire.smpp.dump import dump
from yizhan.wire.smpp.statuses import Status, outcome_of, word_of
from yizhan.wire.smpp.table import FIELDS, Command, Field, Kind

LATIN = st.characters(min_codepoint=1, max_codepoint=255)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Everything that fits the field."""
    match field.kind:
        case Kind.INT:
            return st.integers(0, 256**field.size - 1)
        case Kind.TEXT:
            return st.text(LATIN, max_size=field.size - 1)
        case Kind.OCTETS:
            return st.binary(max_size=field.size)
        case Kind.DESTINATIONS:
            one = st.fixed_dictionaries(
                {
                    "dest_flag": st.just(1),
                    "dest_addr_ton": st.integers(0, 255),
                    "dest_addr_npi": st.integers(0, 255),
                    "destination_addr": st.text(LATIN, max_size=20),
                }
            )
            two = st.fixed_dictionaries({"dest_flag": st.just(2), "dl_name": st.text(LATIN, max_size=20)})
            return st.lists(one | two, max_size=5).map(tuple)
        case Kind.UNDELIVERED:
            one = st.fixed_dictionaries(
                {
                    "dest_addr_ton": st.integers(0, 255),
                    "dest_addr_npi": st.integers(0, 255),
                    "destination_addr": st.text(LATIN, max_size=20),
                    "error_status_code": st.integers(0, 2**32 - 1),
                }
            )
            return st.lists(one, max_size=5).map(tuple)


TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=4).map(tuple)


@pytest.mark.parametrize("command", list(Command), ids=lambda command: command.name)
def test_every_command_comes_back_as_it_went(command: Command) -> None:
    bodies = st.fixed_dictionaries({field.name: values_of(field) for field in FIELDS[command]})

    @settings(max_examples=40, deadline=None)
    @given(bodies, TLVS if FIELDS[command] else st.just(()), st.integers(1, 0x7FFFFFFF))
    def check(body: dict[str, Any], tlvs: tuple[tuple[int, bytes], ...], sequence: int) -> None:
        pdu = Pdu(command, 0, sequence, body, tlvs)
        data = encode(pdu)
        assert int.from_bytes(data[:4], "big") == len(data)
        if body:
            assert decode(data) == pdu
        else:
            assert (decode(data).command, decode(data).sequence) == (command, sequence)
        assert dump(pdu).startswith(command.name.lower())

    check()


TOO_LONG = {
    "system_id": (Command.BIND_TRANSCEIVER, {"system_id": "x" * 16}),
    "password": (Command.BIND_TRANSCEIVER, {"password": "x" * 65}),
    "address": (Command.SUBMIT_SM, {"destination_addr": "1" * 21}),
    "message": (Command.SUBMIT_SM, {"short_message": b"x" * 255}),
    "integer": (Command.SUBMIT_SM, {"data_coding": 256}),
    "NUL": (Command.SUBMIT_SM, {"source_addr": "a\0b"}),
    "no Latin-1": (Command.SUBMIT_SM, {"source_addr": "驿站"}),
}


@pytest.mark.parametrize(("command", "body"), TOO_LONG.values(), ids=TOO_LONG.keys())
def test_what_does_not_fit_is_not_written(command: Command, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"holds|fit|codec"):
        encode(Pdu(command, body=body))


def test_a_known_submit_sm() -> None:
    """Byte by byte, as section 4.4.1 lays it out."""
    body = {"source_addr_npi": 1, "source_addr": "1069", "dest_addr_ton": 1, "dest_addr_npi": 1}
    body |= {"destination_addr": "8613800000000", "registered_delivery": 1, "data_coding": 8}
    data = encode(Pdu(Command.SUBMIT_SM, 0, 5, {**body, "short_message": "您好".encode("utf-16-be")}))
    assert data.hex(" ") == (
        "00 00 00 3b 00 00 00 04 00 00 00 00 00 00 00 05 00 00 01 31 30 36 39 00 01 01 38 36 31 33 38 30 30 30 30 30 30"
        " 30 30 00 00 00 00 00 00 01 00 08 00 04 60 a8 59 7d"
    ).replace("00 00 00 3b", f"00 00 00 {len(data):02x}")


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries({field.name: values_of(field) for field in FIELDS[Command.SUBMIT_SM]}),
    st.text(LATIN, max_size=20),
    st.binary(max_size=254),
)
def test_a_form_writes_what_the_table_writes(body: dict[str, Any], number: str, message: bytes) -> None:
    form = Form(Command.SUBMIT_SM, body, "destination_addr", "short_message")
    whole = encode_body(Command.SUBMIT_SM, {**body, "destination_addr": number, "short_message": message})
    assert form.fill(number, message) == whole
    for wrong in (("1" * 21, message), (number, b"x" * 255), ("a\0b", message)):
        with pytest.raises(ValueError, match="does not fit"):
            form.fill(*wrong)


# -- what peers send


def test_an_error_goes_without_a_body() -> None:
    assert len(encode(Pdu(Command.SUBMIT_SM_RESP, 0x58, 7))) == 16
    pdu = decode(frame(Command.SUBMIT_SM_RESP, 0x58, 7, b""))
    assert (pdu.status, pdu.body) == (0x58, {})


LENIENT = {
    "an id without its NUL": (frame(Command.SUBMIT_SM_RESP, 0, 1, b"abc"), {"message_id": "abc"}),
    "an answer without a body": (frame(Command.SUBMIT_SM_RESP, 0, 1, b""), {}),
    "padding behind the id": (frame(Command.SUBMIT_SM_RESP, 0, 1, b"abc\0\0\0"), {"message_id": "abc"}),
    "a long id": (frame(Command.SUBMIT_SM_RESP, 0, 1, b"x" * 90 + b"\0"), {"message_id": "x" * 90}),
    "rubbish behind an error": (frame(Command.BIND_TRANSCEIVER_RESP, 0x0E, 1, b"\xff\xff\xff\xff\xff"), None),
}


@pytest.mark.parametrize(("data", "body"), LENIENT.values(), ids=LENIENT.keys())
def test_sloppy_answers_are_read(data: bytes, body: dict[str, Any] | None) -> None:
    pdu = decode(data)
    assert body is None or pdu.body == body


def test_unknown_tlvs_are_kept() -> None:
    tlvs = ((0x1400, b"vendor"), (0x0424, b"payload"), (0xFFFF, b""))
    assert decode(encode(Pdu(Command.DELIVER_SM, 0, 1, {"source_addr": "1"}, tlvs))).tlvs == tlvs


BROKEN = {
    "an unknown command": (frame(0x00000ABC, 0, 9, b""), 0x03),
    "a submit that ends in the middle": (frame(Command.SUBMIT_SM, 0, 9, b"\0\0"), 0x02),
    "a message longer than its PDU": (encode(Pdu(Command.SUBMIT_SM, 0, 9))[:-1] + b"\x50", 0x01),
    "a TLV that runs over the end": (encode(Pdu(Command.SUBMIT_SM, 0, 9)) + b"\x04\x24\x00\x09abc", 0xC0),
}


@pytest.mark.parametrize(("data", "status"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_read_says_why(data: bytes, status: int) -> None:
    with pytest.raises(PeerFault) as fault:
        decode(data)
    assert (fault.value.status, fault.value.sequence, fault.value.fatal) == (status, 9, False)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(Command), st.integers(0, 2**32 - 1), st.binary(max_size=200))
def test_any_body_is_a_pdu_or_a_fault(command: Command, status: int, body: bytes) -> None:
    try:
        pdu = decode(frame(command, status, 1, body))
    except PeerFault:
        return
    dump(pdu)
    dump(pdu, clear=True)


# -- statuses (carriers, "Status | Name | Action as client")

ACTIONS = {
    "taken": ([0x00], "taken"),
    "busy": ([0x08, 0x64, 0x45, 0xFE, 0x58, 0x14, 0x04], "busy"),
    "the number or the text": ([0x0B, 0x01, 0x33, 0x34, 0x40, 0x44], "refused"),
    "the channel": ([0x0A, 0x43, 0x48, 0x49, 0x50, 0x51, 0x61, 0x62, 0x65, 0x66, 0x15], "barred"),
    "a vendor's": ([0x400, 0x4FF, 0x10000, 0x2A], "barred"),
}


@pytest.mark.parametrize(("statuses", "outcome"), ACTIONS.values(), ids=ACTIONS.keys())
def test_outcomes(statuses: list[int], outcome: str) -> None:
    assert {outcome_of(status).value for status in statuses} == {outcome}


def test_words() -> None:
    assert word_of(0x58) == "RTHROTTLED" and word_of(0x4A1) == "0x000004A1"
    assert all(word_of(status) == status.name for status in Status)


# -- dumps


def test_a_dump_shows_no_secret_and_no_text() -> None:
    bind = Pdu(Command.BIND_TRANSCEIVER, 0, 1, {"system_id": "me", "password": "hunter2"})
    submit = Pdu(Command.SUBMIT_SM, 0, 2, {"destination_addr": "8613812345678", "short_message": b"secret"})
    assert "hunter2" not in dump(bind) + dump(bind, clear=True)
    assert "13812345678" not in dump(submit) and "secret" not in dump(submit)
    assert "8613812345678" in dump(submit, clear=True) and b"secret".hex() in dump(submit, clear=True)
    assert dump(Pdu(Command.SUBMIT_SM_RESP, 0x58, 2)) == "submit_sm_resp seq=2 status=RTHROTTLED"
