"""Whatever arrives gets an answer of the closed set, and what is refused is not half charged."""

import random
import socket
import time

import httpx
import pytest

from .program import TEXT, Customer, Program, form, md5

DEMO = Customer("demo", "demo")
CALL = {"CorpID": "demo", "Pwd": md5("demo"), "Mobile": "13800000000", "Content": TEXT}
CODES = {f"-{code}" for code in (*range(1, 4), *range(5, 13), *range(20, 24), *range(100, 104))}
HTTP_SET = {200, 400, 404, 405, 408, 413, 414, 431, 500}
ENVELOPE = (
    '<?xml version="1.0"?>{doctype}<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<IntlSend xmlns="http://tempuri.org/"><CorpID>demo</CorpID>{inside}</IntlSend></soap:Body></soap:Envelope>'
)
BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'

SOAP_CASES = {
    "DOCTYPE": (ENVELOPE.format(doctype="<!DOCTYPE a>", inside=""), 400),
    "entity bomb": (ENVELOPE.format(doctype=BOMB, inside="<Content>&c;</Content>"), 400),
    "external entity": (
        ENVELOPE.format(doctype='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', inside="<Cell>&x;</Cell>"),
        400,
    ),
    "200,000 deep": ("<a>" * 200_000, 400),
    "200,000 deep inside": (ENVELOPE.format(doctype="", inside="<a>" * 200_000), 400),
    "no XML": ("not xml at all", 400),
    "empty": ("", 400),
    "NUL": (ENVELOPE.format(doctype="", inside="<Cell>\0</Cell>"), 400),
    "unknown operation": (ENVELOPE.format(doctype="", inside="").replace("IntlSend", "Nothing"), 500),
}


@pytest.mark.parametrize(("body", "status"), SOAP_CASES.values(), ids=SOAP_CASES.keys())
def test_hostile_envelopes_are_faults(gateway: Program, body: str, status: int) -> None:
    before = gateway.fingerprint()
    begun = time.monotonic()
    response = httpx.post(f"{gateway.url}LinkWS.asmx", content=body.encode(), headers={"content-type": "text/xml"})
    assert response.status_code == status
    assert "<faultcode>soap:Client</faultcode>" in response.text
    assert "root:" not in response.text
    assert time.monotonic() - begun < 5
    assert gateway.fingerprint() == before


FORM_CASES = {
    "truncated escapes": (form(**{**CALL, "Content": ""}) + b"%E4%B", "-7"),
    "NUL in the account": (form(**{**CALL, "CorpID": "de\0mo"}), "-1"),
    "a lone surrogate": (form(**{**CALL, "Content": ""}) + b"%uD800%u3010%u6D4B%u3011", None),
    "undecodable bytes": (form(**{**CALL, "Content": ""}) + b"\xff\xfe\xff\x81", "-7"),
    "100,000 numbers": (form(**{**CALL, "Mobile": ""}) + b"&mobile=" + b"1,13800000000" * 70_000, "-2"),
    "SQL in every field": (form(**dict.fromkeys(CALL, "'; DROP TABLE accounts; --")), "-23"),
    "SQL as the account": (form(**{**CALL, "CorpID": "' OR 1=1 --"}), "-1"),
    "full-width digits": (form("gb18030", **{**CALL, "Mobile": "１３８００００００００"}), "-9"),
    "SendTime of full-width digits": (form("gb18030", **CALL, SendTime="２０９９１２３１２３５９５９"), "-6"),
    "Cell of Arabic digits": (form("utf-8", **CALL, Cell="١٢٣"), "-2"),
}


@pytest.mark.parametrize(("body", "answer"), FORM_CASES.values(), ids=FORM_CASES.keys())
def test_hostile_forms_are_codes(gateway: Program, body: bytes, answer: str | None) -> None:
    before = gateway.fingerprint()
    response = gateway.post("IntlSend", body)
    assert response.status_code == 200
    if answer is None:
        assert int(response.text) > 0
        assert gateway.messages(submission=int(response.text))[0]["text"] == "\ufffd【测】"
    else:
        assert response.text == answer
        assert gateway.fingerprint() == before


def test_ten_megabytes_are_refused_in_words(gateway: Program) -> None:
    before = gateway.fingerprint()
    response = gateway.post("IntlSend", b"x" * 10_000_000)
    assert response.status_code == 413
    assert gateway.fingerprint() == before


def test_two_lengths_are_refused(gateway: Program) -> None:
    body = form(**CALL)
    request = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nContent-Length: 3\r\n\r\n" % len(
        body
    )
    before = gateway.fingerprint()
    assert ask(gateway, request + body).startswith(b"HTTP/1.1 400 ")
    assert gateway.fingerprint() == before


def ask(gateway: Program, request: bytes) -> bytes:
    """What the gateway answers to raw bytes when nothing more comes; empty when it just closes."""
    with socket.create_connection(gateway.address, timeout=10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("seed", range(40))
def test_mutated_calls_get_an_answer_of_the_closed_set(gateway: Program, seed: int) -> None:
    chance = random.Random(seed)
    body = form(**CALL)
    request = bytearray(
        b"POST /sdk2/IntlSend.aspx?cell=1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    )
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(request))
        request[place : place + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 3))
    answer = ask(gateway, bytes(request))
    if answer:
        head, _, said = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        assert status in HTTP_SET
        if status == 200:  # what a mutated length has left over may be answered behind it
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            assert said[:length].decode() in CODES or int(said[:length]) > 0
    assert gateway.post("GetBalance", b"").text == "-20"
