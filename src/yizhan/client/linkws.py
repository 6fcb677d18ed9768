"""Calls of the manual's pair, IntlSend and GetBalance, to any LinkWS platform, by HTTP or SOAP."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

import httpx

from yizhan.client.answers import read_bare, read_soap, strange
from yizhan.client.errors import LinkWSError, Refused, Unreachable
from yizhan.client.soap import headers_of, write_request
from yizhan.client.transport import Reply, exchange, new_connection, root_of
from yizhan.model.operation import Operation, find_operation

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


class Client:
    """One account on one platform. Close it, or use it in a ``with`` statement."""

    def __init__(
        self,
        url: str,
        corp_id: str,
        password: str,
        *,
        charset: Charset = Charset.GB2312,
        soap: bool = False,
        timeout_s: float = 60,
    ) -> None:
        """``url`` is the platform's address, with or without ``LinkWS.asmx`` at its end. ValueError when it is none,
        Unreachable when the environment names a proxy or certificates that cannot be used.

        ``timeout_s`` is how long each step of a call may take.
        """
        self._root = root_of(url)
        self._charset = Charset(charset)
        self._soap = soap
        digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()  # what the manual asks for
        self._credentials = {"CorpID": corp_id, "Pwd": digest}
        self._http = new_connection(timeout_s)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def send(self, numbers: Sequence[str], text: str, *, cell: str = "", send_time: str = "") -> int:
        """Send ``text`` to ``numbers`` in one call (IntlSend); the platform's id of the submission, above 0.

        ``send_time`` is ``yyyyMMddHHmmss`` in Beijing time or empty for now. Never tried twice. Raises LinkWSError
        (see its ``uncertain``), or ValueError before anything is sent when a character cannot be written.
        """
        mobile = numbers if isinstance(numbers, str) else ",".join(numbers)
        values = {"Mobile": mobile, "Content": text, "Cell": cell, "SendTime": send_time}
        value, reply = self._call("IntlSend", values)
        if value == 0:  # neither an id nor a code of the manual
            raise strange(reply, "no id")
        return value

    def send_all(
        self,
        numbers: Sequence[str],
        text: str,
        *,
        cell: str = "",
        send_time: str = "",
        slice: int = SLICE,
        progress: Callable[[SliceResult], None] | None = None,
    ) -> list[SliceResult]:
        """Send to any count of numbers, ``slice`` a call, in order; stops at the first slice that is not accepted.

        The result names every number once, so that nobody has to guess which ones to send again. ``progress`` is
        called with every slice that was tried. Repeated numbers are the caller's affair (``client.numbers.distinct``).
        """
        results: list[SliceResult] = []
        for part in cut(numbers, slice):
            if results and results[-1].fate is not Fate.ACCEPTED:
                results.append(SliceResult(part, Fate.NOT_TRIED))
                continue
            try:
                result = SliceResult(part, Fate.ACCEPTED, self.send(part, text, cell=cell, send_time=send_time))
            except LinkWSError as error:
                result = SliceResult(part, Fate.UNCERTAIN if error.uncertain else Fate.REFUSED, error=error)
            results.append(result)
            if progress:
                progress(result)
        return results

    def balance(self) -> int:
        """How many segments are left (GetBalance), 0 or more; tried twice when no connection was made."""
        try:
            return self._call("GetBalance", {})[0]
        except Unreachable as error:
            if error.uncertain:
                raise
        return self._call("GetBalance", {})[0]

    def _call(self, name: str, values: Mapping[str, str]) -> tuple[int, Reply]:
        """The number that answers, 0 or more."""
        operation = find_operation(name)
        assert operation is not None  # noqa: S101  both names are rows of the table
        values = {**self._credentials, **values}
        request = (self._write_soap if self._soap else self._write_form)(operation, values)
        reply = exchange(self._http, request)
        value = read_soap(operation, reply) if self._soap else read_bare(reply)
        if value < 0:
            raise Refused(value)
        return value, reply

    def _write_form(self, operation: Operation, values: Mapping[str, str]) -> httpx.Request:
        form = urlencode([(name, values[name]) for name in operation.parameters], encoding=self._charset.codec)
        kind = f"application/x-www-form-urlencoded; charset={self._charset}"
        url = f"{self._root}{operation.name}.aspx"
        return self._http.build_request("POST", url, content=form.encode("ascii"), headers={"Content-Type": kind})

    def _write_soap(self, operation: Operation, values: Mapping[str, str]) -> httpx.Request:
        body, headers = write_request(operation, values), headers_of(operation)
        return self._http.build_request("POST", f"{self._root}LinkWS.asmx", content=body, headers=headers)


def cut(numbers: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """``numbers`` in slices of ``size``, the last one shorter. ValueError for a size below 1."""
    if size < 1:
        raise ValueError("a slice holds at least 1 number")
    listed = numbers.split(",") if isinstance(numbers, str) else numbers
    for start in range(0, len(listed), size):
        yield tuple(listed[start : start + size])
