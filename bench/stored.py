"""Years of traffic in a store, written by SQL in seconds per million: what ours must not slow down with."""

import sqlite3
from contextlib import closing
from pathlib import Path

from yizhan.store.accept import FIRST_CLIENT_ID
from yizhan.store.schema import FIRST_MESSAGE_KEY

_ACCOUNTS = 1_000
FAR_MS = 4_102_444_800_000  # 2100
BEGUN_MS = 1_767_225_600_000  # 2026
STEP = 500_000

_COPY_ACCOUNTS = """
INSERT INTO accounts SELECT (SELECT max(id) FROM accounts) + value, 'other' || value, credential, enabled,
    balance_milli, lane, signature_rule, signature, allow_ips, batch_send_id, demo, created_at_ms, extension, opt_out,
    agent, agent_id
FROM accounts, numbers WHERE corp_id = 'bench' AND value <= ?"""

_RANGE = "FROM numbers WHERE value BETWEEN :low AND :high"
# One number a submission; every tenth waits for a far SendTime, one in a hundred has failed and was paid back, the
# others were delivered. A tenth has a report that nobody has fetched, one in fifty a reply.
_OWNER = ":first_account + value % :accounts"
_MESSAGE = ":first_message + value - 1"
AT = ":begun + value * 86"  # a million a day
# Scattered, as numbers are: the factor has nothing in common with 10^8, so each comes once.
NUMBER = "value * 61803399 % 100000000"
_FAILED = "value % 100 = 1"
_ENDED = f"iif(value % 10, {AT}, NULL)"
_WORD = f"iif({_FAILED}, 'UNDELIV', 'DELIVRD')"
_ENTRY = "INSERT INTO ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note)"
_STATEMENTS = (
    f"""INSERT INTO submissions SELECT value, {_OWNER}, :first_id + value - 1, {AT},
    iif(value % 10, NULL, :far), '您的验证码是' || value || '【测试】', 'ucs2', 1, '', 1000, 1, 'at_end', 10000,
    'IntlSend', 'aspx', '127.0.0.1', 0 {_RANGE}""",
    f"""INSERT INTO messages SELECT {_MESSAGE}, value, {_OWNER}, 1,
    CASE WHEN {_FAILED} THEN 11 WHEN value % 10 THEN 10 ELSE 1 END, printf('+8613%08d8', {NUMBER}),
    printf('13%08d8', {NUMBER}), 1, 1000, iif({_FAILED}, 1000, 0), iif(value % 10, NULL, :far), 1, 0,
    iif(value % 10, 'bench', NULL), iif(value % 10, {_WORD}, ''), {_ENDED}, {_ENDED}, {_ENDED}, '', 0 {_RANGE}""",
    f"""INSERT INTO parts SELECT {_MESSAGE}, 1, 1, 'bench', value, iif({_FAILED}, 11, 10), {_WORD}, {AT}, {AT},
    'd' || value, 0 {_RANGE} AND value % 10""",
    f"{_ENTRY} SELECT {AT}, 'send', {_OWNER}, -1, 1000, value, '' {_RANGE}",
    f"{_ENTRY} SELECT {AT}, 'refund', -1, {_OWNER}, 1000, NULL, '' {_RANGE} AND {_FAILED}",
    f"INSERT INTO handouts SELECT 2, {_OWNER}, {AT}, {_MESSAGE}, 0 {_RANGE} AND value % 10 = 1",
    f"INSERT INTO handouts SELECT 3, {_OWNER}, {AT}, {_MESSAGE}, 0 {_RANGE} AND {_FAILED}",
    f"""INSERT INTO replies SELECT value, {_OWNER}, 'bench', printf('+8613%08d8', {NUMBER}), '1069', '',
    '收到' || value, 0, {AT} {_RANGE} AND value % 50 = 2""",
    "INSERT INTO handouts SELECT 1, account_id, at_ms, id, 0 FROM replies WHERE id BETWEEN :low AND :high",
)
# What the accounts have, and what they have spent, was once topped up: the ledger holds.
_TOP_UP = f"""{_ENTRY}
SELECT created_at_ms, 'topup', 0, a.id, balance_milli + coalesce(spent, 0), NULL, ''
FROM accounts a LEFT JOIN (
    SELECT account_id, sum(price_milli - refunded_milli) AS spent FROM messages GROUP BY account_id
) ON account_id = a.id
WHERE a.id >= ? AND balance_milli + coalesce(spent, 0) > 0"""


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
        for low in range(1, stored + 1, STEP):
            high = min(stored, low + STEP - 1)
            values = {
                "first_account": first_account,
                "accounts": _ACCOUNTS,
                "first_id": FIRST_CLIENT_ID,
                "first_message": FIRST_MESSAGE_KEY,
                "begun": BEGUN_MS,
                "far": FAR_MS,
                "low": low,
                "high": high,
            }
            for statement in _STATEMENTS:
                database.execute(statement, values)
        database.execute(_TOP_UP, (first_account,))
        for name, value in (("submission", stored), ("message", FIRST_MESSAGE_KEY + stored - 1)):
            database.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))
        database.execute("PRAGMA journal_mode = WAL").close()
