"""The simulator's journal: one JSON line for each part it took, refused or reported, appended before it says so.

    {"event": "submit", "id": "0000000001", "at_ms": …, "number": "+86…", "sender": "10690000", "part": 1, "of": 1,
     "text": "…", "report": "DELIVRD", "due_ms": …}
    {"event": "refuse", "at_ms": …, "number": …, "sender": …, "part": …, "of": …, "text": …, "word": "RINVDSTADR"}
    {"event": "report", "id": "0000000001", "at_ms": …, "word": "DELIVRD"}

A file that has grown beyond its bound is put aside under a number, and the next one begins with what is still due:

    {"event": "continue", "next": 1000001, "due": [["0000000001", "DELIVRD", 1700000000000], …]}
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from yizhan.model.carriage import Receipt

_MAX_BYTES = 64 * 1024 * 1024


class Journal:
    """Append-only; what it holds survives the process. After a crash a torn last line is closed and ignored."""

    def __init__(self, path: Path, max_bytes: int = _MAX_BYTES) -> None:
        """Open ``path`` and read what an earlier process has left: ``due`` and the next id."""
        self._path = path
        self._max_bytes = max_bytes
        self.next_id = 1
        self.due: dict[str, Receipt] = {}  # carrier id -> the report that it still awaits
        if path.exists():
            self._read()
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)  # it holds texts and numbers
        if self._file.tell() and not _ends_in_newline(path):
            self._file.write(b"\n")

    def take_id(self) -> str:
        """The next part's id: ten digits, never given twice."""
        self.next_id += 1
        return f"{self.next_id - 1:010d}"

    def append(self, events: Iterable[dict[str, Any]]) -> None:
        """One write for all ``events``; they are in the file when this returns."""
        self._file.write("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode())
        if self._file.tell() > self._max_bytes:
            self._put_aside()

    def submitted(self, due: Sequence[Receipt]) -> None:
        """Reports that are due for what was just taken."""
        self.due.update((receipt.carrier_id, receipt) for receipt in due)

    def reported(self, receipts: Sequence[Receipt]) -> None:
        """The gateway has stored these reports: they need not come again."""
        for receipt in receipts:
            self.due.pop(receipt.carrier_id, None)
        self.append({"event": "report", "id": r.carrier_id, "at_ms": r.at_ms, "word": r.word} for r in receipts)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
                self.next_id = max(self.next_id, int(event["id"]) + 1)
                if event["report"] is not None:
                    self.due[event["id"]] = Receipt(event["id"], event["report"], event["due_ms"])
            case "report":
                self.due.pop(event["id"], None)
            case "continue":
                self.next_id = event["next"]
                self.due = {row[0]: Receipt(*row) for row in event["due"]}

    def _put_aside(self) -> None:
        self._file.close()
        number = 1
        while (aside := self._path.with_suffix(f".{number}{self._path.suffix}")).exists():
            number += 1
        self._path.rename(aside)
        self._file = self._path.open("ab", buffering=0)
        self._path.chmod(0o600)
        due = [[r.carrier_id, r.word, r.at_ms] for r in self.due.values()]
        self._file.write(json.dumps({"event": "continue", "next": self.next_id, "due": due}).encode() + b"\n")


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"
