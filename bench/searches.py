"""A store with years of traffic, and what people ask of it; asked of the store itself, without the API."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql as names

from bench.stored import AT, BEGUN_MS, FAR_MS, NUMBER, STEP, fill
from yizhan.model.message import State
from yizhan.model.settings import StoreSettings
from yizhan.store import sqlite
from yizhan.store.accept import FIRST_CLIENT_ID
from yizhan.store.accounts import insert_account
from yizhan.store.database import Database, Session
from yizhan.store.hand import driver
from yizhan.store.messages import count_waiting, list_messages
from yizhan.store.opening import open_store
from yizhan.store.partitions import extend
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.search import Filter

_TIMES = 20  # that each question is asked, each time with another answer
_ACCOUNTS = 1_000
_DAY_MS = 86_400_000
_PIECE = 2_000_000  # rows of a table's piece, as configured unless somebody changes it
_ACCOUNT = {
    "credential": "",
    "enabled": True,
    "lane": "auto",
    "signature_rule": "required",
    "signature": "",
    "allow_ips": "[]",
    "batch_send_id": False,
    "demo": False,
    "created_at_ms": 0,
}
# What ``stored.fill`` writes into a file, as far as searches look at it, in PostgreSQL's words.
_RANGE = "FROM generate_series({low}::bigint, {high}::bigint) AS value"
_OWNER, _DIGITS = "{first} + value % 1000", f"lpad(({NUMBER})::text, 8, '0')"
_IN_POSTGRESQL = (
    f"""INSERT INTO submissions (id, account_id, client_id, accepted_at_ms, send_at_ms, text, encoding, parts, cell,
    price_milli, lane, signature, keywords_checked, operation, transport, address)
SELECT value, {_OWNER}, {FIRST_CLIENT_ID} - 1 + value, {AT.replace(":begun", str(BEGUN_MS))},
    CASE WHEN value % 10 = 0 THEN {FAR_MS} END, '您的验证码是' || value || '【测试】', 'ucs2', 1, '', 1000, 1,
    'at_end', 10000, 'IntlSend', 'aspx', '127.0.0.1' {_RANGE}""",
    f"""INSERT INTO messages (id, submission_id, account_id, lane, state, number, written, parts, price_milli,
    refunded_milli, due_at_ms, attempts, uncertain, channel, word, route_key)
