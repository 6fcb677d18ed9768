"""SOAP 1.1 as a client speaks it: document/literal requests out, answers in (contract, section 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from yizhan.model.operation import Operation

NAMESPACE = "http://tempuri.org/"
_MAX_DEPTH = 32
_FAULT = ("Fault", "faultcode", "faultstring", "Value", "Text")  # the last two in 1.2


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """Either the operation's value, or the fault's code and reason (then ``value`` is None)."""

    value: str | None
    fault_code: str = ""
    fault_reason: str = ""


class NotSoap(ValueError):
    """The body is no SOAP answer to the operation."""


def headers_of(operation: Operation) -> dict[str, str]:
    """The HTTP headers that go with ``write_request``."""
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{NAMESPACE}{operation.name}"'}


def write_request(operation: Operation, values: Mapping[str, str]) -> bytes:
    """The envelope of a call, UTF-8. ValueError for characters that XML cannot carry."""
    if wrong := next((c for value in values.values() for c in value if not _allowed(c)), None):
        raise ValueError(f"the character U+{ord(wrong):04X} cannot be sent by SOAP")
    body = "".join(f"<{name}>{_text(values[name])}</{name}>" for name in operation.parameters)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<{operation.name} xmlns="{NAMESPACE}">{body}</{operation.name}></soap:Body></soap:Envelope>'
    ).encode()


def read_answer(operation: Operation, body: bytes) -> SoapAnswer:
    """The value or the fault in ``body``, 1.1 or 1.2, any prefixes. NotSoap for anything else."""
    reader = _Reader(f"{operation.name}Result")
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # LookupError: an encoding that nobody knows
        raise NotSoap(str(error)) from error
    found = reader.found
    if "Fault" in found:
        code = found.get("faultcode") or found.get("Value", "")
        return SoapAnswer(None, code.strip().rpartition(":")[2], found.get("faultstring") or found.get("Text", ""))
    if reader.result not in found:
        raise NotSoap(f"no {reader.result} in it")
    return SoapAnswer(found[reader.result])


def _allowed(character: str) -> bool:
    """XML 1.0's Char: no control characters but tab, line feed and carriage return, no surrogates."""
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _text(value: str) -> str:
    # A raw carriage return would be read as a line feed (XML 1.0, section 2.11).
    return escape(value, {"\r": "&#13;"})


class _Reader:
    """Collects the text of the elements that matter, by local name; the first of a name counts."""

    def __init__(self, result: str) -> None:
        self.result = result
        self.found: dict[str, str] = {}
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[str] = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise ValueError("nested too deep")
        local = name.rpartition(":")[2]
        wanted = local in {self.result, *_FAULT} and local not in self.found
        self._open.append(local if wanted else "")
        if wanted:
            self.found[local] = ""

    def _end(self, name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        if self._open[-1]:
            self.found[self._open[-1]] += text

    def _doctype(self, *declared: object) -> None:
        raise ValueError("a document type is not allowed")
