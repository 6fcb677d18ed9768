"""The simulator's journal survives what a process may suffer."""

import json
import resource
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from yizhan.sim.journal import Journal, receipt_of


def take(journal: Journal, number: str = "+8613800000000", due_ms: int = 5_000) -> str:
    """Take one part as the simulator does: its id."""
    carrier_id = journal.take_id()
    event = {"event": "submit", "id": carrier_id, "number": "", "report": "DELIVRD", "due_ms": due_ms}
    journal.append([event], [receipt_of(carrier_id, "DELIVRD", due_ms)])
    return carrier_id


def events(directory: Path) -> list[dict[str, Any]]:
    """Every event of every file, torn lines left out."""
    lines = [line for path in sorted(directory.iterdir()) for line in path.read_bytes().splitlines()]
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "simulator-one.jsonl"


def test_a_new_one(path: Path) -> None:
    journal = Journal(path)
    assert journal.due == {}
    assert len({journal.take_id() for _ in range(1_000)}) == 1_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    journal.close()


def test_what_is_due_survives(path: Path) -> None:
    journal = Journal(path)
    first, second = take(journal), take(journal, due_ms=7_000)
    journal.reported([receipt_of(first, "DELIVRD", 5_000)])
    # No close: a killed process closes nothing.
    again = Journal(path)
    assert again.due == {second: receipt_of(second, "DELIVRD", 7_000)}
    assert again.take_id() not in (first, second)
    again.close()
    journal.close()


def test_no_id_twice_even_without_the_file(path: Path) -> None:
    """The store keeps the ids of parts; an operator may remove the journal."""
    ids = []
    for _ in range(5):
        journal = Journal(path)
        ids += [take(journal), take(journal)]
        journal.close()
        path.unlink()
    assert len(set(ids)) == len(ids)


def test_what_gets_no_report_is_not_due(path: Path) -> None:
    journal = Journal(path)
    journal.append([{"event": "submit", "id": journal.take_id(), "report": None, "due_ms": 5_000}])
    journal.append([{"event": "refuse", "number": "+8613800000005", "word": "RINVDSTADR"}])
    journal.close()
    again = Journal(path)
    assert again.due == {}
    again.close()


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(b'{"event": "submit", "id": "0000000002", "numb', id="in the middle"),
        pytest.param(b"{", id="after its first byte"),
        pytest.param('{"event": "submit", "text": "视'.encode()[:-1], id="inside a character"),
        pytest.param(b'{"event": "submit", "id": "00', id="inside the id"),
        pytest.param(b"17", id="what is JSON and no event"),
        pytest.param(b'{"event": "submit"}', id="an event without its fields"),
        pytest.param(b"\x00" * 100, id="zeros, as a file system leaves them after a power cut"),
    ],
)
def test_a_torn_last_line(path: Path, torn: bytes) -> None:
    journal = Journal(path)
    first = take(journal)
    journal.close()
    with path.open("ab") as file:
        file.write(torn)
    again = Journal(path)
    assert list(again.due) == [first]
    second = take(again)
    again.close()
    last = Journal(path)
    assert list(last.due) == [first, second], "what came after the torn line is whole"
    last.close()


def test_rotation_forgets_neither_ids_nor_reports(path: Path) -> None:
    journal = Journal(path, max_bytes=500)
    ids, reported = [], set()
    for number in range(60):
        ids.append(take(journal))
        if number % 3:
            journal.reported([journal.due[ids[-1]]])
            reported.add(ids[-1])
        if number % 7 == 0:  # a restart now and then, also right after the file was put aside
            journal.close()
            journal = Journal(path, max_bytes=500)
            assert set(journal.due) == set(ids) - reported
    journal.close()
    files = sorted(file.name for file in path.parent.iterdir())
    assert "simulator-one.1.jsonl" in files and "simulator-one.2.jsonl" in files and len(files) > 5
    assert len(set(ids)) == 60
    submitted = [event["id"] for event in events(path.parent) if event["event"] == "submit"]
    assert sorted(submitted) == sorted(ids), "no line was lost or doubled"
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_the_part_that_fills_the_file_is_still_due(path: Path) -> None:
    journal = Journal(path, max_bytes=1)
    first = take(journal)
    journal.close()
    again = Journal(path, max_bytes=1)
    assert list(again.due) == [first]
    again.close()


def test_a_crash_while_the_file_is_put_aside(path: Path) -> None:
    """Between its two renamings there is no file under the journal's name: the prepared one takes its place."""
    journal = Journal(path, max_bytes=1)
    first = take(journal)
    journal.close()
    path.rename(path.with_suffix(".next.jsonl"))
    again = Journal(path)
    assert list(again.due) == [first]
    again.close()
    assert not path.with_suffix(".next.jsonl").exists()


def test_a_crash_before_the_file_is_put_aside(path: Path) -> None:
    """The prepared file of an earlier try is no more than waste; the full one counts."""
    journal = Journal(path)
    first = take(journal)
    journal.close()
    path.with_suffix(".next.jsonl").write_text('{"event": "continue", "next": 1, "due": []}\n')
    again = Journal(path, max_bytes=1)
    assert list(again.due) == [first]
    second = take(again)
    again.close()
    last = Journal(path)
    assert list(last.due) == [first, second]
    last.close()


def test_a_full_disk_leaves_no_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "simulator-full.jsonl"
    journal = Journal(path)
    journal.append([{"event": "refuse", "text": "one"}])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            journal.append([{"event": "refuse", "text": "x" * 1_000}], [receipt_of("a-1", "DELIVRD", 1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert journal.due == {}, "what was not written does not count"
    journal.append([{"event": "refuse", "text": "two"}])
    journal.close()
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one", "two"]
