"""The hot statements in PostgreSQL's words, each under the name that it has in ``store.sqlite``.

Most of them are the same sentence with other signs for parameters, and are translated. Those that run once a row on
SQLite are written here for all rows at once, since each statement is a way to the server and back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yizhan.model.handout import Queue
from yizhan.model.message import State
from yizhan.policy.route_key import BOUND
from yizhan.store import sqlite
from yizhan.store.hint import Hint


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement for many rows at once: ``$1`` is an array of their first values, and so on.

    ``key``: columns of which a later row takes the place of an earlier one, as it would if they came one by one.
    """

    text: str
    key: tuple[int, ...] = ()

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """The parameters for some rows, of which there must be one."""
        if self.key:
            by_key = {tuple(row[place] for place in self.key): row for row in rows}
            rows = [by_key[key] for key in sorted(by_key)]  # by key, so that two nodes do not wait for each other
        return [list(column) for column in zip(*rows, strict=True)]


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows that are only added, by COPY; ``constants`` stand behind the values of each."""

    text: str
    constants: tuple[Any, ...] = ()


Statement = str | Rows | Copy


def _insert(table: str, columns: str, types: str, select: str) -> str:
    """An INSERT of rows from arrays named ``a``, ``b``, ... ."""
    return f"INSERT INTO {table} ({columns}) SELECT {select} FROM {_arrays(types)}"


def _arrays(types: str) -> str:
    """``unnest`` of one array parameter a type, as ``v(a, b, ...)``."""
    arrays = ", ".join(f"${place}::{one}[]" for place, one in enumerate(types.split(), 1))
    names = ", ".join("abcdefghijklmnop"[: len(types.split())])
    return f"unnest({arrays}) AS v({names})"


_DUE = f"state = {State.QUEUED:d} AND due_at_ms IS NOT NULL"
_FETCHED = "NOT EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = m.account_id)"
_AWAITED = f"substr(m.route_key, 1, 1) <> '{BOUND}'"

_OWN: dict[str, Statement] = {
    "CREDIT": Rows(
        f"UPDATE accounts SET balance_milli = balance_milli + a FROM {_arrays('bigint bigint')} WHERE id = b", key=(1,)
    ),
    "TAKE_KEYS": "SELECT take_keys($1, $2)",
    "READ_COUNTER": "SELECT last_value FROM pg_sequences WHERE sequencename = $1 || '_keys' AND last_value IS NOT NULL",
    "WRITE_COUNTER": "SELECT setval($1 || '_keys', greatest($2, 1), $2 > 0)",
    "INSERT_SUBMISSION": Copy(
        "COPY submissions (id, account_id, client_id, accepted_at_ms, send_at_ms, text, encoding, parts, cell,"
        " price_milli, lane, signature, keywords_checked, operation, transport, address) FROM STDIN"
    ),
    "INSERT_REQUEST": Copy("COPY requests (submission_id, raw, size) FROM STDIN"),
    "INSERT_MESSAGE": Copy(
        "COPY messages (id, submission_id, account_id, lane, state, number, written, parts, price_milli, due_at_ms,"
        " finished_at_ms, route_key, refunded_milli, attempts, uncertain, word) FROM STDIN",
        (0, 0, 0, ""),
    ),
    "INSERT_ENTRY": Copy(
        "COPY ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note) FROM STDIN"
    ),
    "CLAIM": f"""
WITH picked AS (
    SELECT id FROM messages
    WHERE {_DUE} AND lane = $3 AND account_id = $4 AND route_key = $5 AND due_at_ms <= $2
    ORDER BY due_at_ms, id LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED)
UPDATE messages AS m SET state = {State.SENDING:d}, channel = $1, claimed_at_ms = $2, attempts = attempts + 1,
    epoch = $7
FROM picked WHERE m.id = picked.id RETURNING m.id, m.submission_id, m.number""",
    "PROMOTE": f"""
UPDATE messages SET state = {State.QUEUED:d}
WHERE id = ANY(ARRAY(
    SELECT id FROM messages WHERE state = {State.SCHEDULED:d} AND due_at_ms <= $1
    ORDER BY due_at_ms LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))