SELECT {FIRST_MESSAGE_KEY} - 1 + value, value, {_OWNER}, 1,
    CASE WHEN value % 100 = 1 THEN 11 WHEN value % 10 > 0 THEN 10 ELSE 1 END, '+8613' || {_DIGITS} || '8',
    '13' || {_DIGITS} || '8', 1, 1000, 0, CASE WHEN value % 10 = 0 THEN {FAR_MS} END, 1, 0,
    CASE WHEN value % 10 > 0 THEN 'bench' END, '', '' {_RANGE}""",
)


@dataclass(frozen=True)
class Answered:
    """How long answers took, sorted."""

    question: str
    system: str
    took_ms: list[float]


def _number(value: int) -> str:
    return f"+8613{value * 61803399 % 100_000_000:08d}8"


def _questions(stored: int) -> dict[str, Callable[[int], Filter]]:
    """Each by its name: what is asked the n-th time."""
    step, end_ms = stored // _TIMES, BEGUN_MS + stored * 86

    def some(n: int) -> int:
        return 1 + n * step + n

    def moment(n: int) -> int:
        return BEGUN_MS + some(n) * 86

    def account(n: int) -> str:
        return f"other{n * 37 % 900 + 1}"

    return {
        "the newest": lambda n: Filter(before=FIRST_MESSAGE_KEY + some(n) + 100),
        "a number": lambda n: Filter(number=_number(some(n))),
        "a number that there is not": lambda n: Filter(number=f"+85290000{n:03d}"),
        "a number, of an account": lambda n: Filter(number=_number(some(n)), account=account(n)),
        "a client's id": lambda n: Filter(submission=FIRST_CLIENT_ID + some(n) - 1),
        "a message's id": lambda n: Filter(message=FIRST_MESSAGE_KEY + some(n) - 1),
        "an hour": lambda n: Filter(since_ms=moment(n), until_ms=moment(n) + 3_600_000),
        "an hour, of an account": lambda n: Filter(
            account=account(n), since_ms=moment(n), until_ms=moment(n) + 3_600_000
        ),
        "the newest of an account": lambda n: Filter(account=account(n)),
        "failed, of an account": lambda n: Filter(account=f"other{n * 100 + 1}", state=State.FAILED),
        "expired": lambda _: Filter(state=State.EXPIRED),
        "scheduled": lambda _: Filter(state=State.SCHEDULED),
        "a text, of a busy day": lambda n: Filter(text=f"是{stored - 1_000 * n}【", since_ms=end_ms - _DAY_MS),
        "a text that there is not, of a busy day": lambda n: Filter(text=f"no {n}", since_ms=end_ms - _DAY_MS),
    }


def ask_all(database: Database, system: str, stored: int) -> Iterator[Answered]:
    """Every question, and what the overview counts."""
    acts: dict[str, Callable[[int], Callable[[Session], object]]] = {
        f"{name}, in {stored:,}": lambda n, ask=ask: partial(list_messages, wanted=ask(n))  # type: ignore[misc]
        for name, ask in _questions(stored).items()
    }
    acts[f"counting the tenth that waits, in {stored:,}"] = lambda _: count_waiting
    with asyncio.Runner() as runner:
        for name, act in acts.items():
            took_ms = []
            for n in range(_TIMES):
                begun_s = time.perf_counter()
                runner.run(database.search(act(n)))
                took_ms.append((time.perf_counter() - begun_s) * 1000)
            yield Answered(name, system, sorted(took_ms))


@contextlib.contextmanager
def on_sqlite(stored: int) -> Iterator[Database]:
    """So many messages in a file."""
    with TemporaryDirectory(prefix="yizhan-bench-") as folder:
        data = Path(folder)
        with _opened(data, StoreSettings()) as database, asyncio.Runner() as runner:
            runner.run(database.change(lambda session: insert_account(session, {"corp_id": "bench", **_ACCOUNT})))
        fill(data / "yizhan.db", stored)
        with _opened(data, StoreSettings()) as database:
            yield database


@contextlib.contextmanager
def on_postgresql(server: str, stored: int) -> Iterator[Database]:
    """So many in a database of their own at ``server``, which goes afterwards."""
    name = names.Identifier(f"yizhan_bench_{secrets.token_hex(4)}")
    with psycopg.connect(server, autocommit=True) as admin, TemporaryDirectory(prefix="yizhan-bench-") as folder:
        admin.execute(names.SQL("CREATE DATABASE {}").format(name))
        url = psycopg.conninfo.make_conninfo(server, dbname=name.as_string(None).strip('"'))
        try:
            with _opened(Path(folder), StoreSettings(url=_address(url))) as database:
                fill_server(database, url, stored)
                yield database
        finally:
            admin.execute(names.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def fill_server(database: Database, url: str, stored: int) -> None:
    """``stored`` messages of a thousand accounts into the empty ``database`` at ``url``."""

    def begin(session: Session) -> int:
        ids = [insert_account(session, {"corp_id": f"other{n}", **_ACCOUNT}) for n in range(_ACCOUNTS)]
        for counter, last in (("submission", stored), ("message", FIRST_MESSAGE_KEY + stored - 1)):
            driver(session).execute(sqlite.WRITE_COUNTER, (counter, last)).close()
        return ids[0]

    with asyncio.Runner() as runner, psycopg.connect(url, autocommit=True) as connection:
        first = runner.run(database.change(begin))
        runner.run(database.change(lambda session: extend(session, _PIECE)))
        connection.execute("SET synchronous_commit = off")
        for low in range(1, stored + 1, STEP):
            high = min(stored, low + STEP - 1)
            for statement in _IN_POSTGRESQL:
                connection.execute(statement.format(first=first, low=low, high=high).encode())
        connection.execute("VACUUM ANALYZE submissions, messages")  # as the server's own does in time


def _address(conninfo: str) -> str:
    info = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"postgresql://{info.get('user', '')}@{info.get('host', '')}:{info.get('port', 5432)}/{info['dbname']}"


@contextlib.contextmanager
def _opened(data: Path, settings: StoreSettings) -> Iterator[Database]:
    database = open_store(data, settings)
    try:
        yield database
    finally:
        database.close()
