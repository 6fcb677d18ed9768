"""The Web service's SOAP side: calls in, answers and faults out, in both versions (contract, section 7)."""

from dataclasses import dataclass

from yizhan.model.operation import Operation, find_operation
from yizhan.wire.envelope import Envelope, parse_envelope
from yizhan.wire.fault import FaultCode, SoapFault, SoapVersion
from yizhan.wire.media import parameter
from yizhan.wire.xml_bytes import decode_document
from yizhan.wire.xml_text import NAMESPACE, PROLOG, escape

__all__ = [
    "FaultCode",
    "SoapCall",
    "SoapFault",
    "SoapVersion",
    "content_type_of",
    "read_envelope",
    "write_answer",
    "write_fault",
]

_NAMED_CHARS = 64  # how much of a name that we do not know comes back in a fault


@dataclass(frozen=True, slots=True)
class SoapCall:
    """A call read from an envelope; the names of its ``values`` are in lower case."""

    version: SoapVersion
    operation: Operation
    values: dict[str, str]


def read_envelope(body: bytes, content_type: str, soap_action: str) -> SoapCall:
    """The call in ``body``. ``soap_action`` is the SOAPAction header, empty when there is none.

    Raises SoapFault for everything that is no call: status 400 for XML that is malformed, undecodable or hostile, 500
    for the rest. The fault is in the version of the envelope, or of the Content-Type where no envelope was seen.
    """
    version = SoapVersion.V1_2 if "application/soap+xml" in content_type.lower() else SoapVersion.V1_1
    document = decode_document(body, parameter(content_type, "charset"))
    if document is None:
        raise SoapFault(version, FaultCode.CLIENT, "The request is not in the charset that it declares.", 400)
    envelope = parse_envelope(document, version)
    if envelope.root != "Envelope":
        raise SoapFault(version, FaultCode.CLIENT, f"{_shown(envelope.root)} is no SOAP envelope.")
    version = _version_of(envelope)
    if envelope.must_understand:
        reason = f"The header {_shown(envelope.must_understand)} is not understood."
        raise SoapFault(version, FaultCode.MUST_UNDERSTAND, reason)
    if not envelope.has_body:
        raise SoapFault(version, FaultCode.CLIENT, "The envelope has no body.")
    action = soap_action.strip() or parameter(content_type, "action")
    return SoapCall(version, _operation_of(envelope, action, version), _values_of(envelope))


def content_type_of(version: SoapVersion) -> str:
    """The Content-Type of an answer or fault in ``version``."""
    return f"{'application/soap+xml' if version is SoapVersion.V1_2 else 'text/xml'}; charset=utf-8"


def write_answer(version: SoapVersion, operation: Operation, value: str) -> bytes:
    """The answer to a call, as ASMX writes it: the elements without a prefix, an empty string as an empty element."""
    name = operation.name
    text = escape(value)
    result = f"<{name}Result>{text}</{name}Result>" if text else f"<{name}Result />"
    return _write(version, f'<{name}Response xmlns="{NAMESPACE}">{result}</{name}Response>')


def write_fault(fault: SoapFault) -> bytes:
    """``fault`` as the body of its answer. A version mismatch is always told in SOAP 1.1."""
    version = SoapVersion.V1_1 if fault.code is FaultCode.VERSION_MISMATCH else fault.version
    code, reason = f"soap:{fault.code.word(version)}", escape(fault.reason)
    if version is SoapVersion.V1_1:
        inner = f"<faultcode>{code}</faultcode><faultstring>{reason}</faultstring><detail />"
    else:
        inner = (
            f"<soap:Code><soap:Value>{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{reason}</soap:Text></soap:Reason><soap:Detail />'
        )
    return _write(version, f"<soap:Fault>{inner}</soap:Fault>")


def _write(version: SoapVersion, inner: str) -> bytes:
    return (
        f'{PROLOG}<soap:Envelope xmlns:soap="{version.namespace}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    ).encode()


def _version_of(envelope: Envelope) -> SoapVersion:
    try:
        return SoapVersion(envelope.namespace)
    except ValueError:
        reason = "The envelope's namespace is neither that of SOAP 1.1 nor that of SOAP 1.2."
        raise SoapFault(SoapVersion.V1_1, FaultCode.VERSION_MISMATCH, reason) from None


def _operation_of(envelope: Envelope, action: str, version: SoapVersion) -> Operation:
    """The body's element decides; the action is asked only when we do not know that element, or there is none."""
    named = action.strip("\"' ").replace("#", "/").rpartition("/")[2]
    operation = find_operation(envelope.operation) or find_operation(named)
    if operation is None:
        unknown = envelope.operation or named
        reason = f"There is no operation called {_shown(unknown)}." if unknown else "The body names no operation."
        raise SoapFault(version, FaultCode.CLIENT, reason)
    return operation


def _values_of(envelope: Envelope) -> dict[str, str]:
    """The parameters by local name in any namespace; a repeated one is joined with a comma (contract, section 3)."""
    found: dict[str, list[str]] = {}
    for value in envelope.values:
        # A reference to nothing is an empty value, and a shared value that refers on is not followed.
        shared = envelope.shared.get(value.reference) if value.reference else None
        found.setdefault(value.name.lower(), []).append((shared or value).text)
    return {name: ",".join(texts) for name, texts in found.items()}


def _shown(name: str) -> str:
    return name if len(name) <= _NAMED_CHARS else f"{name[:_NAMED_CHARS]}…"