RETURNING lane, account_id, route_key""",
    "INSERT_PART": Rows(
        "INSERT INTO parts (message_id, attempt, part, channel, carrier_id, carrier_key, pieces, state, word,"
        " answered_at_ms, finished_at_ms) SELECT m.id, m.attempts, a, b, c, d, e, f, g, h, i FROM "
        + _arrays("smallint text text text smallint smallint text bigint bigint bigint")
        + " JOIN messages AS m ON m.id = j ON CONFLICT DO NOTHING"
    ),
    "FINISH_PART": Rows(
        "UPDATE parts SET state = a, word = b, finished_at_ms = c FROM "
        + _arrays("smallint text bigint bigint smallint smallint")
        + " WHERE message_id = d AND attempt = e AND part = f",
        key=(3, 4, 5),
    ),
    "SETTLE_MESSAGE": Rows(
        "UPDATE messages SET state = a, word = b, due_at_ms = NULL, sent_at_ms = coalesce(sent_at_ms, c),"
        f" finished_at_ms = d FROM {_arrays('smallint text bigint bigint bigint')} WHERE id = e",
        key=(4,),
    ),
    "GIVE_BACK": Rows(
        "UPDATE messages SET state = a, due_at_ms = b, word = c, uncertain = uncertain + d, attempts = attempts - e,"
        f" route_key = route_key || f FROM {_arrays('smallint bigint text smallint smallint text bigint')}"
        f" WHERE id = g AND state = {State.SENDING:d}",
        key=(6,),
    ),
    "REFUND_MESSAGE": Rows(
        f"UPDATE messages SET refunded_milli = refunded_milli + a FROM {_arrays('bigint bigint')} WHERE id = b",
        key=(1,),
    ),
    "REKEY": Rows(f"UPDATE messages SET route_key = a FROM {_arrays('text bigint')} WHERE id = b", key=(1,)),
    "UNREPORTED_PARTS": Rows(
        f"UPDATE parts SET state = {State.UNKNOWN:d}, word = 'UNKNOWN', finished_at_ms = a"
        f" FROM {_arrays('bigint bigint')} WHERE state = {State.SENT:d} AND message_id = b"
    ),
    "HAND_OUT": Rows(
        _insert(
            "handouts",
            "queue, account_id, at_ms, item_id, leased_until_ms",
            "smallint bigint bigint bigint",
            "a, b, c, d, 0",
        )
    ),
    "HAND_OUT_REPORT": Rows(
        "INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)"
        f" SELECT {Queue.REPORTS:d}, m.account_id, a, m.id, 0 FROM {_arrays('bigint bigint')}"
        f" JOIN messages AS m ON m.id = b WHERE m.state < {State.DELIVERED:d} AND {_FETCHED} AND {_AWAITED}"
    ),
    "HAND_OUT_FAILURE": Rows(
        "INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)"
        f" SELECT {Queue.FAILURES:d}, m.account_id, a, m.id, 0 FROM {_arrays('bigint bigint')}"
        f" JOIN messages AS m ON m.id = b"
        f" WHERE (m.state < {State.DELIVERED:d} OR m.state = {State.UNKNOWN:d}) AND {_FETCHED} AND {_AWAITED}"
    ),
    "PUSH_REPORT": Rows(
        "INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)"
        f" SELECT m.account_id, {Queue.REPORTS:d}, m.id, m.number, a, 0, a, false, ''"
        f" FROM {_arrays('bigint bigint')} JOIN messages AS m ON m.id = b"
        f" WHERE m.state < {State.DELIVERED:d} AND NOT {_FETCHED} AND {_AWAITED}"
    ),
    "PUSH": Rows(
        _insert(
            "pushes",
            "account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said",
            "bigint smallint bigint text bigint",
            "a, b, c, d, e, 0, e, false, ''",
        )
    ),
    "LEASE_HANDOUT": Rows(
        f"UPDATE handouts SET leased_until_ms = a FROM {_arrays('bigint smallint bigint bigint bigint')}"
        " WHERE queue = b AND account_id = c AND at_ms = d AND item_id = e"
    ),
    "CONFIRM_HANDOUT": Rows(
        f"DELETE FROM handouts USING {_arrays('smallint bigint bigint bigint')}"
        " WHERE queue = a AND account_id = b AND at_ms = c AND item_id = d"
    ),
    "RELEASE_HANDOUT": Rows(
        f"UPDATE handouts SET leased_until_ms = 0 FROM {_arrays('smallint bigint bigint bigint bigint')}"
        " WHERE queue = a AND account_id = b AND at_ms = c AND item_id = d AND leased_until_ms = e"
    ),
    "RETRY_PUSH": Rows(
        "UPDATE pushes SET attempts = attempts + 1, next_at_ms = coalesce(a, next_at_ms), parked = b, said = c"
        f" FROM {_arrays('bigint boolean text bigint')} WHERE id = d"
    ),
    "LAST_SENDER": """
