"""Every hot statement goes through an index: a walk over a table costs more with every message that is kept."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from yizhan.model.settings import StoreSettings
from yizhan.store import sqlite as sql
from yizhan.store.database import Database

STATEMENTS = {
    name: text
    for name, text in vars(sql).items()
    if name.isupper() and not name.startswith("_") and isinstance(text, str) and not text.lstrip().startswith("INSERT")
}
# Walks over few rows, or through an index as a whole.
ALLOWED = {
    "SCAN json_each",
    "SCAN wanted",
    "SCAN parked_receipts",  # an hourly clean-up of a small table
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, migrated."""
    data = tmp_path_factory.mktemp("plans")
    Database(data, StoreSettings()).close()
    return data / "yizhan.db"


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_hot_statement_walks_over_no_table(database: Path, name: str) -> None:
    text = STATEMENTS[name]
    with contextlib.closing(sqlite3.connect(database)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?"))]
    assert plan
    for step in plan:
        assert not step.startswith("SCAN") or any(step.startswith(allowed) for allowed in ALLOWED), plan
        # An index that is entered by the channel alone holds every part ever sent there.
        assert not re.search(r"parts_carrier \(channel=\?( AND carrier_id>\?)?\)", step), plan
