"""The newest PDUs of a channel, kept as bytes and read only when somebody asks."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from yizhan.kit.masking import mask_number
from yizhan.model.views import TracedPdu
from yizhan.wire.smpp.codec import PeerFault, decode
from yizhan.wire.smpp.dump import fields_of, handset_of, join, text_of, without_password
from yizhan.wire.smpp.statuses import word_of

_Entry = tuple[int, int, str, bool, bytes, str, str]

_HEADER_BYTES = 16
_ANSWER_BIT = 0x80


class Trace:
    """A ring; what falls out of it is gone. Numbers grow with the clock, so that a trace that begins anew, because its
    channel was changed, goes on behind the one before; and from one trace to the next, so that those of a channel's
    shares can be read as one.
    """

    _newest = 0  # number of all traces

    def __init__(self, size: int, now_ms: Callable[[], int]) -> None:
        self._ring: deque[_Entry] = deque(maxlen=size)
        self._now_ms = now_ms
        Trace._newest = max(Trace._newest, 1000 * now_ms())

    def note(self, link: str, outgoing: bool, data: bytes, local: str, remote: str) -> None:
        """One PDU has come or gone."""
        Trace._newest += 1
        self._ring.append((Trace._newest, self._now_ms(), link, outgoing, data, local, remote))

    def read(self, after: int, number: str | None, limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """PDUs behind ``after``, oldest first; only those about a handset whose number ends like ``number``, with
        their answers.
        """
        entries: Iterable[_Entry] = list(self._ring)
        if number is not None:
            entries = _about(entries, number.lstrip("+")[-11:])
        newer = (entry for entry in entries if entry[0] > after)
        return [_view(entry, clear=clear) for entry in islice(newer, limit)]


def _about(ring: Iterable[_Entry], number: str) -> Iterator[_Entry]:
    """The PDUs that name a number that ends like ``number``, and the answers to them."""
    digits = number.encode()
    asked: set[tuple[str, bool, bytes]] = set()
    for entry in ring:
        _, _, link, outgoing, data, _, _ = entry
        sequence = data[12:_HEADER_BYTES]
        if data[4:5] and data[4] & _ANSWER_BIT:
            if (link, not outgoing, sequence) in asked:
                asked.discard((link, not outgoing, sequence))
                yield entry
        elif digits in data and _handset(data).endswith(number):  # the first is quick, the second right
            asked.add((link, outgoing, sequence))
            yield entry


def _handset(data: bytes) -> str:
    try:
        return handset_of(decode(data)).lstrip("+")
    except PeerFault:
        return ""


def _view(entry: _Entry, *, clear: bool) -> TracedPdu:
    seq, at_ms, link, outgoing, data, local, remote = entry
    try:
        pdu = decode(data)
    except PeerFault as fault:
        command, status, summary, number = "unreadable", "", f"{fault}: {len(data)} bytes", ""
        fields: list[tuple[str, str]] = []
    else:
        number, fields = handset_of(pdu), fields_of(pdu, clear=clear)
        command, status, summary = pdu.command.name.lower(), word_of(pdu.status), join(pdu, fields)
        if clear and (said := text_of(pdu)):
            fields.append(("text", said))
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
        data=without_password(data).hex() if clear else "",
        fields=fields,
    )
