"""Calls without I/O: what to write for an operation, and what its answer says. Both clients stand on this."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

import httpx

from yizhan.client.answers import code_in, read_bare, read_bare_text, read_soap, read_soap_text, strange
from yizhan.client.errors import LinkWSError, refusal
from yizhan.client.soap import headers_of, write_request
from yizhan.client.transport import Reply, root_of
from yizhan.model.operation import Operation, PasswordForm, find_operation

SLICE = 500  # numbers a call: what the manual recommends


class Charset(StrEnum):
    """How an HTTP call's text is written; SOAP is always UTF-8."""

    GB2312 = "gb2312"  # the platform's own; what GB2312 and GBK lack goes as GB18030
    UTF8 = "utf-8"

    @property
    def codec(self) -> str:
        """Python's codec for it; its own ``gb2312`` lacks 镕 and € and is not code page 936."""
        return "gb18030" if self is Charset.GB2312 else "utf-8"


class Fate(StrEnum):
    """What became of a slice."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # certainly not sent
    UNCERTAIN = "uncertain"  # the answer was lost: perhaps sent
    NOT_TRIED = "not_tried"  # an earlier slice failed


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One call's worth of numbers and their fate; ``id`` is the platform's id when accepted, ``error`` what failed."""

    numbers: tuple[str, ...]
    fate: Fate
    id: int | None = None
    error: LinkWSError | None = None


class Calls:
    """One account on one platform, and how it is called."""

    def __init__(self, url: str, corp_id: str, password: str, charset: Charset, soap: bool) -> None:
        """``url`` as in ``client.linkws.Client``. ValueError when it is none."""
        self._root = root_of(url)
        self._charset = Charset(charset)
        self._soap = soap
        self._corp_id = corp_id
        self._password = password

    def write(self, http: httpx.Client | httpx.AsyncClient, name: str, values: Mapping[str, str]) -> httpx.Request:
        """The request of a call. ValueError when a character cannot be written."""
        operation = _operation(name)
        plain = operation.password is PasswordForm.PLAIN
        digest = hashlib.md5(self._password.encode(), usedforsecurity=False).hexdigest()  # what the manual asks for
        values = {"CorpID": self._corp_id, "Pwd": self._password if plain else digest, **values}
        if self._soap:
            body, headers = write_request(operation, values), headers_of(operation)
            return http.build_request("POST", f"{self._root}LinkWS.asmx", content=body, headers=headers)
        form = urlencode([(name, values[name]) for name in operation.parameters], encoding=self._charset.codec)
        kind = f"application/x-www-form-urlencoded; charset={self._charset}"
        url = f"{self._root}{operation.name}.aspx"
        return http.build_request("POST", url, content=form.encode("ascii"), headers={"Content-Type": kind})

    def number(self, name: str, reply: Reply) -> int:
        """The number that answers, 0 or more. Refused for a code."""
        value = read_soap(_operation(name), reply) if self._soap else read_bare(reply)
        if value < 0:
            raise refusal(value)
        return value

    def id(self, reply: Reply) -> int:
        """The id that IntlSend answers, above 0."""
        value = self.number("IntlSend", reply)
        if value == 0:  # neither an id nor a code of the manual
            raise strange(reply, "no id")
        return value

    def text(self, name: str, reply: Reply) -> str:
        """The text that answers a fetch. Refused for a code."""
        text = read_soap_text(_operation(name), reply) if self._soap else read_bare_text(reply)
        code = code_in(text)
        if code is not None:
            raise refusal(code)
        return text


def message(numbers: Sequence[str], text: str, cell: str, send_time: str) -> dict[str, str]:
    """The parameters of a call that sends."""
    mobile = numbers if isinstance(numbers, str) else ",".join(numbers)
    return {"Mobile": mobile, "Content": text, "Cell": cell, "SendTime": send_time}


def failed(part: tuple[str, ...], error: LinkWSError) -> SliceResult:
    """The result of a slice whose call has failed."""
    return SliceResult(part, Fate.UNCERTAIN if error.uncertain else Fate.REFUSED, error=error)


def cut(numbers: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """``numbers`` in slices of ``size``, the last one shorter. ValueError for a size below 1."""
    if size < 1:
        raise ValueError("a slice holds at least 1 number")
    listed = numbers.split(",") if isinstance(numbers, str) else numbers
    for start in range(0, len(listed), size):
        yield tuple(listed[start : start + size])


def _operation(name: str) -> Operation:
    operation = find_operation(name)
    assert operation is not None  # noqa: S101  the clients call rows of the table only
    return operation
