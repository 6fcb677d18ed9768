"""The WSDL, read by zeep and looked at closely (contract, section 7); the pages beside it (section 1)."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from lxml import etree  # type: ignore[import-untyped]  # zeep builds its messages with it
from zeep import Client

from yizhan.model.operation import FAMILY, Operation
from yizhan.wire.pages import discovery, help_page, operation_page
from yizhan.wire.soap import read_envelope
from yizhan.wire.wsdl import write_wsdl

ADDRESS = 'http://127.0.0.1:8080/sdk2/LinkWS.asmx?a=1&b="<'
WSDL, S = "{http://schemas.xmlsoap.org/wsdl/}", "{http://www.w3.org/2001/XMLSchema}"
HTTP, MIME = "{http://schemas.xmlsoap.org/wsdl/http/}", "{http://schemas.xmlsoap.org/wsdl/mime/}"
INTL_SEND = FAMILY[0]


@pytest.fixture
def whole() -> ElementTree.Element:
    return ElementTree.fromstring(write_wsdl(ADDRESS, FAMILY))


def names(elements: list[ElementTree.Element]) -> list[str]:
    return [element.attrib["name"] for element in elements]


def zeep_of(folder: Path, wsdl: bytes) -> Any:
    path = folder / "LinkWS.wsdl"
    path.write_bytes(wsdl)
    return Client(str(path))  # type: ignore[no-untyped-call]


def test_zeep_reads_both_bindings(tmp_path: Path) -> None:
    service = zeep_of(tmp_path, write_wsdl("http://127.0.0.1:8080/sdk2/LinkWS.asmx")).wsdl.services["LinkWS"]
    assert list(service.ports)[:2] == ["LinkWSSoap", "LinkWSSoap12"]
    for port in ("LinkWSSoap", "LinkWSSoap12"):
        found = service.ports[port]
        assert found.binding_options["address"] == "http://127.0.0.1:8080/sdk2/LinkWS.asmx"
        operations = found.binding.all()
        assert list(operations) == [operation.name for operation in FAMILY]
        for operation in FAMILY:
            kinds = {name: "int" if name in operation.numeric else "string" for name in operation.parameters}
            signature = ", ".join(f"{name}: xsd:{kind}" for name, kind in kinds.items())
            assert operations[operation.name].input.signature() == signature
            result = f"{operation.name}Result: xsd:{operation.result}"
            assert operations[operation.name].output.signature() == result
            assert operations[operation.name].soapaction == f"http://tempuri.org/{operation.name}"


def test_zeep_writes_what_we_read(tmp_path: Path) -> None:

    client = zeep_of(tmp_path, write_wsdl("http://127.0.0.1:8080/LinkWS.asmx", FAMILY))
    for port in ("LinkWSSoap", "LinkWSSoap12"):
        service = client.bind("LinkWS", port)
        message = client.create_message(service, "IntlSend", CorpID="a", Content="您<好", Cell="")
        call = read_envelope(etree.tostring(message), "", "")
        assert call.operation is INTL_SEND
        assert {name: value for name, value in call.values.items() if value} == {"corpid": "a", "content": "您<好"}


def test_messages(whole: ElementTree.Element) -> None:
    kinds = ("Soap", "HttpGet", "HttpPost")
    expected = [f"{row.name}{kind}{way}" for kind in kinds for row in FAMILY for way in ("In", "Out")]
    messages = {message.attrib["name"]: message for message in whole.findall(f"{WSDL}message")}
    assert list(messages) == expected

    def parts(name: str) -> list[tuple[str, str]]:
        return [
            (part.attrib["name"], part.get("element") or part.attrib["type"])
            for part in messages[name].findall(f"{WSDL}part")
        ]

    assert parts("IntlSendSoapIn") == [("parameters", "tns:IntlSend")]
    assert parts("IntlSendSoapOut") == [("parameters", "tns:IntlSendResponse")]
    assert parts("IntlSendHttpGetIn") == [(name, "s:string") for name in INTL_SEND.parameters]
    assert parts("IntlSendHttpPostOut") == [("Body", "tns:string")]
    assert parts("SendHttpGetOut") == [("Body", "tns:int")]
    assert parts("HelloWorldHttpGetIn") == []


def test_schema(whole: ElementTree.Element) -> None:
    schema = whole.find(f"{WSDL}types/{S}schema")
    assert schema is not None
    assert schema.attrib == {"elementFormDefault": "qualified", "targetNamespace": "http://tempuri.org/"}
    elements = {element.attrib["name"]: element for element in schema}
    assert list(elements)[-2:] == ["int", "string"]
    assert elements["string"].attrib == {"name": "string", "nillable": "true", "type": "s:string"}
    sent = elements["IntlSend"].findall(f".//{S}element")
    assert names(sent) == list(INTL_SEND.parameters)
    assert {(element.attrib["minOccurs"], element.attrib["type"]) for element in sent} == {("0", "s:string")}

    def result(name: str) -> tuple[str, str]:
        (element,) = elements[f"{name}Response"].findall(f".//{S}element")
        assert element.attrib["name"] == f"{name}Result"
        return element.attrib["minOccurs"], element.attrib["type"]

    assert result("IntlSend") == ("0", "s:string")
    assert result("Send") == ("1", "s:int")
    assert elements["HelloWorld"].findall(f".//{S}element") == []


def test_port_types_bindings_and_ports(whole: ElementTree.Element) -> None:
    rows = [row.name for row in FAMILY]
    port_types = whole.findall(f"{WSDL}portType")
    assert names(port_types) == ["LinkWSSoap", "LinkWSHttpGet", "LinkWSHttpPost"]
    bindings = whole.findall(f"{WSDL}binding")
    assert names(bindings) == ["LinkWSSoap", "LinkWSSoap12", "LinkWSHttpGet", "LinkWSHttpPost"]
    shared = ["tns:LinkWSSoap", "tns:LinkWSSoap", "tns:LinkWSHttpGet", "tns:LinkWSHttpPost"]
    assert [binding.attrib["type"] for binding in bindings] == shared
    for holder in (*port_types, *bindings):
        assert names(holder.findall(f"{WSDL}operation")) == rows
    ports = whole.findall(f"{WSDL}service[@name='LinkWS']/{WSDL}port")
    assert names(ports) == names(bindings)
    assert [port.attrib["binding"] for port in ports] == [f"tns:{name}" for name in names(bindings)]
    assert {port[0].attrib["location"] for port in ports} == {ADDRESS}


@pytest.mark.parametrize(
    ("binding", "verb", "received"),
    [
        pytest.param(2, "GET", f"{HTTP}urlEncoded", id="get"),
        pytest.param(3, "POST", f"{MIME}content", id="post"),
    ],
)
def test_http_bindings(whole: ElementTree.Element, binding: int, verb: str, received: str) -> None:
    found = whole.findall(f"{WSDL}binding")[binding]
    assert found[0].tag == f"{HTTP}binding"
    assert found[0].attrib == {"verb": verb}
    operation = found[1]
    assert operation[0].attrib == {"location": "/IntlSend"}
    taken, given = operation.find(f"{WSDL}input"), operation.find(f"{WSDL}output")
    assert taken is not None
    assert given is not None
    assert taken[0].tag == received
    assert taken[0].get("type") == (None if verb == "GET" else "application/x-www-form-urlencoded")
    assert (given[0].tag, given[0].attrib) == (f"{MIME}mimeXml", {"part": "Body"})


def test_help_page_lists_the_operations_in_order() -> None:
    page = help_page(ADDRESS, FAMILY).decode()
    links = [page.index(f'<a href="?op={row.name}">{row.name}</a>') for row in FAMILY]
    assert links == sorted(links)
    assert '<a href="?wsdl">' in page
    assert "LinkWS.asmx?a=1&amp;b=&quot;&lt;" in page


@pytest.mark.parametrize("operation", [pytest.param(row, id=row.name) for row in FAMILY])
def test_operation_page_shows_the_four_ways(operation: Operation) -> None:
    page = operation_page(operation, "http://127.0.0.1:8080/sdk2/LinkWS.asmx").decode()
    titles = [page.index(f"<h2>{title}</h2>") for title in ("SOAP 1.1", "SOAP 1.2", "HTTP GET", "HTTP POST")]
    assert titles == sorted(titles)
    assert f"SOAPAction: &quot;http://tempuri.org/{operation.name}&quot;" in page
    assert "Host: 127.0.0.1:8080" in page
    assert f"POST /sdk2/LinkWS.asmx/{operation.name} HTTP/1.1" in page
    for name in operation.parameters:
        assert page.count(f"&lt;{name}&gt;string&lt;/{name}&gt;") == 2
    assert f"&lt;{operation.name}Result&gt;{operation.result.value}&lt;/{operation.name}Result&gt;" in page
    assert f"&lt;{operation.result.value} xmlns=&quot;http://tempuri.org/&quot;&gt;" in page


@pytest.mark.parametrize("address", ["http://[broken", "", "http://a/<script>\x00", "//x"])
def test_pages_hold_any_address(address: str) -> None:
    for page in (help_page(address), operation_page(INTL_SEND, address)):
        assert b"<script>" not in page
    for document in (discovery(address), write_wsdl(address)):
        ElementTree.fromstring(document)


def test_discovery() -> None:
    root = ElementTree.fromstring(discovery(ADDRESS))
    assert root.tag == "{http://schemas.xmlsoap.org/disco/}discovery"
    contract, *ports = root
    assert contract.attrib == {"ref": f"{ADDRESS}?wsdl", "docRef": ADDRESS}
    assert [port.attrib["binding"] for port in ports] == ["q1:LinkWSSoap", "q2:LinkWSSoap12"]
    assert {port.attrib["address"] for port in ports} == {ADDRESS}
