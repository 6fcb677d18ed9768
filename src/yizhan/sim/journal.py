"""The simulator's journal: one JSON line for each part it took, refused or reported, appended before it says so.

    {"event": "submit", "id": "5f0c93a1-1", "at_ms": …, "number": "+86…", "sender": "10690000", "part": 1, "of": 1,
     "text": "…", "report": "DELIVRD", "due_ms": …}
    {"event": "refuse", "at_ms": …, "number": …, "sender": …, "part": …, "of": …, "text": …, "word": "RINVDSTADR"}
    {"event": "report", "id": "5f0c93a1-1", "at_ms": …, "word": "DELIVRD"}
    {"event": "reply", "at_ms": …, "number": "+86…", "to": "1069000012", "text": "…"}

A file that has grown beyond its bound is put aside under a number, and the next one begins with what is still due:

    {"event": "continue", "due": [["5f0c93a1-1", "DELIVRD", 1700000000000, "+86…"], …]}

An id is a series, drawn at every start, and a count in it: whatever a power failure or an operator takes from the
journal, no id is ever given twice.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from yizhan.model.carriage import Receipt
from yizhan.wire.smpp.receipts import id_key

_MAX_BYTES = 64 * 1024 * 1024


class Journal:
    """Append-only; what it holds survives the process. After a crash a torn last line is closed and ignored."""

    def __init__(self, path: Path, max_bytes: int = _MAX_BYTES) -> None:
        """Open ``path`` and read what an earlier process has left in it: ``due``."""
        self._path = path
        self._next_path = path.with_suffix(f".next{path.suffix}")
        self._max_bytes = max_bytes
        self._series = secrets.token_hex(4)
        self._count = 0
        self.due: dict[str, Receipt] = {}  # carrier id -> the report that it still awaits
        if not path.exists() and self._next_path.exists():
            self._next_path.rename(path)  # a crash came between the two steps of putting a full file aside
        if path.exists():
            self._read()
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)  # it holds texts and numbers
        if self._file.tell() and not _ends_in_newline(path):
            self._file.write(b"\n")

    def take_id(self) -> str:
        """The next part's id, never given twice."""
        self._count += 1
        return f"{self._series}-{self._count}"

    def append(self, events: Iterable[dict[str, Any]], due: Sequence[Receipt] = ()) -> None:
        """One write for all ``events``; they are in the file when this returns. ``due``: the reports they will get.

        OSError when the disk is full; then none of them counts.
        """
        self._write("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode())
        # Before the file is put aside: the next one begins with everything that is due.
        self.due.update((receipt.carrier_id, receipt) for receipt in due)
        if self._file.tell() > self._max_bytes:
            with suppress(OSError):  # no room for the next file: this one goes on
                self._put_aside()

    def reported(self, receipts: Sequence[Receipt]) -> None:
        """The gateway has stored these reports: they need not come again."""
        for receipt in receipts:
            self.due.pop(receipt.carrier_id, None)
        self.append([{"event": "report", "id": r.carrier_id, "at_ms": r.at_ms, "word": r.word} for r in receipts])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, lines: bytes) -> None:
        """All of ``lines``, or what little of them got there is cut off again."""
        end = self._file.tell()
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(end)
            raise

    def _read(self) -> None:
        with self._path.open("rb") as lines:
            for line in lines:
                try:
                    self._recall(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    continue  # a line torn by a crash was never answered

    def _recall(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "submit":
                if event["report"] is not None:
                    self.due[event["id"]] = receipt_of(event["id"], event["report"], event["due_ms"], event["number"])
            case "report":
                self.due.pop(event["id"], None)
            case "continue":
                # A file of an earlier release has no numbers here.
                self.due = {row[0]: receipt_of(row[0], row[1], row[2], *row[3:]) for row in event["due"]}

    def _put_aside(self) -> None:
        """The next file is complete before this one goes, so that no crash forgets what is due."""
        due = [[r.carrier_id, r.word, r.at_ms, r.number] for r in self.due.values()]
        following = self._next_path.open("wb", buffering=0)
        self._next_path.chmod(0o600)
        following.write(json.dumps({"event": "continue", "due": due}).encode() + b"\n")
        number = 1
        while (aside := self._path.with_suffix(f".{number}{self._path.suffix}")).exists():
            number += 1
        self._file.close()
        self._path.rename(aside)
        self._next_path.rename(self._path)
        self._file = following


def receipt_of(carrier_id: str, word: str, at_ms: int, number: str = "") -> Receipt:
    """A report of the simulator's: it spells its ids in one way only."""
    return Receipt((id_key(carrier_id),), word, at_ms, number, carrier_id)


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"
