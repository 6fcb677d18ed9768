"""SOAP calls in, answers and faults out (contract, sections 2 and 7)."""

import random
import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.operation import FAMILY, Operation, ResultType
from yizhan.wire.soap import (
    FaultCode,
    SoapCall,
    SoapFault,
    SoapVersion,
    content_type_of,
    read_envelope,
    write_answer,
    write_fault,
)

NS11, NS12 = SoapVersion.V1_1.namespace, SoapVersion.V1_2.namespace
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
INTL_SEND, GET_BALANCE = FAMILY[:2]
CALL = '<GetBalance xmlns="http://tempuri.org/"><CorpID>a</CorpID><Pwd>b</Pwd></GetBalance>'
VALUES = {"corpid": "a", "pwd": "b"}


def envelope(call: str = CALL, header: str = "", namespace: str = NS11, prolog: str = "") -> str:
    return f'{prolog}<s:Envelope xmlns:s="{namespace}">{header}<s:Body>{call}</s:Body></s:Envelope>'


def read(document: str | bytes, content_type: str = "text/xml; charset=utf-8", action: str = "") -> SoapCall:
    return read_envelope(document.encode() if isinstance(document, str) else document, content_type, action)


def fault_of(document: str | bytes, content_type: str = "text/xml; charset=utf-8", action: str = "") -> SoapFault:
    with pytest.raises(SoapFault) as caught:
        read(document, content_type, action)
    return caught.value


def call(inside: str, more: str = "") -> str:
    return f'<GetBalance xmlns="http://tempuri.org/" {XSI} {more}>{inside}</GetBalance>'


RPC = f"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="{NS11}" xmlns:ns1="http://tempuri.org/" {XSI}
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/"
    SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
  <SOAP-ENV:Body>
    <ns1:GetBalance>
      <CorpID xsi:type="xsd:string">a</CorpID>
      <Pwd xsi:type="xsd:string">b</Pwd>
    </ns1:GetBalance>
  </SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""
AXIS = """<ns1:GetBalance xmlns:ns1="http://tempuri.org/"><CorpID href="#id0"/><Pwd href="#id1"/></ns1:GetBalance>
<multiRef id="id1" SOAP-ENC:root="0" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/">b</multiRef>
<multiRef id="id0" SOAP-ENC:root="0" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/">a</multiRef>"""
SHARED_FIRST = """<x id="i" e:root="0" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/">b</x>
<GetBalance><CorpID>a</CorpID><Pwd href="#i"/></GetBalance>"""
DEFAULT_XMLNS = f'<Envelope xmlns="{NS11}"><Body>{CALL}</Body></Envelope>'


@pytest.mark.parametrize(
    ("document", "values"),
    [
        pytest.param(envelope(), VALUES, id="prefix"),
        pytest.param(DEFAULT_XMLNS, VALUES, id="default xmlns"),
        pytest.param(RPC, VALUES, id="rpc/encoded"),
        pytest.param(envelope(AXIS), VALUES, id="axis multiref"),
        pytest.param(envelope(SHARED_FIRST), VALUES, id="shared value before the call"),
        pytest.param(
            envelope("<GetBalance><Pwd>b</Pwd><CorpID>a</CorpID></GetBalance>"), VALUES, id="no ns, any order"
        ),
        pytest.param(
            envelope(
                '<q:GetBalance xmlns:q="urn:other"><q:CORPID>a</q:CORPID><z:pwd xmlns:z="u">b</z:pwd></q:GetBalance>'
            ),
            VALUES,
            id="other namespaces and cases",
        ),
        pytest.param(envelope(call("<CorpID/><Pwd></Pwd>")), {"corpid": "", "pwd": ""}, id="empty"),
        pytest.param(envelope(call('<CorpID xsi:nil="true"/>')), {"corpid": ""}, id="nil"),
        pytest.param(envelope(call('<CorpID xsi:nil="1">x</CorpID>')), {"corpid": ""}, id="nil with a text"),
        pytest.param(
            envelope(call('<CorpID nil="1">x</CorpID>')), {"corpid": "x"}, id="an attribute that only sounds so"
        ),
        pytest.param(envelope(call('<CorpID href="#none"/>')), {"corpid": ""}, id="reference to nothing"),
        pytest.param(envelope(call("")), {}, id="absent"),
        pytest.param(envelope("<GetBalance/>"), {}, id="no parameters"),
        pytest.param(envelope(call("<X>1</X><CorpID>a</CorpID>")), {"x": "1", "corpid": "a"}, id="unknown ones"),
        pytest.param(envelope(call("<Pwd>1</Pwd><pwd>2</pwd>")), {"pwd": "1,2"}, id="repeated"),
        pytest.param(envelope(call("<Pwd>a&lt;&#20320;<!-- x --><![CDATA[<&]]></Pwd>")), {"pwd": "a<你<&"}, id="cdata"),
        pytest.param(envelope(call("<Pwd> a <b>c</b> d</Pwd>")), {"pwd": " a  d"}, id="direct text only"),
        pytest.param(envelope("<getbalance><Pwd>b</Pwd></getbalance>"), {"pwd": "b"}, id="operation in any case"),
        pytest.param(envelope(header="<s:Header><t xmlns='u'><CorpID>z</CorpID></t></s:Header>"), VALUES, id="header"),
        pytest.param(
            envelope(header="<s:Header><t s:mustUnderstand='0'/><u mustUnderstand='1'/></s:Header>"),
            VALUES,
            id="headers that need not be understood",
        ),
        pytest.param(
            envelope("<!-- x --><?p i?>" + CALL + "<other><CorpID>z</CorpID></other>"), VALUES, id="more in it"
        ),
    ],
)
def test_calls(document: str, values: dict[str, str]) -> None:
    assert read(document) == SoapCall(SoapVersion.V1_1, GET_BALANCE, values)


