"""What each module of ``wire`` promises about bytes from strangers: one function each, which garbage must not break.

``atheris`` crawls over them in a process of its own (``fuzz.crawl``), ``make test`` gives them mutants. The first byte
of a form's input chooses its options, and a NUL divides what takes two pieces.
"""

import json
from collections.abc import Callable
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import httptools

from yizhan.model.operation import find_operation
from yizhan.model.submission import Encoding
from yizhan.wire.charset import Charset, decode, decode_cleanly, encode_cp936, find_charset
from yizhan.wire.content_sms import read_items, write_results
from yizhan.wire.form import MAX_NAMES, decode_call
from yizhan.wire.multipart import read_multipart
from yizhan.wire.segment import choose_encoding, count_units, split
from yizhan.wire.session import Asked, Role, Session
from yizhan.wire.smpp.codec import Pdu, frame
from yizhan.wire.smpp.dialect import SMPP34
from yizhan.wire.smpp.dump import dump
from yizhan.wire.smpp.receipts import IdSpelling, keys_of_report, read_receipt
from yizhan.wire.smpp.table import Command
from yizhan.wire.smpp.texts import read_text
from yizhan.wire.soap import SoapFault, SoapVersion, read_envelope, write_answer, write_fault
from yizhan.wire.target import repair_request_line

_CHARSETS = tuple(Charset)
_MOST_ITEMS = 50


def form(data: bytes) -> None:
    """Garbage as a query or a form gives parameters with lower-case names, nothing else."""
    options, (first, second) = data[:1].hex(), _halves(data[1:])
    kinds = {"0": "", "1": "application/x-www-form-urlencoded; charset=gbk", "2": first.decode("latin-1")}
    values = decode_call(
        utf8_path=options[1:] in "02468ace",
        query=first,
        content_type=kinds.get(options[:1], "multipart/form-data; boundary=XX"),
        body=second,
        form_wins=options[1:] in "01234567",
    )
    assert len(values) <= 2 * MAX_NAMES
    for name, value in values.items():
        assert name == name.lower()
        _is_text(name, value)


def envelope(data: bytes) -> None:
    """Garbage as an envelope gives a call or a fault of the client's, and its answer is well-formed; nothing else."""
    content_type, body = _halves(data)
    try:
        call = read_envelope(body or data, content_type.decode("latin-1"), "")
    except SoapFault as fault:
        assert fault.code.word(SoapVersion.V1_1) != "Server"
        assert fault.status == 500 or (fault.status, fault.code.value) == (400, "Client")
        ET.fromstring(write_fault(fault))
        return
    assert find_operation(call.operation.name) is call.operation
    for name, value in call.values.items():
        assert name == name.lower()
        _is_text(name, value)
        ET.fromstring(write_answer(call.version, call.operation, value))


def target(data: bytes) -> None:
    """Garbage as a request line is beyond repair, or its path and query become ones that a strict parser takes."""
    repaired = repair_request_line(data)
    if repaired is None or repaired.method == b"CONNECT":  # that one is 405, whatever its target
        return
    again = repair_request_line(repaired.line)
    assert again is not None
    assert (again.line, again.method) == (repaired.line, repaired.method)
    assert unquote_to_bytes(again.path) == unquote_to_bytes(repaired.path)
    assert repaired.line.isascii()
    assert repaired.line.count(b" ") == 2
    assert repaired.query in data, "the query as it was sent"
    if repaired.method in (b"GET", b"HEAD", b"POST") and b" /" in repaired.line:  # a host may still be none
        httptools.HttpRequestParser(object()).feed_data(repaired.line + b"\r\nHost: a\r\nContent-Length: 0\r\n\r\n")


def multipart(data: bytes) -> None:
    """Garbage as a multipart body gives named texts, nothing else."""
    content_type, body = _halves(data)
    chosen = _CHARSETS[len(data) % len(_CHARSETS)]
    for kind in (content_type.decode("latin-1"), "multipart/form-data; boundary=XX"):
        for name, value in read_multipart(body, kind, chosen):
            assert name
            _is_text(name, value)


