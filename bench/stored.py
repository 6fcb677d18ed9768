"""Years of traffic in a store, written by SQL in seconds per million: what ours must not slow down with."""

import sqlite3
from contextlib import closing
from pathlib import Path

from yizhan.store.accept import FIRST_CLIENT_ID
from yizhan.store.schema import FIRST_MESSAGE_KEY

_ACCOUNTS = 1_000
_FAR_MS = 4_102_444_800_000  # 2100
_BEGUN_MS = 1_767_225_600_000  # 2026
_STEP = 500_000

_COPY_ACCOUNTS = """
INSERT INTO accounts SELECT (SELECT max(id) FROM accounts) + value, 'other' || value, credential, enabled,
    balance_milli, lane, signature_rule, signature, allow_ips, batch_send_id, demo, created_at_ms, extension, opt_out,
    agent, agent_id
FROM accounts, numbers WHERE corp_id = 'bench' AND value <= ?"""

_RANGE = "FROM numbers WHERE value BETWEEN :low AND :high"
# One number a submission; every tenth waits for a far SendTime, the others were delivered.
_STATEMENTS = (
    f"""INSERT INTO submissions SELECT value, :first_account + value % :accounts, :first_id + value - 1, :begun + value,
    iif(value % 10, NULL, :far), '您的验证码是' || value || '【测试】', 'ucs2', 1, '', 1000, 1, 'account', 10000,
    'IntlSend', 'aspx', '127.0.0.1', 0 {_RANGE}""",
    f"""INSERT INTO messages SELECT :first_message + value - 1, value, :first_account + value % :accounts, 1,
    iif(value % 10, 10, 1), printf('+8613%08d8', value), printf('13%08d8', value), 1, 1000, 0,
    iif(value % 10, NULL, :far), 1, 0, iif(value % 10, 'bench', NULL), iif(value % 10, 'DELIVRD', ''),
    :begun + value, :begun + value, iif(value % 10, :begun + value, NULL), '' {_RANGE}""",
    f"""INSERT INTO parts SELECT :first_message + value - 1, 1, 1, 'bench', value, 10, 'DELIVRD', :begun + value,
    :begun + value, 'd' || value, 0 {_RANGE} AND value % 10""",
    f"""INSERT INTO ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note)
    SELECT :begun + value, 'send', :first_account + value % :accounts, -1, 1000, value, '' {_RANGE}""",
)


def fill(file: Path, stored: int) -> None:
    """``stored`` messages of a thousand accounts into the store ``file`` of a program that does not run."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
            database.execute(f"PRAGMA {pragma}").close()
        database.execute("CREATE TEMP TABLE numbers (value INTEGER PRIMARY KEY)")
        database.execute(
            "INSERT INTO numbers WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT i FROM n",
            (stored,),
        )
        database.execute(_COPY_ACCOUNTS, (_ACCOUNTS,))
        first_account = database.execute("SELECT id FROM accounts WHERE corp_id = 'other1'").fetchone()[0]
        for low in range(1, stored + 1, _STEP):
            high = min(stored, low + _STEP - 1)
            values = {
                "first_account": first_account,
                "accounts": _ACCOUNTS,
                "first_id": FIRST_CLIENT_ID,
                "first_message": FIRST_MESSAGE_KEY,
                "begun": _BEGUN_MS,
                "far": _FAR_MS,
                "low": low,
                "high": high,
            }
            for statement in _STATEMENTS:
                database.execute(statement, values)
        for name, value in (("submission", stored), ("message", FIRST_MESSAGE_KEY + stored - 1)):
            database.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))
        database.execute("PRAGMA journal_mode = WAL").close()
