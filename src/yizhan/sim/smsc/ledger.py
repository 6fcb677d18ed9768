"""What the SMSC has seen: every submit by number, so that loss and duplication can be asserted."""

import json
from collections import Counter
from pathlib import Path
from typing import IO, Any

from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.statuses import word_of
from yizhan.wire.smpp.table import MESSAGE_PAYLOAD
from yizhan.wire.smpp.texts import read_text


class Ledger:
    """Counts, and a log of one JSON line a submit if there is a file for it."""

    def __init__(self, log: Path | None) -> None:
        self._log: IO[str] | None = log.open("a", encoding="utf-8", buffering=1) if log else None
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self.submits = 0
        self.taken: Counter[str] = Counter()  # number -> submits that were taken
        self.contents: Counter[tuple[str, bytes]] = Counter()  # (number, bytes) -> the same part once more
        self.statuses: Counter[str] = Counter()
        self.swallowed = 0
        self.receipts = 0
        self.acknowledged = 0
        self.binds = 0
        self.disconnects = 0

    def note(self, pdu: Pdu, status: int | None, carrier_id: str, link: str, at_ms: int) -> None:
        """One submit; ``status`` None: it gets no answer."""
        number = str(pdu.body.get("destination_addr", ""))
        message = pdu.body.get("short_message", b"") or pdu.tlv(MESSAGE_PAYLOAD) or b""
        self.submits += 1
        if not status:
            self.taken[number] += 1
            self.contents[number, message] += 1
        if status is None:
            self.swallowed += 1
        self.statuses["no answer" if status is None else word_of(status)] += 1
        if self._log is not None:
            self._log.write(json.dumps(self._line(pdu, status, carrier_id, link, at_ms), ensure_ascii=False) + "\n")

    def stats(self) -> dict[str, Any]:
        """Everything as JSON has it; ``twice``: numbers of which a part with the same bytes came more than once."""
        return {
            "submits": self.submits,
            "taken": sum(self.taken.values()),
            "numbers": len(self.taken),
            "statuses": dict(self.statuses),
            "swallowed": self.swallowed,
            "twice": sorted({number for (number, _), count in self.contents.items() if count > 1}),
            "receipts": self.receipts,
            "acknowledged": self.acknowledged,
            "binds": self.binds,
            "disconnects": self.disconnects,
        }

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def _line(self, pdu: Pdu, status: int | None, carrier_id: str, link: str, at_ms: int) -> dict[str, Any]:
        said = read_text(
            int(pdu.body.get("esm_class", 0)),
            int(pdu.body.get("data_coding", 0)),
            pdu.body.get("short_message", b""),
            pdu.tlv(MESSAGE_PAYLOAD),
            tlvs=pdu.tlvs,
        )
        return {
            "at_ms": at_ms,
            "link": link,
            "number": pdu.body.get("destination_addr", ""),
            "sender": pdu.body.get("source_addr", ""),
            "text": said.text.encode("utf-8", "replace").decode(),
            "part": said.part.number if said.part else 1,
            "of": said.part.total if said.part else 1,
            "reference": said.part.reference if said.part else None,
            "data_coding": pdu.body.get("data_coding", 0),
            "answer": "no answer" if status is None else word_of(status),
            "id": carrier_id,
        }
