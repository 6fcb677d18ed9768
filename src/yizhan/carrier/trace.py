"""The newest PDUs of a channel, kept as bytes and read only when somebody asks."""

from collections import deque
from collections.abc import Callable, Sequence

from yizhan.kit.masking import mask_number
from yizhan.model.views import TracedPdu
from yizhan.wire.smpp.codec import PeerFault, decode
from yizhan.wire.smpp.dump import dump, handset_of
from yizhan.wire.smpp.statuses import word_of

_Entry = tuple[int, int, str, bool, bytes, str, str]


class Trace:
    """A ring; what falls out of it is gone."""

    def __init__(self, size: int, now_ms: Callable[[], int]) -> None:
        self._ring: deque[_Entry] = deque(maxlen=size)
        self._now_ms = now_ms
        self._seq = 0

    def note(self, link: str, outgoing: bool, data: bytes, local: str, remote: str) -> None:
        """One PDU has come or gone."""
        self._seq += 1
        self._ring.append((self._seq, self._now_ms(), link, outgoing, data, local, remote))

    def read(self, after: int, number: str | None, limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """PDUs behind ``after``, oldest first; only those about a handset whose number ends like ``number``."""
        found: list[TracedPdu] = []
        wanted = None if number is None else number.lstrip("+")
        for entry in list(self._ring):
            if entry[0] <= after or len(found) >= limit:
                continue
            if (pdu := _view(entry, clear=clear, wanted=wanted)) is not None:
                found.append(pdu)
        return found


def _view(entry: _Entry, *, clear: bool, wanted: str | None) -> TracedPdu | None:
    seq, at_ms, link, outgoing, data, local, remote = entry
    try:
        pdu = decode(data)
    except PeerFault as fault:
        if wanted is not None:
            return None
        command, status, summary, number = "unreadable", "", f"{fault}: {len(data)} bytes", ""
    else:
        number = handset_of(pdu)
        if wanted is not None and not number.lstrip("+").endswith(wanted[-11:]):
            return None
        command, status, summary = pdu.command.name.lower(), word_of(pdu.status), dump(pdu, clear=clear)
    return TracedPdu(
        seq=seq,
        at_ms=at_ms,
        link=link,
        direction="out" if outgoing else "in",
        command=command,
        status=status,
        summary=summary,
        number=number if clear else mask_number(number),
        local=local,
        remote=remote,
        data=data.hex() if clear else "",
    )