def test_soap_12_by_the_namespace_of_the_envelope() -> None:
    for content_type in ("application/soap+xml; charset=utf-8", "text/xml", ""):
        assert read(envelope(namespace=NS12), content_type).version is SoapVersion.V1_2
    assert read(envelope(), "application/soap+xml").version is SoapVersion.V1_1


@pytest.mark.parametrize(
    ("inside", "content_type", "action", "operation"),
    [
        pytest.param(CALL, "text/xml", '"http://tempuri.org/IntlSend"', GET_BALANCE, id="the element decides"),
        pytest.param(CALL, "text/xml", '""', GET_BALANCE, id="empty action"),
        pytest.param("<In/>", "text/xml", '"http://tempuri.org/IntlSend"', INTL_SEND, id="quoted action"),
        pytest.param("<In/>", "text/xml", "http://tempuri.org/IntlSend", INTL_SEND, id="unquoted action"),
        pytest.param("<In/>", "text/xml", "urn:x#intlsend", INTL_SEND, id="fragment, any case"),
        pytest.param("<In/>", "text/xml", "IntlSend", INTL_SEND, id="bare name"),
        pytest.param("", "text/xml", "http://tempuri.org/IntlSend", INTL_SEND, id="empty body"),
        pytest.param("<In/>", 'application/soap+xml; action="http://tempuri.org/IntlSend"', "", INTL_SEND, id="1.2"),
    ],
)
def test_which_operation(inside: str, content_type: str, action: str, operation: Operation) -> None:
    assert read(envelope(inside), content_type, action).operation is operation


def prologued(encoding: str, codec: str) -> bytes:
    text = envelope(call("<Pwd>您好é</Pwd>"), prolog=f'<?xml version="1.0" encoding="{encoding}"?>\n')
    return text.encode(codec)


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        pytest.param(prologued("utf-8", "utf-8-sig"), "text/xml; charset=gb2312", id="the mark beats everything"),
        pytest.param(prologued("utf-16", "utf-16"), "text/xml", id="utf-16 with a mark"),
        pytest.param(prologued("utf-16", "utf-16-be"), "text/xml", id="utf-16 big endian without a mark"),
        pytest.param(prologued("utf-16", "utf-16-le"), 'text/xml; charset="utf-16"', id="utf-16 by the type"),
        pytest.param(prologued("utf-8", "gb18030"), "text/xml; charset=gb2312", id="the type beats the prolog"),
        pytest.param(prologued("gb2312", "utf-8"), "text/xml; charset=utf-8", id="the type beats the prolog again"),
        pytest.param(prologued("gb2312", "gb18030"), "text/xml", id="prolog"),
        pytest.param(prologued("GBK", "gb18030"), "text/xml; charset=klingon", id="an unknown type counts as none"),
        pytest.param(prologued("klingon", "utf-8"), "", id="an unknown prolog is utf-8"),
        pytest.param(prologued("utf-16", "utf-8"), "text/xml", id="a prolog that cannot be true is utf-8"),
        pytest.param(prologued("UTF-8", "utf-8").replace(b'"', b"'"), "text/xml", id="single quotes"),
        pytest.param(envelope(call("<Pwd>您好é</Pwd>")).encode(), "", id="nothing said is utf-8"),
    ],
)
def test_charsets(document: bytes, content_type: str) -> None:
    assert read(document, content_type).values == {"pwd": "您好é"}


