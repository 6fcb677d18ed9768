"""The data directory: migrations, the lock, file modes, foreign files."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from yizhan.model.message import FAILING, State
from yizhan.model.settings import StoreSettings
from yizhan.store.database import Database, Locked, Unusable
from yizhan.store.migrate import HEAD, SchemaTooNew, schema_of
from yizhan.store.schema import metadata

from .rows import Store


def test_migrations_build_the_schema(store: Store) -> None:
    differences = store.ask(lambda session: compare_metadata(MigrationContext.configure(session), metadata))
    assert [str(one) for one in differences if "alembic_version" not in str(one)] == []


def test_tables_and_indexes_are_the_same_to_the_letter(store: Store) -> None:
    """Alembic does not compare conditions of indexes, nor WITHOUT ROWID."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
    migrated = dict(store.rows(query))
    engine = create_engine("sqlite+pysqlite:///:memory:")
    with engine.connect() as connection:
        metadata.create_all(connection)
        built = {row.name: row.sql for row in connection.execute(text(query))}
    engine.dispose()
    assert set(migrated) == set(built)
    for name, sql in built.items():
        assert sorted(_lines(migrated[name])) == sorted(_lines(sql)), name


def _lines(sql: str) -> list[str]:
    """Columns and constraints, one each; a column that was added later stands behind a comma on the last line."""
    return [" ".join(piece.strip("\t ").split()) for line in sql.splitlines() for piece in line.split(", ") if piece]


def test_head_is_the_newest_migration(store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", "yizhan.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    assert store.ask(schema_of) == HEAD


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(SchemaTooNew, match="9999"):
        Database(tmp_path, StoreSettings())
    with pytest.raises(SchemaTooNew):  # and not Locked: nothing was left open
        Database(tmp_path, StoreSettings())


def test_one_process_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(Locked, match="works on"):
        Database(tmp_path, StoreSettings())
    code = (
        "import sys, pathlib; from yizhan.store.database import lock_directory, Locked\n"
        "try: lock_directory(pathlib.Path(sys.argv[1]))\nexcept Locked: sys.exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 7
    store.close()
    Store(tmp_path).close()


def test_modes(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        store = Store(tmp_path / "deep" / "data")
        store.account()
    finally:
        os.umask(umask)
    data = tmp_path / "deep" / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    assert {"yizhan.db", "yizhan.db-wal", "lock"} <= set(files)
    assert set(files.values()) == {0o600}
    store.close()


def test_a_directory_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    store = Store(tmp_path)
    store.account()
    store.close()
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["a?b", "per%20cent", "驿 站", "a#b"])
def test_any_name_of_a_directory(tmp_path: Path, name: str) -> None:
    Store(tmp_path / name).close()
    assert (tmp_path / name / "yizhan.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "yizhan.db").write_bytes(b"this is a letter, not a database" * 200)
    with pytest.raises(Unusable, match="not a database"):
        Database(tmp_path, StoreSettings())


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    store = Store(tmp_path)
    account = store.account(credit_milli=5_000)
    store.act(lambda _: None)
    store.close()
    store = Store(tmp_path)
    assert store.balance(account) == 5_000
    assert store.value("PRAGMA journal_mode") == "wal"
    store.close()


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match="readonly"):
        store.ask(lambda session: session.execute(text("DELETE FROM accounts")))


HOT = [
    pytest.param("CLAIM", ("c", 1, 0, 1, "", 10), "messages_claim", id="claim"),
    pytest.param("NEXT_WAITING", (-1, -1, ""), "messages_claim", id="who waits"),
    pytest.param("PROMOTE", (1, 10), "messages_scheduled", id="promote"),
    pytest.param("NEXT_DUE", (), "messages_scheduled", id="next due"),
    pytest.param("LOSE_LEASES", (2, "c"), "messages_claim", id="lose leases"),
    pytest.param("CANCEL", (1, 1), "messages_submission", id="cancel"),
    pytest.param("KNOWN_PARTS", ("c", "[]"), "parts_carrier", id="receipts"),
    pytest.param("FINISH_PART", (1, "", 1, 1, 1, 1), "PRIMARY KEY", id="finish a part"),
    pytest.param("AWAITING_PARTS", ("+1", "c", 1), "messages_sent", id="a report without an id"),
    pytest.param("UNREPORTED", (1, "c", 1), "messages_sent", id="missing reports"),
    pytest.param("HELD", ("c", 1, 1), "messages_claim", id="held"),
    pytest.param("CROWD", (0, 1, "", 1), "messages_claim", id="a crowd"),
    pytest.param("TAKE_PARKED_FOR", ("c", "+1", 1), "parked_number", id="parked reports of a number"),
    pytest.param("TO_REKEY", (1, 2), "INTEGER PRIMARY KEY", id="new route keys"),
    pytest.param("CLIENT_ID_TAKEN", (1, 1), "submissions_client", id="client id"),
]


@pytest.mark.parametrize(("name", "values", "index"), HOT)
def test_hot_statements_use_their_index(store: Store, name: str, values: tuple[object, ...], index: str) -> None:
    from yizhan.store import sqlite

    plan = store.act(
        lambda connection: [
            row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {getattr(sqlite, name)}", values)
        ]
    )
    assert any(index in step for step in plan), plan
    assert not any(step.startswith(("SCAN messages", "SCAN parts")) and "INDEX" not in step for step in plan), plan


def test_what_had_ended_before_there_were_hand_outs_is_handed_out(tmp_path: Path) -> None:
    """A store of the first schema, with a message in every final state and one under way."""
    engine = create_engine(f"sqlite+pysqlite:///{tmp_path}/yizhan.db")
    config = Config()
    config.set_main_option("script_location", "yizhan.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO accounts VALUES (1, 'C1', 'x', 1, 0, 'auto', 'required', '', '[]', 0, 0, 1)")
        )
        for state in State:
            ended = 5_000 if state.final else None
            connection.execute(
                text(
                    "INSERT INTO messages (id, submission_id, account_id, lane, state, number, written, parts,"
                    " price_milli, refunded_milli, attempts, uncertain, word, finished_at_ms)"
                    " VALUES (:id, 1, 1, 0, :id, '+1', '1', 1, 0, 0, 0, 0, '', :ended)"
                ),
                {"id": int(state), "ended": ended},
            )
    engine.dispose()
    store = Store(tmp_path)
    try:
        reports = store.rows("SELECT item_id, at_ms FROM handouts WHERE queue = 2 ORDER BY item_id")
        assert [tuple(row) for row in reports] == [(int(state), 5_000) for state in State if state.final]
        failures = {row[0] for row in store.rows("SELECT item_id FROM handouts WHERE queue = 3")}
        assert failures == {int(state) for state in FAILING}
        assert store.rows("SELECT extension, opt_out, agent FROM accounts")[0][:] == ("", 1, 0)
    finally:
        store.close()
