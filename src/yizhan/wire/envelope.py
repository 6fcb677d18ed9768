"""Reading a SOAP envelope with expat: a machine of three handlers that keeps what a call needs and nothing else.

It refuses what only an attack sends: a DTD or an entity declaration, elements too deep, too many or with too many
attributes or namespaces, namespaces too long to be copied into every name. What it holds is bounded by the body's size.
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from yizhan.wire.fault import FaultCode, SoapFault, SoapVersion

MAX_DEPTH = 32
MAX_ATTRIBUTES = 64  # of one element; namespace declarations are counted apart, with the same bound
MAX_ELEMENTS = 4_096
MAX_NAMESPACE_CHARS = 256
MAX_TOKEN_BYTES = 131_072  # of one tag or comment: its names are copied with their namespaces before we see them
# After a handler has refused, expat reads on to the end of what it was given; so it gets one slice at a time.
_SLICE_BYTES = 32_768
_ASIDES = ((b"<?", b"?>"), (b"<!--", b"-->"))  # what may stand before a DTD or the root
_SPACE = re.compile(rb"[ \t\r\n]*")
# No XML document can hold it, so it cannot occur in a namespace.
_SEPARATOR = "\x1f"
_VERSIONS = {version.namespace: version for version in SoapVersion}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(slots=True)
class Value:
    """The text of one element; in RPC/encoded envelopes it may stand elsewhere, under the id in ``reference``."""

    name: str
    reference: str
    nil: bool
    pieces: list[str]

    @property
    def text(self) -> str:
        """The text itself; an element with xsi:nil has none."""
        return "" if self.nil else "".join(self.pieces)


@dataclass(slots=True)
class Envelope:
    """What stands in an envelope: the first element of its body and that element's children, in order."""

    namespace: str = ""
    root: str = ""
    has_body: bool = False
    must_understand: str = ""  # the first header that may not be ignored
    operation: str = ""
    values: list[Value] = field(default_factory=list)
    shared: dict[str, Value] = field(default_factory=dict)  # Axis' multiRef elements by their id


def parse_envelope(document: str, version: SoapVersion) -> Envelope:
    """The envelope in ``document``. SoapFault 400 for malformed or hostile XML, in ``version`` until the root tells."""
    reader = _Reader(version)
    body = document.encode("utf-8")
    if _has_doctype(body):
        reader.refuse_doctype()
    try:
        _feed(body, reader)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        reader.refuse(f"The request is not well-formed XML: {reason} (line {error.lineno}, column {error.offset}).")
    return reader.envelope


def _feed(body: bytes, reader: "_Reader") -> None:
    # Named here, the encoding overrules the prolog's: the text was decoded from that one already.
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartNamespaceDeclHandler = reader.declare
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.EntityDeclHandler = reader.refuse_doctype
    for start in range(0, len(body), _SLICE_BYTES):
        parser.Parse(body[start : start + _SLICE_BYTES], False)
        if start + _SLICE_BYTES - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
            reader.refuse("A tag is too long.")
    parser.Parse(b"", True)


def _has_doctype(body: bytes) -> bool:
    """Whether a DTD stands before the root: found before expat could expand anything of it."""
    if b"<!" not in body:
        return False
    at = 0
    while True:
        at = _SPACE.match(body, at).end()  # type: ignore[union-attr]  # it matches everywhere
        aside = next((pair for pair in _ASIDES if body.startswith(pair[0], at)), None)
        if aside is None:
            return body.startswith(b"<!", at)
        opening, closing = aside
        end = body.find(closing, at + len(opening))
        if end < 0:
            return False  # expat will say what is wrong
        at = end + len(closing)