DEEP = "<a>" * 32 + "</a>" * 32
ATTRIBUTES = "".join(f' a{number}="x"' for number in range(65))
DECLARED = "".join(f' xmlns:a{number}="x"' for number in range(65))


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        pytest.param(b"", "text/xml", id="empty"),
        pytest.param(b"CorpID=a&Pwd=b", "application/x-www-form-urlencoded", id="a form"),
        pytest.param(envelope()[:-3].encode(), "text/xml", id="cut off"),
        pytest.param(envelope().encode() + b"<a/>", "text/xml", id="two roots"),
        pytest.param(b"  <!-- open", "text/xml", id="open comment"),
        pytest.param(b"  <?open", "text/xml", id="open instruction"),
        pytest.param(envelope(call("<p:Pwd/>")).encode(), "text/xml", id="unbound prefix"),
        pytest.param(envelope(call("<Pwd>a\0b</Pwd>")).encode(), "text/xml", id="NUL"),
        pytest.param(envelope(call("<Pwd>&#0;</Pwd>")).encode(), "text/xml", id="NUL by reference"),
        pytest.param(envelope(call("<Pwd>&#xD800;</Pwd>")).encode(), "text/xml", id="surrogate by reference"),
        pytest.param(envelope(call("<Pwd>\ud800</Pwd>")).encode("utf-8", "surrogatepass"), "text/xml", id="surrogate"),
        pytest.param(envelope(call("<Pwd>&nbsp;</Pwd>")).encode(), "text/xml", id="unknown entity"),
        pytest.param(envelope(call("<Pwd>您</Pwd>")).encode("gbk"), "text/xml; charset=utf-8", id="not utf-8"),
        pytest.param(envelope(call("<Pwd>\xff</Pwd>")).encode("latin-1"), "text/xml; charset=gbk", id="not gbk"),
        pytest.param(b"\xff\xfe<", "text/xml", id="half a utf-16 unit"),
        pytest.param(b"<!DOCTYPE a>" + envelope().encode(), "text/xml", id="doctype"),
        pytest.param(b"<?xml version='1.0'?> <!-- x --><!DOCTYPE a []>" + envelope().encode(), "text/xml", id="behind"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "text/xml", id="external"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 9999 + b'">]><a>' + b"&b;" * 99 + b"</a>", "", id="bomb"),
        pytest.param(envelope(DEEP).encode(), "text/xml", id="too deep"),
        pytest.param(envelope(f"<a{ATTRIBUTES}/>").encode(), "text/xml", id="65 attributes"),
        pytest.param(envelope(f"<a{DECLARED}/>").encode(), "text/xml", id="65 namespaces"),
        pytest.param(envelope(f"<a xmlns='{'u' * 300}'/>").encode(), "text/xml", id="long namespace"),
        pytest.param(envelope("<a/>" * 5000).encode(), "text/xml", id="too many elements"),
        pytest.param(envelope(f"<a b='{'x' * 300_000}'/>").encode(), "text/xml", id="long tag"),
    ],
)
def test_bad_xml_is_a_400(document: bytes, content_type: str) -> None:
    fault = fault_of(document, content_type)
    assert (fault.status, fault.code, fault.version) == (400, FaultCode.CLIENT, SoapVersion.V1_1)


