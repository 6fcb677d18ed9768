"""A client of any LinkWS platform: send, ask for the balance, fetch replies and reports."""

from collections.abc import Callable, Sequence
from typing import Self

from yizhan.client.calls import SLICE, Calls, Charset, Fate, SliceResult, cut, failed, message
from yizhan.client.errors import LinkWSError, Unreachable
from yizhan.client.records import Failure, Reply, Report, Unreadable, read_failures, read_replies, read_reports
from yizhan.client.transport import MAX_ANSWER_BYTES, MAX_FETCH_BYTES, exchange, new_connection
from yizhan.client.transport import Reply as Answer

__all__ = ["SLICE", "Charset", "Client", "Fate", "SliceResult", "cut"]


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
        self._calls = Calls(url, corp_id, password, charset, soap)
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
        request = self._calls.write(self._http, "IntlSend", message(numbers, text, cell, send_time))
        return self._calls.id(exchange(self._http, request))

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
                id_ = self.send(part, text, cell=cell, send_time=send_time)
                result = SliceResult(part, Fate.ACCEPTED, id_)
            except LinkWSError as error:
                result = failed(part, error)
            results.append(result)
            if progress:
                progress(result)
        return results

    def balance(self) -> int:
        """How many segments are left (GetBalance), 0 or more; tried twice when no connection was made."""
        return self._calls.number("GetBalance", self._ask("GetBalance", MAX_ANSWER_BYTES))

    def replies(self) -> list[Reply | Unreadable]:
        """The oldest replies that wait (Get). Each is handed out once: a lost answer is an error that is ``uncertain``,
        and what it held may be gone on a platform that does not hand out again what was not received.
        """
        return read_replies(self._fetch("Get"))

    def reports(self) -> list[Report | Unreadable]:
        """The oldest reports that wait (GetReportSMS), likewise."""
        return read_reports(self._fetch("GetReportSMS"))

    def failures(self, cell: str = "") -> list[Failure | Unreadable]:
        """The oldest reports of failed messages (GetReportFail), of one Cell if it is named, likewise."""
        return read_failures(self._fetch("GetReportFail", cell=cell))

    def _fetch(self, name: str, **values: str) -> str:
        return self._calls.text(name, self._ask(name, MAX_FETCH_BYTES, **values))

    def _ask(self, name: str, most_bytes: int, **values: str) -> Answer:
        """A call that sends nothing: tried again once when no connection was made, for then nothing was taken."""
        try:
            return exchange(self._http, self._calls.write(self._http, name, values), most_bytes)
        except Unreachable as error:
            if error.uncertain:
                raise
        return exchange(self._http, self._calls.write(self._http, name, values), most_bytes)