class _Reader:
    """The handlers. Depth 1 is the envelope, 2 header and body, 3 their children, 4 the parameters."""

    def __init__(self, version: SoapVersion) -> None:
        self.envelope = Envelope()
        self._version = version
        self._depth = 0
        self._elements = 0
        self._declarations = 0  # namespaces, since the last start of an element
        self._part = ""  # the child of the envelope that is open: Header, Body or neither
        self._in_operation = False
        self._pieces: list[str] = []  # of the value whose text is being read,
        self._value_depth = 0  # which stands at this depth; 0: none is

    def refuse(self, reason: str) -> NoReturn:
        """End with a 400: this document is nobody's honest call."""
        raise SoapFault(self._version, FaultCode.CLIENT, reason, 400)

    def refuse_doctype(self, *_: object) -> None:
        """A DTD or an entity declaration, should one pass the look before parsing."""
        self.refuse("A document type declaration is not allowed.")

    def declare(self, _prefix: str | None, namespace: str | None) -> None:
        """One namespace declaration of the element that is about to start."""
        self._declarations += 1
        if self._declarations > MAX_ATTRIBUTES:
            self.refuse("Too many namespace declarations on one element.")
        if namespace is not None and len(namespace) > MAX_NAMESPACE_CHARS:
            self.refuse("A namespace is too long.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """One start tag."""
        self._declarations = 0
        self._elements += 1
        self._depth = depth = self._depth + 1
        if depth > MAX_DEPTH:
            self.refuse("The elements are nested too deep.")
        if self._elements > MAX_ELEMENTS:
            self.refuse("There are too many elements.")
        if len(attributes) > MAX_ATTRIBUTES:
            self.refuse("Too many attributes on one element.")
        namespace, _, local = name.rpartition(_SEPARATOR)
        if depth == 4:
            if self._in_operation:
                self.envelope.values.append(self._begin_value(local, attributes))
        elif depth == 3 and self._part == "Body":
            self._start_in_body(local, attributes)
        elif depth == 3 and self._part == "Header":
            self._start_header(local, attributes)
        elif depth == 2:
            self._part = local if namespace == self.envelope.namespace else ""
            self.envelope.has_body = self.envelope.has_body or self._part == "Body"
        elif depth == 1:
            self.envelope.namespace, self.envelope.root = namespace, local
            self._version = _VERSIONS.get(namespace, self._version)

    def end(self, _name: str) -> None:
        """One end tag."""
        if self._depth == self._value_depth:
            self._value_depth = 0
        self._depth -= 1
        if self._depth == 2:
            self._in_operation = False

    def text(self, data: str) -> None:
        """Character data; only the direct text of a value is of interest."""
        if self._depth == self._value_depth:
            self._pieces.append(data)

    def _start_header(self, local: str, attributes: dict[str, str]) -> None:
        flag = attributes.get(f"{self.envelope.namespace}{_SEPARATOR}mustUnderstand", "")
        if flag.strip() in ("1", "true"):
            self.envelope.must_understand = self.envelope.must_understand or local

    def _start_in_body(self, local: str, attributes: dict[str, str]) -> None:
        """The first child that is not ``root="0"`` (Axis marks what is only referred to) is the call."""
        plain = {name.rpartition(_SEPARATOR)[2]: value for name, value in attributes.items()}
        if not self.envelope.operation and plain.get("root") != "0":
            self.envelope.operation = local
            self._in_operation = True
        elif "id" in plain:
            self.envelope.shared[plain["id"]] = self._begin_value(local, attributes)

    def _begin_value(self, local: str, attributes: dict[str, str]) -> Value:
        reference, nil = _read_flags(attributes) if attributes else ("", False)
        self._pieces = []
        self._value_depth = self._depth
        return Value(local, reference, nil, self._pieces)


def _read_flags(attributes: dict[str, str]) -> tuple[str, bool]:
    """The id that a value refers to, and whether it is nil."""
    reference = nil = ""
    for name, value in attributes.items():
        namespace, _, attribute = name.rpartition(_SEPARATOR)
        if attribute in ("href", "ref"):
            reference = value.removeprefix("#")
        elif attribute == "nil" and namespace == _XSI:
            nil = value
    return reference, nil.strip() in ("1", "true")