def test_what_is_just_allowed() -> None:
    deep = "<a>" * 28 + "</a>" * 28  # below envelope, body, operation and parameter: 32
    attributes = "".join(f' a{number}="x"' for number in range(64))
    text = "1" * 900_000
    values = read(envelope(f"<GetBalance{attributes}><CorpID>{deep}</CorpID><Pwd>{text}</Pwd></GetBalance>")).values
    assert values == {"corpid": "", "pwd": text}
    assert read(envelope(call("<Pwd><![CDATA[<!DOCTYPE a>]]></Pwd>"))).values == {"pwd": "<!DOCTYPE a>"}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("<a>" * 200_000, id="nesting"),
        pytest.param(envelope("<a>" * 300_000), id="nesting in an envelope"),
        pytest.param("<a " + " ".join(f"b{number}='1'" for number in range(80_000)) + "/>", id="attributes"),
        pytest.param("<a " + " ".join(f"xmlns:b{number}='u'" for number in range(50_000)) + "/>", id="namespaces"),
        pytest.param(f"<a xmlns='{'u' * 400_000}'>" + "<b/>" * 150_000 + "</a>", id="a namespace in every name"),
        pytest.param("<!---->" * 150_000, id="comments"),
        pytest.param(" " * 1_000_000, id="spaces"),
        pytest.param("<" + "x" * 1_000_000, id="a name"),
    ],
)
def test_hostile_documents_are_refused_at_once(document: str) -> None:
    started = time.process_time()
    assert fault_of(document).status == 400
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("document", "content_type", "code", "version"),
    [
        pytest.param(envelope("<Nope/>"), "", FaultCode.CLIENT, SoapVersion.V1_1, id="unknown operation"),
        pytest.param(envelope("<Nope/>", namespace=NS12), "", FaultCode.CLIENT, SoapVersion.V1_2, id="in 1.2"),
        pytest.param(envelope(""), "", FaultCode.CLIENT, SoapVersion.V1_1, id="nothing in the body"),
        pytest.param(f'<E:Envelope xmlns:E="{NS11}"/>', "", FaultCode.CLIENT, SoapVersion.V1_1, id="no body"),
        pytest.param("<a/>", "", FaultCode.CLIENT, SoapVersion.V1_1, id="no envelope"),
        pytest.param("<a/>", "application/soap+xml", FaultCode.CLIENT, SoapVersion.V1_2, id="no envelope, 1.2"),
        pytest.param(envelope(namespace="u"), "", FaultCode.VERSION_MISMATCH, SoapVersion.V1_1, id="other namespace"),
        pytest.param(
            "<Envelope><Body/></Envelope>",
            "application/soap+xml",
            FaultCode.VERSION_MISMATCH,
            SoapVersion.V1_1,
            id="none",
        ),
        pytest.param(
            envelope(header="<s:Header><t s:mustUnderstand='1'/></s:Header>"),
            "",
            FaultCode.MUST_UNDERSTAND,
            SoapVersion.V1_1,
            id="mustUnderstand",
        ),
        pytest.param(
            envelope(header="<s:Header><t s:mustUnderstand='true'/></s:Header>", namespace=NS12),
            "",
            FaultCode.MUST_UNDERSTAND,
            SoapVersion.V1_2,
            id="mustUnderstand in 1.2",
        ),
    ],
)
def test_what_is_no_call_is_a_500(document: str, content_type: str, code: FaultCode, version: SoapVersion) -> None:
    fault = fault_of(document, content_type)
    assert (fault.status, fault.code, fault.version) == (500, code, version)


def test_bad_xml_is_told_in_the_version_that_was_seen() -> None:
    assert fault_of(envelope(namespace=NS12)[:-5]).version is SoapVersion.V1_2
    assert fault_of(b"<", "application/soap+xml; charset=utf-8").version is SoapVersion.V1_2
    assert fault_of(b"\xff", "application/soap+xml; charset=utf-8").version is SoapVersion.V1_2


HEAD = '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="'
TYPES = (
    '" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
)
TAIL = "</soap:Body></soap:Envelope>"


@pytest.mark.parametrize(
    ("operation", "value", "inside"),
    [
        pytest.param(
            GET_BALANCE,
            "42",
            '<GetBalanceResponse xmlns="http://tempuri.org/"><GetBalanceResult>42</GetBalanceResult></GetBalanceResponse>',
            id="string",
        ),
        pytest.param(
            replace(GET_BALANCE, name="Get"),
            "",
            '<GetResponse xmlns="http://tempuri.org/"><GetResult /></GetResponse>',
            id="empty string, as the contract shows it",
        ),
        pytest.param(
            replace(INTL_SEND, name="Send", result=ResultType.INT),
            "-101",
            '<SendResponse xmlns="http://tempuri.org/"><SendResult>-101</SendResult></SendResponse>',
            id="int",
        ),
        pytest.param(
            replace(GET_BALANCE, name="Get"),
            "<a & b>\r\n\x00\ud800\ufffe😀",
            '<GetResponse xmlns="http://tempuri.org/"><GetResult>&lt;a &amp; b&gt;&#xD;\n😀</GetResult></GetResponse>',
            id="escaped, without what XML forbids",
        ),
    ],
)
@pytest.mark.parametrize("version", list(SoapVersion))
def test_answers_exactly(version: SoapVersion, operation: Operation, value: str, inside: str) -> None:
    assert write_answer(version, operation, value).decode() == HEAD + version.namespace + TYPES + inside + TAIL


