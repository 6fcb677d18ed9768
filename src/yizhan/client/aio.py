"""The same client for asyncio; ``client.linkws`` says what each call does."""

from collections.abc import Callable, Sequence
from typing import Self

from yizhan.client.calls import SLICE, Calls, Charset, Fate, SliceResult, cut, failed, message
from yizhan.client.errors import LinkWSError, Unreachable
from yizhan.client.records import Failure, Reply, Report, Unreadable, read_failures, read_replies, read_reports
from yizhan.client.transport import MAX_ANSWER_BYTES, MAX_FETCH_BYTES, exchange_async, new_async_connection
from yizhan.client.transport import Reply as Answer


class AsyncClient:
    """One account on one platform, for asyncio. Close it, or use it in an ``async with`` statement."""

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
        self._http = new_async_connection(timeout_s)

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Give the connection back."""
        await self._http.aclose()

    async def send(self, numbers: Sequence[str], text: str, *, cell: str = "", send_time: str = "") -> int:
        """Send ``text`` to ``numbers`` in one call (IntlSend); the platform's id of the submission, above 0.

        ``send_time`` is ``yyyyMMddHHmmss`` in Beijing time or empty for now. Never tried twice. Raises LinkWSError
        (see its ``uncertain``), or ValueError before anything is sent when a character cannot be written.
        """
        request = self._calls.write(self._http, "IntlSend", message(numbers, text, cell, send_time))
        return self._calls.id(await exchange_async(self._http, request))

    async def send_all(
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
                id_ = await self.send(part, text, cell=cell, send_time=send_time)
                result = SliceResult(part, Fate.ACCEPTED, id_)
            except LinkWSError as error:
                result = failed(part, error)
            results.append(result)
            if progress:
                progress(result)
        return results

    async def balance(self) -> int:
        """How many segments are left (GetBalance), 0 or more; tried twice when no connection was made."""
        return self._calls.number("GetBalance", await self._ask("GetBalance", MAX_ANSWER_BYTES))

    async def replies(self) -> list[Reply | Unreadable]:
        """The oldest replies that wait (Get). Each is handed out once: a lost answer is an error that is ``uncertain``,
        and what it held may be gone on a platform that does not hand out again what was not received.
        """
        return read_replies(await self._fetch("Get"))

    async def reports(self) -> list[Report | Unreadable]:
        """The oldest reports that wait (GetReportSMS), likewise."""
        return read_reports(await self._fetch("GetReportSMS"))

    async def failures(self, cell: str = "") -> list[Failure | Unreadable]:
        """The oldest reports of failed messages (GetReportFail), of one Cell if it is named, likewise."""
        return read_failures(await self._fetch("GetReportFail", cell=cell))

    async def _fetch(self, name: str, **values: str) -> str:
        return self._calls.text(name, await self._ask(name, MAX_FETCH_BYTES, **values))

    async def _ask(self, name: str, most_bytes: int, **values: str) -> Answer:
        """A call that sends nothing: tried again once when no connection was made, for then nothing was taken."""
        try:
            return await exchange_async(self._http, self._calls.write(self._http, name, values), most_bytes)
        except Unreachable as error:
            if error.uncertain:
                raise
        return await exchange_async(self._http, self._calls.write(self._http, name, values), most_bytes)
