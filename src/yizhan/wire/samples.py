"""The sample messages of one operation, as the pages of the old platform showed them.

They are made by hand from the row of the family; a word like ``string`` stands where a value belongs.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from yizhan.model.operation import Operation
from yizhan.wire.fault import SoapVersion
from yizhan.wire.soap import content_type_of, write_answer
from yizhan.wire.xml_text import NAMESPACE, PROLOG


@dataclass(frozen=True, slots=True)
class Sample:
    """One way to call an operation: its title, a request and the answer to it."""

    title: str
    request: str
    answer: str


def samples_of(operation: Operation, address: str) -> tuple[Sample, ...]:
    """SOAP 1.1, SOAP 1.2, HTTP GET and HTTP POST, in this order."""
    host, path = _place(address)
    form = "&".join(f"{name}=string" for name in operation.parameters)
    http_answer = (
        "HTTP/1.1 200 OK\nContent-Type: text/xml; charset=utf-8\nContent-Length: length\n\n"
        f'{PROLOG}\n<{operation.result.value} xmlns="{NAMESPACE}">{operation.result.value}</{operation.result.value}>'
    )
    query = f"?{form}" if form else ""
    return (
        _soap_sample(operation, SoapVersion.V1_1, host, path),
        _soap_sample(operation, SoapVersion.V1_2, host, path),
        Sample("HTTP GET", f"GET {path}/{operation.name}{query} HTTP/1.1\nHost: {host}", http_answer),
        Sample(
            "HTTP POST",
            f"POST {path}/{operation.name} HTTP/1.1\nHost: {host}\n"
            f"Content-Type: application/x-www-form-urlencoded\nContent-Length: length\n\n{form}",
            http_answer,
        ),
    )


def _place(address: str) -> tuple[str, str]:
    """Host and path of ``address``, which may be anything that a caller put into its Host header."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "localhost", "/LinkWS.asmx"
    return parts.netloc, parts.path


def _soap_sample(operation: Operation, version: SoapVersion, host: str, path: str) -> Sample:
    old = version is SoapVersion.V1_1
    action = f'\nSOAPAction: "{NAMESPACE}{operation.name}"' if old else ""
    head = f"Content-Type: {content_type_of(version)}\nContent-Length: length"
    parameters = "".join(f"\n      <{name}>string</{name}>" for name in operation.parameters)
    element = (
        f'<{operation.name} xmlns="{NAMESPACE}">{parameters}\n    </{operation.name}>'
        if parameters
        else f'<{operation.name} xmlns="{NAMESPACE}" />'
    )
    envelope = f'{PROLOG}\n<soap:Envelope xmlns:soap="{version.namespace}">\n  <soap:Body>\n    {element}'
    return Sample(
        "SOAP 1.1" if old else "SOAP 1.2",
        f"POST {path} HTTP/1.1\nHost: {host}\n{head}{action}\n\n{envelope}\n  </soap:Body>\n</soap:Envelope>",
        f"HTTP/1.1 200 OK\n{head}\n\n{write_answer(version, operation, operation.result.value).decode()}",
    )
