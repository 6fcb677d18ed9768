"""Client programs of foreign stacks make their round: they send, and fetch the reply and the reports.

The scripts in ``tests/peers`` call as their users call and check what those check; here the store is looked at beside.
"""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from peers.roster import PEERS, Peer
from peers.schemas import answer_schema, wsdl_errors

from .program import TEXT, Customer, Program, form, md5

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
NUMBER = re.compile(r"-?[1-9][0-9]*|0")
SOAP = {
    "soap11": ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
    "soap12": ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
}


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_a_round(gateway: Program, peer: Peer) -> None:
    if why := peer.missing():
        pytest.skip(why)
    customer = gateway.account(peer.name, credit=50)
    sent = peer.run("send", gateway.url, customer.corp_id, customer.password, TEXT)
    ids = look_at_what_was_sent(peer, sent)
    look_at_the_store(gateway, peer, customer, ids)
    gateway.wait_for("delivered", 4, account=customer.corp_id)
    reply = {"number": "13800000000", "to": "1069000012", "text": "收到"}
    gateway.api("POST", "/simulator/replies", json=reply)
    fetched = peer.run("fetch", gateway.url, customer.corp_id, customer.password, TEXT)
    look_at_what_was_fetched(gateway, peer, customer, fetched)


def look_at_what_was_sent(peer: Peer, saw: dict[str, Any]) -> tuple[int, int]:
    """The answers as the peer's users see them: the ids of BatchSend2 and of IntlSend."""
    whole = int if peer.typed else str
    ids = saw.pop("batch_send2"), saw.pop("intl_send")
    assert saw == {
        "send": whole(0),
        "sel_sum": whole(48),
        "sel_sum_again": whole(-101),
        "unsigned": "-7",
        "empty": "-22",
        "balance": "46",
        "nothing": peer.stack.empty,
    }
    assert all(NUMBER.fullmatch(answer) and int(answer) >= 100_000_000 for answer in ids)
    return int(ids[0]), int(ids[1])


def look_at_the_store(gateway: Program, peer: Peer, customer: Customer, ids: tuple[int, int]) -> None:
    """Each text as it was sent, each call by the right transport, the Cell with the first one."""
    messages = gateway.messages(account=customer.corp_id)
    assert {message["text"] for message in messages} == {TEXT}
    numbers = {(message["submission"], message["written"]) for message in messages}
    assert {(ids[0], "13800000000"), (ids[1], "13800000000"), (ids[1], "13900000000")} < numbers
    assert len(messages) == len(numbers) == 4
    rows = gateway.query(
        "SELECT operation, transport, cell FROM submissions JOIN accounts ON accounts.id = account_id "
        f"WHERE corp_id = '{customer.corp_id}' ORDER BY submissions.id"
    )
    calls = (("BatchSend2", "12"), ("Send", ""), ("IntlSend", ""))
    assert rows == [(operation, peer.transport, cell) for operation, cell in calls]


def look_at_what_was_fetched(gateway: Program, peer: Peer, customer: Customer, saw: dict[str, Any]) -> None:
    """Reply and reports in the formats of section 9, once."""
    assert re.fullmatch(rf"\|\|13800000000#收到#{TIME}#12", saw["replies"])
    assert saw["replies_again"] == "-101"
    assert saw["reports"].endswith("|||")
    rows = [row.split("$$$$$") for row in saw["reports"].removesuffix("|||").split("|||")]
    messages = gateway.messages(account=customer.corp_id)
    expected = [[str(message["submission"]), message["written"], "1", "DELIVRD"] for message in messages]
    assert sorted([row[0], row[1], row[3], row[4]] for row in rows) == sorted(expected)
    assert all(len(row) == 6 and re.fullmatch(TIME, row[2]) and re.fullmatch(TIME, row[5]) for row in rows)
    assert saw["reports_again"] == peer.stack.empty


@pytest.fixture(scope="module")
def wsdl(gateway: Program) -> str:
    """The WSDL as it is served."""
    return httpx.get(f"{gateway.url}LinkWS.asmx?wsdl").text


def test_the_wsdl_is_valid(wsdl: str) -> None:
    assert wsdl_errors(wsdl) == []


BROKEN = {
    "a message that is not there": ('message="tns:GetSoapIn"', 'message="tns:GoneSoapIn"'),
    "an element that is not there": ('element="tns:GetResponse"', 'element="tns:GoneResponse"'),
    "a port without its binding": ('binding="tns:LinkWSHttpGet"', 'binding="tns:Gone"'),
    "an element out of place": ("wsdl:portType", "wsdl:portTypes"),
    "SOAP 1.1, an attribute": ("<soap:address location", "<soap:address url"),
    "SOAP 1.2, an element": ("<soap12:body", "<soap12:bodies"),
    "SOAP 1.2, a value": ('<soap12:body use="literal"', '<soap12:body use="literally"'),
    "HTTP, an attribute": ("<http:operation location", "<http:operation url"),
    "MIME, an element": ("<mime:mimeXml", "<mime:mimeXML"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_wsdl_would_be_noticed(wsdl: str, change: tuple[str, str]) -> None:
    assert change[0] in wsdl
    assert wsdl_errors(wsdl.replace(*change))


Body = Callable[[Program, str, dict[str, str]], ET.Element]


def by_soap(version: str) -> Body:
    """The one element in the body of the answer."""

    def ask(gateway: Program, operation: str, values: dict[str, str]) -> ET.Element:
        namespace, content_type = SOAP[version]
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
        envelope = (
            f'<s:Envelope xmlns:s="{namespace}"><s:Body><{operation} xmlns="http://tempuri.org/">{fields}'
            f"</{operation}></s:Body></s:Envelope>"
        )
        headers = {"content-type": content_type}
        answer = httpx.post(f"{gateway.url}LinkWS.asmx", content=envelope.encode(), headers=headers)
        (body,) = ET.fromstring(answer.content)
        (element,) = body
        return element

    return ask


def by_asmx(gateway: Program, operation: str, values: dict[str, str]) -> ET.Element:
    """The whole answer."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    url = f"{gateway.url}LinkWS.asmx/{operation}"
    return ET.fromstring(httpx.post(url, content=form(**values), headers=headers).content)


@pytest.mark.parametrize("ask", [by_soap("soap11"), by_soap("soap12"), by_asmx], ids=["soap11", "soap12", "asmx"])
def test_answers_are_valid(gateway: Program, wsdl: str, ask: Body, request: pytest.FixtureRequest) -> None:
    schema = answer_schema(wsdl)
    customer = gateway.account(f"valid {request.node.callspec.id}", credit=10)
    who = {"CorpID": customer.corp_id, "Pwd": customer.password}
    call = {**who, "Mobile": "13800000000", "Content": TEXT, "Cell": "", "SendTime": ""}
    answers = [
        ask(gateway, "BatchSend2", call),
        ask(gateway, "Send", call),
        ask(gateway, "IntlSend", {**call, "Pwd": md5(customer.password)}),
        ask(gateway, "BatchSend2", {**call, "Mobile": ""}),
        *(ask(gateway, operation, who) for operation in ("SelSum", "SelSum", "Get", "NotSend", "GetReportFail")),
    ]
    gateway.wait_for("delivered", 3, account=customer.corp_id)
    answers.append(ask(gateway, "GetReportSMS", who))
    assert "DELIVRD" in "".join(answers[-1].itertext())
    for answer in answers:
        schema.validate(answer)