SELECT recent.account_id FROM
    (SELECT id, submission_id, account_id, number FROM messages ORDER BY id DESC LIMIT $1) AS recent
JOIN submissions ON submissions.id = recent.submission_id
WHERE recent.number = $2
    AND recent.account_id = ANY(ARRAY(SELECT jsonb_array_elements_text($3::jsonb)::bigint))
ORDER BY (submissions.cell = $4) DESC, recent.id DESC LIMIT 1""",
}

# The same sentences, but others may change these rows at the same moment: they are locked, or left to whoever has them.
_LOCKED = {
    "HOLD_EPOCH": "FOR SHARE",
    "OF_EPOCH": "ORDER BY id FOR NO KEY UPDATE",
    "LOCK_MESSAGES": "FOR NO KEY UPDATE",
    "PAID": "ORDER BY id FOR NO KEY UPDATE",
    "GIVEN_UP": "ORDER BY id FOR NO KEY UPDATE",
    "STILL_PAID": "ORDER BY id FOR NO KEY UPDATE",
    "KNOWN_PARTS": "FOR NO KEY UPDATE OF parts",
    "AWAITING_PARTS": "FOR NO KEY UPDATE OF parts",
    "PARKED": "ORDER BY carrier_key, number FOR UPDATE",
    "PARKED_WITHOUT_ID": "ORDER BY number FOR UPDATE",
    "WAITING_REPLIES": "FOR UPDATE OF handouts SKIP LOCKED",
    "WAITING_REPORTS": "FOR UPDATE OF handouts SKIP LOCKED",
}

# Other nodes hear of it with the commit.
_TELLING = {"TOUCH": f"RETURNING pg_notify('{Hint.SETTINGS}', '')"}

# What only the file of SQLite knows of.
ONLY_SQLITE = frozenset({"LAST_PUSH", "FORGET_LAST_PUSH", "WRITE_LAST_PUSH"})

_LISTS = {"id": "jsonb_array_elements_text({})::bigint", "word": "jsonb_array_elements_text({})"}


def translated(text: str) -> str:
    """A statement of ``store.sqlite`` in PostgreSQL's words."""
    if "?1" in text:
        text = text.replace("?", "$")
    else:
        pieces = text.split("?")
        text = pieces[0] + "".join(f"${place}{piece}" for place, piece in enumerate(pieces[1:], 1))
    text = re.sub(
        r"IN \(SELECT value AS (id|word) FROM json_each\((\$\d+)\)\)",
        lambda found: f"= ANY(ARRAY(SELECT {_LISTS[found[1]].format(found[2] + '::jsonb')}))",
        text,
    )
    text = re.sub(r" INDEXED BY \w+", "", text)
    text = re.sub(r"((?:\w+\.)?parked) = 0", r"NOT \1", text)
    return text.replace("CROSS JOIN", "JOIN")


def _all() -> dict[str, Statement]:
    known = {name: text for name, text in vars(sqlite).items() if name.isupper() and isinstance(text, str)}
    return {
        text: _OWN.get(name) or f"{translated(text)} {(_LOCKED | _TELLING).get(name, '')}"
        for name, text in known.items()
        if name not in ONLY_SQLITE and not name.startswith("_")
    }


# By SQLite's text, which is what verbs give.
STATEMENTS = _all()
