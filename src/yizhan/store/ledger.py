"""The ledger: every entry moves an amount from one book to another; an account's balance is the sum of its entries."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from yizhan.kit.clock import to_rfc3339
from yizhan.model.money import as_number, show_credits
from yizhan.model.views import LedgerCheck, LedgerView
from yizhan.store import sqlite as sql
from yizhan.store.accept import client_id_of
from yizhan.store.hand import driver
from yizhan.store.schema import BOOK_ISSUED, BOOK_TRAFFIC

_BOOK_NAMES = {BOOK_ISSUED: "issued", BOOK_TRAFFIC: "traffic"}


def refund(raw: Any, by_account: Mapping[int, int], at_ms: int, note: str = "") -> None:
    """Pay back to each account, one entry each."""
    due = [(account_id, amount) for account_id, amount in by_account.items() if amount]
    raw.executemany(sql.CREDIT, [(amount, account_id) for account_id, amount in due])
    raw.executemany(
        sql.INSERT_ENTRY,
        [(at_ms, "refund", BOOK_TRAFFIC, account_id, amount, None, note) for account_id, amount in due],
    )


def issue(connection: Connection, account_id: int, amount_milli: int, at_ms: int, note: str) -> bool:
    """Top up (positive) or take back (negative); False when the balance does not hold what is to be taken."""
    raw = driver(connection)
    if amount_milli < 0:
        if raw.execute(sql.DEBIT, (-amount_milli, account_id, -amount_milli)).rowcount == 0:
            return False
        entry = (at_ms, "takeback", account_id, BOOK_ISSUED, -amount_milli, None, note)
    else:
        raw.execute(sql.CREDIT, (amount_milli, account_id))
        entry = (at_ms, "topup", BOOK_ISSUED, account_id, amount_milli, None, note)
    if amount_milli:
        raw.execute(sql.INSERT_ENTRY, entry)
    return True


def grant(connection: Connection, giver_id: int, taker_id: int, amount_milli: int, at_ms: int) -> bool:
    """Credit from one account to another, one entry with both of them as its sides; False when the giver lacks it."""
    raw = driver(connection)
    if raw.execute(sql.DEBIT, (amount_milli, giver_id, amount_milli)).rowcount == 0:
        return False
    raw.execute(sql.CREDIT, (amount_milli, taker_id))
    if amount_milli:
        raw.execute(sql.INSERT_ENTRY, (at_ms, "grant", giver_id, taker_id, amount_milli, None, ""))
    return True


def list_entries(
    connection: Connection, account_id: int | None, limit: int, before: int | None = None
) -> list[LedgerView]:
    """The newest entries (or those before one), of one account or of all."""
    of_account = "((debit_book = :book AND debit_book > 0) OR (credit_book = :book AND credit_book > 0))"
    conditions = [] if account_id is None else [of_account]
    conditions += [] if before is None else ["ledger.id < :before"]
    rows = connection.execute(
        text(
            "SELECT ledger.id, at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note FROM ledger "
            + (f"WHERE {' AND '.join(conditions)} " if conditions else "")
            + "ORDER BY ledger.id DESC LIMIT :limit"
        ),
        {"book": account_id, "limit": limit, "before": before},
    )
    names = {row.id: row.corp_id for row in connection.execute(text("SELECT id, corp_id FROM accounts"))} | _BOOK_NAMES
    views = []
    for row in rows:
        incoming = row.credit_book == account_id if account_id is not None else row.credit_book > 0
        own, other = (row.credit_book, row.debit_book) if incoming else (row.debit_book, row.credit_book)
        views.append(
            LedgerView(
                id=row.id,
                at=to_rfc3339(row.at_ms) or "",
                account=names.get(own, str(own)),
                kind=row.kind,
                amount=as_number(row.amount_milli if incoming else -row.amount_milli),
                other=names.get(other, str(other)),
                submission=None if row.submission_id is None else client_id_of(row.submission_id),
                note=row.note,
            )
        )
    return views


# What the rules count in of messages that went (table carried); a store from before schema 0005 has none.
_SENT_BEFORE = "(SELECT coalesce(sum(sent_milli), 0) FROM carried WHERE account_id = a.id)"
_REFUNDED_BEFORE = "(SELECT coalesce(sum(refunded_milli), 0) FROM carried WHERE account_id = a.id)"
_PRUNED = "s.pruned_milli"
# Submissions up to this one may have lost messages, or their entry, with a piece of a table (``store.partitions``).
_WHOLE = "s.id > (SELECT coalesce(max(value), 0) FROM counters WHERE name = 'pruned')"

# Each rule: what it says when broken, and a query whose rows (subject, is, should be) are the cases that break it.
_RULES: tuple[tuple[str, str], ...] = (
    (
        "account {0}: balance {1}, sum of its entries, without what was pruned, {2}",
        "SELECT corp_id, balance_milli, moved FROM (SELECT corp_id, balance_milli,"
        " (SELECT coalesce(sum(amount_milli), 0) FROM ledger WHERE credit_book = a.id AND credit_book > 0)"
        " - (SELECT coalesce(sum(amount_milli), 0) FROM ledger WHERE debit_book = a.id AND debit_book > 0)"
        f" - {_SENT_BEFORE} AS moved"
        " FROM accounts a) AS books WHERE balance_milli <> moved",
    ),
    (
        "entry {0}: amount {1} is not positive",
        "SELECT id, amount_milli, 0 FROM ledger WHERE amount_milli <= 0 OR debit_book = credit_book",
    ),
    (
        "submission {0}: price {1}, charged {2}",
        "SELECT s.client_id, s.price_milli, coalesce(sum(l.amount_milli), 0) FROM submissions s"
        " LEFT JOIN ledger l ON l.submission_id = s.id AND l.kind = 'send'"
        f" WHERE {_WHOLE} GROUP BY s.id HAVING s.price_milli <> coalesce(sum(l.amount_milli), 0)",
    ),
    (
        "submission {0}: price {1}, its messages cost {2}",
        f"SELECT s.client_id, s.price_milli, coalesce(sum(m.price_milli), 0) + {_PRUNED} FROM submissions s"
        " LEFT JOIN messages m ON m.submission_id = s.id"
        f" WHERE {_WHOLE} GROUP BY s.id HAVING s.price_milli <> coalesce(sum(m.price_milli), 0) + {_PRUNED}",
    ),
    (
        "message {0}: refunded {1}, price {2}",
        "SELECT id, refunded_milli, price_milli FROM messages WHERE refunded_milli > price_milli OR refunded_milli < 0",
    ),
    (
        "account {0}: refunds in the ledger {1}, refunds of its messages {2}",
        "SELECT corp_id, paid, due FROM (SELECT corp_id,"
        " (SELECT coalesce(sum(amount_milli), 0) FROM ledger WHERE credit_book = a.id AND credit_book > 0"
        "  AND kind = 'refund') AS paid,"
        f" coalesce(refunded, 0) + {_REFUNDED_BEFORE} AS due"
        # Messages have no index by account: all of them once, not once an account.
        " FROM accounts a LEFT JOIN (SELECT account_id, sum(refunded_milli) AS refunded FROM messages"
        " GROUP BY account_id) AS back ON back.account_id = a.id) AS books WHERE paid <> due",
    ),
)


def verify_ledger(connection: Connection, most_faults: int = 100, *, prunes: bool = True) -> LedgerCheck:
    """Hold every rule of the ledger against all rows. Reads everything: minutes on a store of many millions.

    ``prunes``: the store's schema is one that knows of retention.
    """
    faults: list[str] = []
    for says, rule in _RULES:
        query = rule
        for carried in () if prunes else (_SENT_BEFORE, _REFUNDED_BEFORE, _PRUNED):
            query = query.replace(carried, "0")
        for subject, is_milli, should_milli in connection.execute(text(f"{query} LIMIT {most_faults}")):
            faults.append(says.format(subject, show_credits(int(is_milli)), show_credits(int(should_milli))))
    accounts = connection.execute(text("SELECT count(*) FROM accounts")).scalar_one()
    entries = connection.execute(text("SELECT count(*) FROM ledger")).scalar_one()
    return LedgerCheck(accounts, entries, faults[:most_faults])
