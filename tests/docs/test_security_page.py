"""The threat model names tests, and they are there."""

import re

from .pages import ROOT

PAGE = ROOT / "docs" / "security.md"


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(\w+(?:/\w+)*/test_\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 25
    assert [name for name in named if not (ROOT / "tests" / f"{name}.py").is_file()] == []


def test_every_table_has_a_proof_in_each_row() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    kept = [row for row in rows if not row.startswith("| what they may want")]
    assert kept and all("/test_" in row for row in kept)
