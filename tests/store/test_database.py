"""The data directory: migrations, the lock, file modes, foreign files."""

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from yizhan.model.message import FAILING, State
from yizhan.model.settings import StoreSettings
from yizhan.store import sqlite
from yizhan.store.directory import Locked, Unusable
from yizhan.store.hand import driver
from yizhan.store.migrate import HEAD, SchemaTooNew, schema_of
from yizhan.store.opening import open_store
from yizhan.store.partitions import KEYS, pieces
from yizhan.store.postgres import STATEMENTS, Copy, Rows
from yizhan.store.schema import metadata

from .rows import Store, on_every_postgresql, on_postgresql, on_sqlite


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # it cannot compare such: the next test does
def test_migrations_build_the_schema(store: Store, engine: str) -> None:
    """Two things are PostgreSQL's own: the pieces of its large tables, and that their key stands in what is unique."""
    divided = () if engine == "sqlite" else tuple(KEYS)

    def differences(session: Connection) -> list[str]:
        own = {"alembic_version", *(piece.name for table in divided for piece in pieces(session, table))}
        options = {"include_name": lambda name, kind, _: kind != "table" or name not in own}
        return [str(one) for one in compare_metadata(MigrationContext.configure(session, opts=options), metadata)]

    assert [one for one in store.ask(differences) if not (divided and "submissions_client" in one)] == []


@on_sqlite
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


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path, settings: StoreSettings) -> None:
    store = Store(tmp_path, settings)
    store.sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    store = Store(tmp_path, settings)  # whoever has made it 9999 says that programs like this one may go on
    store.sql("UPDATE schema_floor SET revision = '9999'")
    store.close()
    with pytest.raises(SchemaTooNew, match="9999"):
        open_store(tmp_path, settings)
    with pytest.raises(SchemaTooNew):  # and not Locked: nothing was left open
        open_store(tmp_path, settings)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(Locked, match="works on"):
        open_store(tmp_path, StoreSettings())
    code = (
        "import sys, pathlib; from yizhan.store.directory import lock_directory, Locked\n"
        "try: lock_directory(pathlib.Path(sys.argv[1]))\nexcept Locked: sys.exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 7
    store.close()
    Store(tmp_path).close()


def test_modes(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        store = open_store(tmp_path / "deep" / "data", StoreSettings())
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
        open_store(tmp_path, StoreSettings())


def test_what_was_committed_is_there_after_reopening(tmp_path: Path, settings: StoreSettings) -> None:
    store = Store(tmp_path, settings)
    account = store.account(credit_milli=5_000)
    store.act(lambda _: None)
    store.close()
    store = Store(tmp_path, settings)
    assert store.balance(account) == 5_000
    store.close()


@on_sqlite
def test_the_log_is_written_ahead(store: Store) -> None:
    assert store.value("PRAGMA journal_mode") == "wal"


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        store.ask(lambda session: session.execute(text("DELETE FROM accounts")))


PARKED_KEY = "USING PRIMARY KEY (channel=? AND carrier_key=?"

HOT = [
    pytest.param("CLAIM", ("c", 1, 0, 1, "", 10, 0), "messages_claim", id="claim"),
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
    pytest.param("PARKED_WITHOUT_ID", ("c", "[]"), PARKED_KEY, id="parked reports without an id"),
    pytest.param("TO_REKEY", (1, 2), "INTEGER PRIMARY KEY", id="new route keys"),
    pytest.param("CLIENT_ID_TAKEN", (1, 1), "submissions_client", id="client id"),
]


@on_sqlite
@pytest.mark.parametrize(("name", "values", "index"), HOT)
def test_hot_statements_use_their_index(store: Store, name: str, values: tuple[object, ...], index: str) -> None:
    plan = store.act(
        lambda connection: [
            row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {getattr(sqlite, name)}", values)
        ]
    )
    assert any(index in step for step in plan), plan
    assert not any(step.startswith(("SCAN messages", "SCAN parts")) and "INDEX" not in step for step in plan), plan


@on_every_postgresql
@pytest.mark.parametrize(("name", "values", "index"), [case for case in HOT if case.id != "new route keys"])
def test_hot_statements_use_their_index_on_a_server(
    store: Store, name: str, values: tuple[object, ...], index: str
) -> None:
    """On a small table PostgreSQL would read all of it; forbidden to, it must find another way by that index."""
    statement = STATEMENTS[getattr(sqlite, name)]
    words = statement if isinstance(statement, str) else statement.text
    parameters: Sequence[object] = statement.columns([values]) if isinstance(statement, Rows) else values

    def explain(connection: Connection) -> list[str]:
        server: psycopg.Connection[tuple[str]] = driver(connection).server
        server.execute("SET LOCAL enable_seqscan = off")
        server.execute("SET LOCAL enable_bitmapscan = off")
        return [row[0] for row in psycopg.RawCursor(server).execute(f"EXPLAIN {words}", parameters).fetchall()]

    plan = store.act(explain)
    pkeys = {"PRIMARY KEY": "parts_pkey", "INTEGER PRIMARY KEY": "messages_pkey", PARKED_KEY: "parked_number"}
    pkey = pkeys.get(index, index)
    assert any(pkey in step for step in plan), plan
    assert not any("Seq Scan on messages" in step or "Seq Scan on parts" in step for step in plan), plan


@on_postgresql
def test_every_text_is_in_the_order_of_its_characters(store: Store) -> None:
    query = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND data_type IN ('character varying', 'text') AND collation_name IS DISTINCT FROM 'C'"
        " AND table_name <> 'alembic_version'"
    )
    assert store.rows(query) == []


@on_every_postgresql
def test_indexes_hold_the_rows_that_they_should(store: Store) -> None:
    """Alembic does not compare conditions of indexes."""
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    found = dict(store.rows(query))
    for table in metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options["postgresql"]["where"]
            condition = found[str(index.name)].partition(" WHERE ")[2]
            bare = condition.replace("(", "").replace(")", "").replace("::bigint", "").replace("::text", "")
            assert bare == ("" if where is None else str(where)), index.name


@on_every_postgresql
def test_the_server_understands_every_statement(store: Store) -> None:
    """Tables, columns, types and grammar of each, whether or not a test runs it here."""

    def parse(connection: Connection) -> list[str]:
        server = driver(connection).server.pgconn
        said = []
        for ours, theirs in list(STATEMENTS.items()):
            if isinstance(theirs, Copy):
                continue
            words = theirs.text if isinstance(theirs, Rows) else theirs
            result = server.prepare(b"", words.encode())
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                said.append(f"{ours}: {result.error_message.decode()}")
                server.exec_(b"ROLLBACK")
                server.exec_(b"BEGIN")
        return said

    assert store.act(parse) == []


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        pytest.param("NEXT_WAITING", "> ($1, $2, $3)", id="signs in their order"),
        pytest.param("LOCK_MESSAGES", "= ANY(ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint))", id="ids"),
        pytest.param("PARKED", "= ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))", id="words"),
        pytest.param("DUE_PUSHES", "AND NOT earlier.parked", id="what is parked"),
    ],
)
def test_statements_in_the_other_words(name: str, theirs: str) -> None:
    assert theirs in str(STATEMENTS[getattr(sqlite, name)])


def test_no_statement_means_two() -> None:
    names = [name for name, text in vars(sqlite).items() if name.isupper() and isinstance(text, str)]
    texts = [getattr(sqlite, name) for name in names if not name.startswith("_")]
    assert len(set(texts)) == len(texts)


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
