"""The trace of a channel: what was said over its links, as it is said, and as a file for Wireshark."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame
from yizhan.flow.ask import Ask
from yizhan.kit.clock import show_time
from yizhan.model.views import TracedPdu
from yizhan.wire.pcap import PcapWriter

_SEE = ("GET", "/channels/{name}/trace")
_SHOWN = 200
_AT_ONCE = 10_000
_IDLE = frozenset({"enquire_link", "enquire_link_resp"})


class TraceRoom:
    """``/channels/{name}/trace``."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask

    def pages(self) -> list[Page]:
        """The page, and the file."""
        return [
            Page("/channels/{name}/trace", self._show, _SEE),
            Page("/channels/{name}/trace.pcap", self._capture, _SEE),
        ]

    async def _show(self, call: Call) -> Response:
        """The newest, newest first; to htmx only what has come since."""
        name, number = str(call.request.path_params["name"]), call.asked("number")
        clear = call.asked("clear") == "yes"
        after = int(call.asked("after") or 0)
        pdus = await self._read(name, number, after, clear=clear)
        idle = call.asked("idle") == "yes"
        shown = [pdu for pdu in pdus if idle or pdu.command not in _IDLE]
        query = {"number": number or "", "clear": "yes" if clear else "", "idle": "yes" if idle else ""}
        more = urlencode({**query, "after": pdus[-1].seq if pdus else after})
        values: dict[str, Any] = {"pdus": [(pdu, _moment(pdu)) for pdu in reversed(shown[-_SHOWN:])], "more": more}
        if "hx-request" not in call.request.headers:
            kind = (await self._ask.channel(name)).channel.kind
            is_live = call.asked("live") != "no"
            return self._frame.show(
                call,
                "channels/trace",
                "chan_trace",
                about=name,
                name=name,
                number=number or "",
                clear=clear,
                idle=idle,
                kind=kind,
                query=query,
                is_live=is_live,
                **values,
            )
        if not pdus:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return self._frame.fragment(call, "channels/pdus", name=name, is_live=True, **values)

    async def _capture(self, call: Call) -> Response:
        """In clear: Wireshark can make nothing of stars."""
        name = str(call.request.path_params["name"])
        parts: list[bytes] = []
        writer = PcapWriter(parts.append)
        for pdu in await self._read(name, call.asked("number"), 0, clear=True):
            ends = (pdu.local, pdu.remote) if pdu.direction == "out" else (pdu.remote, pdu.local)
            writer.packet(pdu.at_ms * 1000, *ends, bytes.fromhex(pdu.data))
        headers = {"content-disposition": f'attachment; filename="{name}.pcap"'}
        return Response(b"".join(parts), media_type="application/vnd.tcpdump.pcap", headers=headers)

    async def _read(self, name: str, number: str | None, after: int, *, clear: bool) -> Sequence[TracedPdu]:
        """All behind ``after``, however many."""
        found: list[TracedPdu] = []
        while page := await self._ask.trace(name, after, number, _AT_ONCE, clear=clear):
            found += page
            after = page[-1].seq
            if len(page) < _AT_ONCE:
                break
        return found


def _moment(pdu: TracedPdu) -> tuple[str, str]:
    """When: for machines, and to the millisecond for people, in Beijing time."""
    at = datetime.fromtimestamp(pdu.at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds"), show_time(pdu.at_ms)