def test_content_types() -> None:
    assert content_type_of(SoapVersion.V1_1) == "text/xml; charset=utf-8"
    assert content_type_of(SoapVersion.V1_2) == "application/soap+xml; charset=utf-8"


OLD = "<soap:Fault><faultcode>soap:{}</faultcode><faultstring>a &lt; b</faultstring><detail /></soap:Fault>"
NEW = (
    "<soap:Fault><soap:Code><soap:Value>soap:{}</soap:Value></soap:Code>"
    '<soap:Reason><soap:Text xml:lang="en">a &lt; b</soap:Text></soap:Reason><soap:Detail /></soap:Fault>'
)


@pytest.mark.parametrize(
    ("version", "code", "namespace", "inside"),
    [
        pytest.param(SoapVersion.V1_1, FaultCode.CLIENT, NS11, OLD.format("Client"), id="1.1 client"),
        pytest.param(SoapVersion.V1_1, FaultCode.SERVER, NS11, OLD.format("Server"), id="1.1 server"),
        pytest.param(SoapVersion.V1_1, FaultCode.MUST_UNDERSTAND, NS11, OLD.format("MustUnderstand"), id="1.1 header"),
        pytest.param(SoapVersion.V1_2, FaultCode.CLIENT, NS12, NEW.format("Sender"), id="1.2 sender"),
        pytest.param(SoapVersion.V1_2, FaultCode.SERVER, NS12, NEW.format("Receiver"), id="1.2 receiver"),
        pytest.param(SoapVersion.V1_2, FaultCode.MUST_UNDERSTAND, NS12, NEW.format("MustUnderstand"), id="1.2 header"),
        pytest.param(SoapVersion.V1_2, FaultCode.VERSION_MISMATCH, NS11, OLD.format("VersionMismatch"), id="mismatch"),
    ],
)
def test_faults_exactly(version: SoapVersion, code: FaultCode, namespace: str, inside: str) -> None:
    assert write_fault(SoapFault(version, code, "a < b")).decode() == HEAD + namespace + TYPES + inside + TAIL


def test_a_fault_shows_no_more_than_a_little_of_what_was_sent() -> None:
    fault = fault_of(envelope(f"<{'n' * 50_000}/>"))
    assert len(fault.reason) < 200


def read_or_fault(document: bytes, content_type: str, action: str) -> None:
    try:
        found = read_envelope(document, content_type, action)
    except SoapFault as fault:
        assert fault.status in (400, 500)
        ElementTree.fromstring(write_fault(fault))
    else:
        assert found.operation in FAMILY
        "".join(found.values).encode("utf-8")
        "".join(found.values.values()).encode("utf-8")


CONTENT_TYPES = st.sampled_from(["", "text/xml; charset=gbk", "text/xml; charset=utf-16", "application/soap+xml"])


@given(st.binary(max_size=200), CONTENT_TYPES | st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_call_or_a_fault(document: bytes, content_type: str, action: str) -> None:
    read_or_fault(document, content_type, action)


@given(st.sampled_from([RPC, envelope(AXIS), envelope(namespace=NS12), DEFAULT_XMLNS]), st.integers(), CONTENT_TYPES)
@settings(max_examples=200, deadline=None)
def test_mutated_envelopes_give_a_call_or_a_fault(document: str, seed: int, content_type: str) -> None:
    chance = random.Random(seed)
    raw = bytearray(document.encode())
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(raw))
        piece = chance.choice(
            [b"", b"<", b">", b"/", b"&", b"\x80", b"\0", b"#", b"Body", b"<a>", b"<!--", b'"', b" x='1'"]
        )
        raw[at : at + chance.randint(0, 9)] = piece
    read_or_fault(bytes(raw), content_type, "http://tempuri.org/GetBalance")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=50)


@given(st.dictionaries(st.sampled_from(INTL_SEND.parameters), TEXTS), st.sampled_from(SoapVersion))
@settings(max_examples=100, deadline=None)
def test_what_a_client_writes_is_what_is_read(values: dict[str, str], version: SoapVersion) -> None:
    root = ElementTree.Element(f"{{{version.namespace}}}Envelope")
    body = ElementTree.SubElement(root, f"{{{version.namespace}}}Body")
    operation = ElementTree.SubElement(body, "{http://tempuri.org/}IntlSend")
    for name, value in values.items():
        ElementTree.SubElement(operation, f"{{http://tempuri.org/}}{name}").text = value
    found = read_envelope(ElementTree.tostring(root, "utf-8"), content_type_of(version), "")
    assert found == SoapCall(version, INTL_SEND, {name.lower(): value for name, value in values.items()})
