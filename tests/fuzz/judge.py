"""An independent judge: from the raw bytes of what was answered, whether it belongs to the closed set.

It shares no line with the program: texts and shapes are those of the contract (sections 1, 5, 6 and 7) and of the
server's own refusals, character by character.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from .family import FAMILY
from .framing import Answer, Outside, cut

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
BARE = "text/html; charset=gb2312"
XML = "text/xml; charset=utf-8"
SOAP12 = "application/soap+xml; charset=utf-8"

# What the server itself refuses (front/fault.py), in its own words; each is followed by the end of the connection.
_REFUSALS: dict[int, re.Pattern[str]] = {
    400: re.compile(
        r"The request line must be METHOD TARGET HTTP/1\.1, with spaces at most in the query\."
        r"|Lines must end with CR LF\.|More than 4 empty lines before a request line\.|A message inside a message\."
        r"|The request head has no end\.|More than one Host header\.|HTTP/1\.0 has no Transfer-Encoding\."
        r"|Not valid HTTP/1\.1: [ -~]{1,120}\."
        r"|The only Transfer-Encoding understood is chunked\.|The connection ended before the request did\."
    ),
    405: re.compile(r"The method must be GET, HEAD or POST\."),
    408: re.compile(r"No complete request (?:head|body) within [0-9.]+ s\."),
    413: re.compile(r"The request body is longer than [0-9]+ bytes\."),
    414: re.compile(r"The request target is longer than [0-9]+ bytes\."),
    431: re.compile(r"The request headers are longer than [0-9]+ bytes\."),
}
_NOTHING_HERE = {
    "There is no such operation.",
    "Nothing here. Operations are at PREFIX/NAME.aspx and PREFIX/LinkWS.asmx.",
}
_UNKNOWN_METHOD = " Web Service method name is not valid."

_PROLOG = r'<\?xml version="1\.0" encoding="utf-8"\?>'
_ENVELOPE = (
    _PROLOG + r'<soap:Envelope xmlns:soap="%s" xmlns:xsi="http://www\.w3\.org/2001/XMLSchema-instance"'
    r' xmlns:xsd="http://www\.w3\.org/2001/XMLSchema"><soap:Body>%s</soap:Body></soap:Envelope>'
)
_NAMESPACES = {
    XML: r"http://schemas\.xmlsoap\.org/soap/envelope/",
    SOAP12: r"http://www\.w3\.org/2003/05/soap-envelope",
}
_TEXT = r"((?:[^<>&\r]|&amp;|&lt;|&gt;|&#xD;)*)"
_RESULT = rf'<([A-Za-z0-9]+)Response xmlns="http://tempuri\.org/"><\1Result(?: />|>{_TEXT}</\1Result>)</\1Response>'
# Never Server or Receiver: nothing that a client sends is a mistake of ours.
_FAULTS = {
    XML: r"<soap:Fault><faultcode>soap:(Client|VersionMismatch|MustUnderstand)</faultcode>"
    rf"<faultstring>{_TEXT}</faultstring><detail /></soap:Fault>",
    SOAP12: r"<soap:Fault><soap:Code><soap:Value>soap:(Sender|MustUnderstand)</soap:Value></soap:Code>"
    rf'<soap:Reason><soap:Text xml:lang="en">{_TEXT}</soap:Text></soap:Reason><soap:Detail /></soap:Fault>',
}
_ANSWER_SHAPES = {kind: re.compile(_ENVELOPE % (space, _RESULT)) for kind, space in _NAMESPACES.items()}
_FAULT_SHAPES = {kind: re.compile(_ENVELOPE % (space, _FAULTS[kind])) for kind, space in _NAMESPACES.items()}
_ELEMENT = re.compile(rf'{_PROLOG}\r\n<(string|int) xmlns="http://tempuri\.org/"(?: />|>{_TEXT}</\1>)')
_TAG = re.compile(r"<[/!]?([A-Za-z0-9]*)")
_PAGE_TAGS = {
    *("DOCTYPE", "html", "head", "meta", "title", "style", "body"),
    *("h1", "h2", "p", "code", "a", "ul", "li", "pre"),
}
_DOCUMENTS = {"{http://schemas.xmlsoap.org/wsdl/}definitions", "{http://schemas.xmlsoap.org/disco/}discovery"}


@dataclass(frozen=True, slots=True)
class Said:
    """The value of a call that was answered, and the operations whose answer it may be."""

    operations: frozenset[str]
    value: str


def judge_stream(stream: bytes, operations: Collection[str], *, head: bool = False, expect: bool = False) -> list[Said]:
    """Judge all that a connection said until its end; the values among it. Nothing may stand behind a last answer."""
    values = []
    while stream:
        answer, stream = cut(stream, head=head, expect=expect)
        if answer is None:
            raise Outside(f"an answer that is not whole: {stream[:300]!r}")
        said = judge(answer, operations)
        values += [said] if said else []
        if "connection" in answer.headers and stream:
            raise Outside(f"something behind the last answer: {stream[:300]!r}")
    return values


def judge(answer: Answer, operations: Collection[str]) -> Said | None:
    """Raises Outside unless ``answer`` is one that a call of ``operations`` may get; its value, where it has one."""
    kind = answer.headers["content-type"]
    if (answer.status == 405) != (answer.headers.get("allow") == "GET, HEAD, POST"):
        raise Outside("allow belongs to a 405, and only there")
    if answer.body is None:
        if answer.status not in (200, 404, 405, 500):
            raise Outside(f"{answer.status} without a body")
        return None
    try:
        text = _cp936(answer.body) if kind == BARE else answer.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Outside(f"not in {kind}: {answer.body[:300]!r}") from error
    if answer.status == 200:
        return _value(kind, text, frozenset(operations))
    if not _is_refusal(answer, kind, text) and not _is_fault(answer.status, kind, text):
        raise Outside(f"{answer.status} {kind}: {text[:500]!r}")
    return None


def _cp936(body: bytes) -> str:
    """Code page 936: GBK and a lone 0x80 for the euro sign; a lead byte takes its second along."""
    pieces = re.findall(rb"[\x00-\x7f]+|\x80|[\x81-\xfe][\x40-\xfe]|.", body, re.DOTALL)
    return "".join("€" if piece == b"\x80" else piece.decode("gbk") for piece in pieces)


def _is_refusal(answer: Answer, kind: str, text: str) -> bool:
    """Whether it is one of the server's own words."""
    if kind != PLAIN:
        return False
    if answer.status == 500:
        return text.endswith(_UNKNOWN_METHOD)
    if not text.endswith("\n"):
        return False
    if answer.status == 404:
        return text[:-1] in _NOTHING_HERE
    told = answer.status in _REFUSALS and _REFUSALS[answer.status].fullmatch(text[:-1]) is not None
    # A method that HTTP knows and the gateway does not is refused by the gateway, and the connection lives on.
    return told and (answer.status == 405 or answer.headers.get("connection") == "close")


