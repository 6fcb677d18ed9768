"""A real store in a directory of its own, and the values that tests put into it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, text

from embedded import lay_store
from yizhan.model.call import Call, Transport
from yizhan.model.message import Lane, State
from yizhan.model.operation import FAMILY
from yizhan.model.settings import StoreSettings
from yizhan.model.submission import Admitted, Encoding, Recipient, SignatureFound
from yizhan.store import sqlite
from yizhan.store.accounts import balance_of, insert_account
from yizhan.store.committer import Turn
from yizhan.store.hand import driver
from yizhan.store.ledger import issue, verify_ledger
from yizhan.store.line import Verb
from yizhan.store.opening import open_store

# For a test of what only the embedded engine has.
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_every_postgresql = pytest.mark.parametrize("engine", ["postgresql", "postgresql-18"], indirect=True)
on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)

A = TypeVar("A")
R = TypeVar("R")


class Store:
    """An open database with a loop of its own, so that tests can be plain functions."""

    def __init__(self, data: Path, settings: StoreSettings | None = None) -> None:
        self.runner = asyncio.Runner()
        if settings is None or settings == StoreSettings():
            lay_store(data)
        self.database = open_store(data, settings or StoreSettings())

    def close(self) -> None:
        """Close both."""
        self.database.close()
        self.runner.close()

    def do(self, verb: Verb[A, R], *arguments: A, turn: Turn = Turn.CARE) -> Sequence[R]:
        """``verb`` on all arguments at the same time; their results once committed."""

        async def all_at_once() -> Sequence[R]:
            return await asyncio.gather(*(self.database.write(turn, verb, argument) for argument in arguments))

        return self.runner.run(all_at_once())

    def act(self, change: Callable[[Connection], R]) -> R:
        """A cold change."""
        return self.runner.run(self.database.change(change))

    def ask(self, question: Callable[[Connection], R]) -> R:
        """Read what is committed, through a connection of its own."""
        return self.runner.run(self.database.read(question))

    def sql(self, statement: str, **values: Any) -> None:
        """Break or arrange something by hand."""
        self.act(lambda connection: connection.execute(text(statement), values).close())

    def set_counter(self, name: str, value: int) -> None:
        """The last value that a counter has given out."""
        self.act(lambda connection: driver(connection).execute(sqlite.WRITE_COUNTER, (name, value)).close())
        self.runner.run(self.database.tend())  # as a node does before so many have been given out

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.ask(lambda connection: [tuple(row) for row in connection.execute(text(query), values)])

    def value(self, query: str, **values: Any) -> Any:
        """The one value of a query."""
        ((value,),) = self.rows(query, **values)
        return value

    def account(self, corp_id: str = "C1", credit_milli: int = 0) -> int:
        """A new account: its id."""
        row = {
            "corp_id": corp_id,
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
        account_id = self.act(lambda connection: insert_account(connection, row))
        self.act(lambda connection: issue(connection, account_id, credit_milli, 0, "first credit"))
        return account_id

    def balance(self, account_id: int) -> int:
        """The balance in 1/1000 条."""
        return self.ask(lambda connection: balance_of(connection, account_id))

    def states(self) -> dict[int, State]:
        """Every message's state."""
        return {key: State(state) for key, state in self.rows("SELECT id, state FROM messages")}

    def faults(self) -> list[str]:
        """What ``ledger verify`` finds."""
        return self.ask(verify_ledger).faults


def recipient(number: str = "+8613800000000", state: State = State.QUEUED, price_milli: int = 1_000) -> Recipient:
    """One number of a call; what is not sent costs nothing."""
    return Recipient(number.removeprefix("+"), number, state, 0 if state.final else price_milli)


def admitted(account_id: int, *recipients: Recipient, parts: int = 1, **changes: Any) -> Admitted:
    """A call as admission lets it through, for ``recipients`` (one ordinary one by default)."""
    recipients = recipients or (recipient(price_milli=1_000 * parts),)
    call = Admitted(
        call=Call(FAMILY[0], {}, "192.0.2.1", Transport.ASPX),
        account_id=account_id,
        text="您好【驿站】",
        encoding=Encoding.UCS2,
        parts=parts,
        cell="",
        send_at_ms=None,
        lane=Lane.URGENT,
        recipients=recipients,
        price_milli=sum(one.price_milli for one in recipients),
        signature=SignatureFound.AT_END,
        keywords_checked=0,
        accepted_at_ms=1_000,
    )
    return replace(call, **changes)