def items(data: bytes) -> None:
    """Garbage as the JSON of BatchContentSms gives None or a list of messages, and their results are JSON."""
    found = read_items(decode(data, Charset.UTF_8), _MOST_ITEMS)
    if found is None:
        return
    assert 1 <= len(found) <= _MOST_ITEMS
    for item in found:
        assert set(item.values) == {"content", "mobile", "cell", "sendtime"}
        _is_text(item.id, *item.values.values())
    written = write_results([(item.id, "-2") for item in found])
    assert json.loads(written) == [{"ID": item.id, "Result": "-2"} for item in found]


def segments(data: bytes) -> None:
    """Garbage as a text gives parts that fit and, joined, are the text; nothing else."""
    text = decode(data, Charset.DETECT)
    parts = split(text)
    encoding = choose_encoding(text)
    single, room = (160, 153) if encoding is Encoding.GSM7 else (70, 67)
    assert "".join(parts) == text
    assert len(parts) == 1 or all(parts)
    assert all(count_units(part, encoding) <= (room if len(parts) > 1 else single) for part in parts)
    _is_text(*parts)


def charset(data: bytes) -> None:
    """Garbage in any charset gives a text that UTF-8 and code page 936 can write, nothing else."""
    find_charset(data.decode("latin-1"))
    for one in _CHARSETS:
        text = decode(data, one)
        cleanly = decode_cleanly(data, one)
        assert cleanly in (None, text)
        _is_text(text)
        assert len(encode_cp936(text)) <= 2 * len(text)


def session(data: bytes) -> None:
    """Garbage on a bound session gives events or ends it, whole or byte by byte, in bounded memory; nothing else."""
    told = []
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        machine: Session[Pdu, int] = Session(SMPP34, Role.CLIENT, 0.0, window=4)
        machine.bind(Pdu(Command.BIND_TRANSCEIVER), 0.0)
        machine.receive_data(frame(Command.BIND_TRANSCEIVER_RESP, 0, 1, b"a\0"), 0.0)
        for token in range(4):
            machine.request(Pdu(Command.SUBMIT_SM), token, 0.0)
        machine.take()
        events = [event for piece in pieces for event in machine.receive_data(piece, 0.0)]
        for event in events:
            if isinstance(event, Asked):
                machine.answer(event.pdu)
                dump(event.pdu, clear=True)
        ends = [type(event).__name__ for event in events]
        assert all(end not in ("Broken", "Unbound") for end in ends[:-1]), "the end comes last"
        told.append((ends, machine.take(), machine.phase))
    assert told[0] == told[1]


def receipt(data: bytes) -> None:
    """Garbage as a deliver_sm gives a text that can be stored, and a receipt with a word or none; nothing else."""
    kind, rest = data[:2].ljust(2, b"\0"), data[2:]
    short, payload = _halves(rest)
    said = read_text(kind[0], kind[1], short, payload or None, tlvs=((0x020E, short[:1]), (0x020F, payload[:1])))
    if said.part is None:
        _is_text(said.text)
    found = read_receipt(said.text, short.decode("latin-1"), kind[0])
    if found is not None:
        assert 0 < len(found.word) <= 32
        assert all(key == key.upper() for key in keys_of_report(found.carrier_id, tuple(IdSpelling)))


def _halves(data: bytes) -> tuple[bytes, bytes]:
    first, _, second = data.partition(b"\0")
    return first, second


def _is_text(*texts: str) -> None:
    """Lone surrogates cannot be stored or sent."""
    for text in texts:
        text.encode("utf-8")


CONTRACTS: dict[str, Callable[[bytes], None]] = {
    "form": form,
    "envelope": envelope,
    "target": target,
    "multipart": multipart,
    "items": items,
    "segments": segments,
    "charset": charset,
    "session": session,
    "receipt": receipt,
}