def _is_fault(status: int, kind: str, text: str) -> bool:
    found = _FAULT_SHAPES[kind].fullmatch(text) if kind in _FAULT_SHAPES else None
    if not found or not found[2]:
        return False
    _root(text)
    return status == 500 or (status == 400 and found[1] in ("Client", "Sender"))


def _value(kind: str, text: str, operations: frozenset[str]) -> Said | None:
    """The value of a call that was answered with 200; None for a page."""
    if kind in (HTML, XML) and _is_page(kind, text):
        return None
    value, fitting = text, operations
    if kind in _ANSWER_SHAPES and (found := _ANSWER_SHAPES[kind].fullmatch(text)):
        value, fitting = _plain(found[2] or ""), frozenset({found[1]}) & FAMILY.keys()
    elif kind == XML and (found := _ELEMENT.fullmatch(text)):
        value, fitting = _plain(found[2] or ""), frozenset(x for x in operations if FAMILY[x].result == found[1])
    elif kind not in (BARE, HTML):
        raise Outside(f"200 {kind}: {text[:500]!r}")
    if kind in (XML, SOAP12):
        _root(text)
    fitting = frozenset(name for name in fitting if FAMILY[name].takes(value))
    if not fitting:
        raise Outside(f"not a value of {sorted(operations)}: {value[:500]!r}")
    return Said(fitting, value)


def _root(text: str) -> str:
    """The root's name of a document, which must be well-formed."""
    try:
        return ET.fromstring(text).tag
    except ET.ParseError as error:
        raise Outside(f"not well-formed: {text[:500]!r}") from error


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&#xD;", "\r").replace("&amp;", "&")


def _is_page(kind: str, text: str) -> bool:
    """Whether it is a page of LinkWS.asmx, with no tag but its own."""
    if kind == HTML:
        whole = text.startswith('<!DOCTYPE html>\n<html lang="en">') and text.endswith("</html>\n")
        return whole and set(_TAG.findall(text)) <= _PAGE_TAGS
    if not re.match(rf"{_PROLOG}\n?<(?:wsdl:)?(?:definitions|discovery)\b", text):
        return False
    return _root(text) in _DOCUMENTS
