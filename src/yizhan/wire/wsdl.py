"""The WSDL of ``LinkWS``, in the shape that ASMX writes, from the rows of the family (contract, section 7)."""

from collections.abc import Iterator
from functools import lru_cache

from yizhan.model.operation import FAMILY, Operation, ResultType
from yizhan.wire.xml_text import NAMESPACE, PROLOG, escape_attribute

SERVICE = "LinkWS"

_NAMESPACES = {
    "soap": "http://schemas.xmlsoap.org/wsdl/soap/",
    "tm": "http://microsoft.com/wsdl/mime/textMatching/",
    "soapenc": "http://schemas.xmlsoap.org/soap/encoding/",
    "mime": "http://schemas.xmlsoap.org/wsdl/mime/",
    "tns": NAMESPACE,
    "s": "http://www.w3.org/2001/XMLSchema",
    "soap12": "http://schemas.xmlsoap.org/wsdl/soap12/",
    "http": "http://schemas.xmlsoap.org/wsdl/http/",
    "wsdl": "http://schemas.xmlsoap.org/wsdl/",
}
# Port, the prefix of its extensions, and the portType: both SOAP bindings share one.
_PORTS = (
    ("Soap", "soap", "Soap"),
    ("Soap12", "soap12", "Soap"),
    ("HttpGet", "http", "HttpGet"),
    ("HttpPost", "http", "HttpPost"),
)
_PORT_TYPES = ("Soap", "HttpGet", "HttpPost")
_HTTP_INPUT = {
    "HttpGet": "<http:urlEncoded />",
    "HttpPost": '<mime:content type="application/x-www-form-urlencoded" />',
}


def write_wsdl(address: str, family: tuple[Operation, ...] = FAMILY) -> bytes:
    """The WSDL of ``family`` in its order; ``address`` is the service's URL as the caller sees it."""
    location = escape_attribute(address)
    ports = "".join(
        f'    <wsdl:port name="{SERVICE}{port}" binding="tns:{SERVICE}{port}">\n'
        f'      <{prefix}:address location="{location}" />\n    </wsdl:port>\n'
        for port, prefix, _ in _PORTS
    )
    return (
        f'{_description(family)}  <wsdl:service name="{SERVICE}">\n{ports}  </wsdl:service>\n</wsdl:definitions>'
    ).encode()


@lru_cache(maxsize=4)
def _description(family: tuple[Operation, ...]) -> str:
    """Everything but the service: it depends on no address."""
    namespaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    lines = [
        PROLOG,
        f'<wsdl:definitions {namespaces} targetNamespace="{NAMESPACE}">',
        *_types(family),
        *(line for operation in family for line in _soap_messages(operation)),
        *(line for kind in _PORT_TYPES[1:] for operation in family for line in _http_messages(operation, kind)),
        *(line for kind in _PORT_TYPES for line in _port_type(family, kind)),
        *(line for port, prefix, kind in _PORTS for line in _binding(family, port, prefix, kind)),
    ]
    return "\n".join(lines) + "\n"


def _types(family: tuple[Operation, ...]) -> Iterator[str]:
    yield "  <wsdl:types>"
    yield f'    <s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">'
    for operation in family:
        required = 1 if operation.result is ResultType.INT else 0
        yield from _element(operation.name, [_parameter(operation, name) for name in operation.parameters])
        yield from _element(
            f"{operation.name}Response", [(required, f"{operation.name}Result", operation.result.value)]
        )
    yield '      <s:element name="int" type="s:int" />'
    yield '      <s:element name="string" nillable="true" type="s:string" />'
    yield "    </s:schema>"
    yield "  </wsdl:types>"


def _parameter(operation: Operation, name: str) -> tuple[int, str, str]:
    """ASMX makes a number required, for it cannot be null."""
    return (1, name, "int") if name in operation.numeric else (0, name, "string")


def _element(name: str, children: list[tuple[int, str, str]]) -> Iterator[str]:
    """A wrapper element of the schema; its children as (minOccurs, name, type)."""
    yield f'      <s:element name="{name}">'
    if children:
        yield "        <s:complexType>"
        yield "          <s:sequence>"
        for least, child, kind in children:
            yield f'            <s:element minOccurs="{least}" maxOccurs="1" name="{child}" type="s:{kind}" />'
        yield "          </s:sequence>"
        yield "        </s:complexType>"
    else:
        yield "        <s:complexType />"
    yield "      </s:element>"


def _soap_messages(operation: Operation) -> Iterator[str]:
    for direction, element in (("In", operation.name), ("Out", f"{operation.name}Response")):
        yield from _message(f"{operation.name}Soap{direction}", [f'name="parameters" element="tns:{element}"'])


def _http_messages(operation: Operation, kind: str) -> Iterator[str]:
    yield from _message(
        f"{operation.name}{kind}In", [f'name="{parameter}" type="s:string"' for parameter in operation.parameters]
    )
    yield from _message(f"{operation.name}{kind}Out", [f'name="Body" element="tns:{operation.result.value}"'])


def _message(name: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield f'  <wsdl:message name="{name}" />'
        return
    yield f'  <wsdl:message name="{name}">'
    for part in parts:
        yield f"    <wsdl:part {part} />"
    yield "  </wsdl:message>"


def _port_type(family: tuple[Operation, ...], kind: str) -> Iterator[str]:
    yield f'  <wsdl:portType name="{SERVICE}{kind}">'
    for operation in family:
        yield f'    <wsdl:operation name="{operation.name}">'
        yield f'      <wsdl:input message="tns:{operation.name}{kind}In" />'
        yield f'      <wsdl:output message="tns:{operation.name}{kind}Out" />'
        yield "    </wsdl:operation>"
    yield "  </wsdl:portType>"


def _binding(family: tuple[Operation, ...], port: str, prefix: str, kind: str) -> Iterator[str]:
    soap = kind == "Soap"
    how = 'transport="http://schemas.xmlsoap.org/soap/http"' if soap else f'verb="{kind[4:].upper()}"'
    received = f'<{prefix}:body use="literal" />' if soap else _HTTP_INPUT[kind]
    returned = received if soap else '<mime:mimeXml part="Body" />'
    yield f'  <wsdl:binding name="{SERVICE}{port}" type="tns:{SERVICE}{kind}">'
    yield f"    <{prefix}:binding {how} />"
    for operation in family:
        where = (
            f'soapAction="{NAMESPACE}{operation.name}" style="document"' if soap else f'location="/{operation.name}"'
        )
        yield f'    <wsdl:operation name="{operation.name}">'
        yield f"      <{prefix}:operation {where} />"
        yield from ("      <wsdl:input>", f"        {received}", "      </wsdl:input>")
        yield from ("      <wsdl:output>", f"        {returned}", "      </wsdl:output>")
        yield "    </wsdl:operation>"
    yield "  </wsdl:binding>"
