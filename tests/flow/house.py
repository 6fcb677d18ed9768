"""The flow on a real store, with a clock that tests set and the values that they bring."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import text

from embedded import lay_store
from yizhan.flow.ask import Ask
from yizhan.flow.gate import Gate
from yizhan.flow.living import Living
from yizhan.flow.meter import Meter
from yizhan.flow.operate import Operate
from yizhan.flow.reception import Reception
from yizhan.flow.refusals import RefusalLog
from yizhan.model.account import Network
from yizhan.model.call import Call, Transport
from yizhan.model.operation import find_operation
from yizhan.model.settings import PolicySettings, StoreSettings
from yizhan.model.submission import Admitted
from yizhan.node.empty_board import EmptyBoard
from yizhan.policy.case import Case, Terms
from yizhan.policy.credentials import md5_of
from yizhan.policy.pricing import PriceList
from yizhan.store.opening import open_store

R = TypeVar("R")
PWD = md5_of("secret")


class SetClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def now_ms(self) -> int:
        """Wall clock, UTC, milliseconds."""
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        """Seconds."""
        return self.now_s

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


class House:
    """Store, gate, reception and office of one node. ``run`` runs a coroutine on its loop."""

    def __init__(self, data: Path, policy: PolicySettings | None = None, proxies: tuple[Network, ...] = ()) -> None:
        self.runner = asyncio.Runner()
        self.clock = SetClock()
        self.policy = policy or PolicySettings()
        self.terms = Terms(self.policy, PriceList.of({}))
        self.database = open_store(lay_store(data), StoreSettings())
        self.living = Living(self.database)
        self.board = EmptyBoard(self.database)
        self.operate = Operate(self.database, self.living, self.clock, self.board)
        self.ask = Ask(self.database, self.living, self.board, self.clock)
        self.blocked: list[tuple[str, int, str]] = []
        self.gate = Gate(self.terms, self.clock, proxies, self.block)
        self.refusals = RefusalLog(self.database, self.clock, keep=100)
        self.accepted: list[Admitted] = []
        self.reception = Reception(
            database=self.database,
            living=self.living,
            gate=self.gate,
            refusals=self.refusals,
            terms=self.terms,
            clock=self.clock,
            accepted=self.accepted.append,
            meter=Meter(),
            operate=self.operate,
        )
        self.run(self.living.load())
        self.run(self.living.set_access_digits(8))

    async def block(self, address: str, until_ms: int, reason: str) -> None:
        """Note what the gate wants blocked, and block it."""
        self.blocked.append((address, until_ms, reason))
        await self.operate.block_address("system", address, until_ms=until_ms, reason=reason)

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run ``work`` to its end."""
        return self.runner.run(work)

    def close(self) -> None:
        """Close everything."""
        self.gate.close()
        self.database.close()
        self.runner.close()

    def sql(self, statement: str) -> None:
        """Arrange or break something by hand."""
        self.run(self.database.change(lambda session: session.execute(text(statement)).close()))

    def add(self, corp_id: str = "C1", credit: int = 100, **more: Any) -> None:
        """An account with so many 条 whose password is *secret*."""
        self.run(self.operate.add_account("op", corp_id, password_md5=PWD, credit_milli=credit * 1_000, **more))

    def case(self, call: Call) -> Case:
        """The call before the bench, now."""
        return Case(call, self.living.standing, self.terms, self.clock.now_ms())


def call(name: str = "IntlSend", address: str = "192.0.2.1", **values: str) -> Call:
    """A call with nothing wrong unless ``values`` say so."""
    operation = find_operation(name)
    assert operation is not None
    right = {"corpid": "C1", "pwd": PWD, "mobile": "13800000000", "content": "您好【驿站】"}
    return Call(operation, right | values, address, Transport.ASPX)
