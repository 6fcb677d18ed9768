"""Build the house: which object stands where, and who knows whom. Nothing is started here but the store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from yizhan.console.app import make_admin_app
from yizhan.flow.accept import Reception
from yizhan.flow.ask import Ask
from yizhan.flow.dispatch import Dispatcher
from yizhan.flow.gate import Gate
from yizhan.flow.living import Living
from yizhan.flow.operate import Operate
from yizhan.flow.refusals import RefusalLog
from yizhan.flow.settle import Settle
from yizhan.kit.clock import SystemClock
from yizhan.model.settings import Settings, StoreSettings
from yizhan.node.note import read_note
from yizhan.policy.case import Terms
from yizhan.policy.pricing import PriceList
from yizhan.sim.simulator import Simulator
from yizhan.store.database import Database

SYSTEM = "system"  # the actor of what the gateway does by itself


@dataclass(frozen=True, slots=True)
class House:
    """Everything that one node consists of."""

    settings: Settings
    data: Path
    database: Database
    living: Living
    operate: Operate
    ask: Ask
    gate: Gate
    refusals: RefusalLog
    reception: Reception
    dispatcher: Dispatcher
    channels: list[Simulator]


def build(settings: Settings, data: Path) -> House:
    """Lock and open the store, and put everything together. Call from a running event loop. Raises ``Locked``."""
    clock = SystemClock()
    terms = Terms(
        policy=settings.policy,
        prices=PriceList.of(settings.prices),
        access_digits=max(len(channel.source) for channel in settings.channels),
    )
    database = Database(data, settings.store)
    living = Living(database)
    operate = Operate(database, living, clock)
    channels: list[Simulator] = []
    dispatcher = Dispatcher(database, channels, clock)
    settlement = Settle(database, settings.policy.refund)
    channels.extend(
        Simulator(channel, data / f"simulator-{channel.name}.jsonl", settlement, clock, dispatcher.wake)
        for channel in settings.channels
    )

    async def block(address: str, until_ms: int, reason: str) -> None:
        await operate.block_address(SYSTEM, address, until_ms=until_ms, reason=reason)

    gate = Gate(terms, clock, settings.server.trusted_proxies, block)
    refusals = RefusalLog(database, clock, settings.store.max_refusals)
    reception = Reception(
        database=database,
        living=living,
        gate=gate,
        refusals=refusals,
        terms=terms,
        clock=clock,
        accepted=dispatcher.accepted,
    )
    return House(
        settings=settings,
        data=data,
        database=database,
        living=living,
        operate=operate,
        ask=Ask(database, living, channels, clock),
        gate=gate,
        refusals=refusals,
        reception=reception,
        dispatcher=dispatcher,
        channels=channels,
    )


@asynccontextmanager
async def offline(data: Path) -> AsyncIterator[FastAPI]:
    """The admin app over the store of a node that does not run. Raises ``Locked`` when one does."""
    clock = SystemClock()
    database = Database(data, StoreSettings(url=read_note(data).store_url))
    try:
        living = Living(database)
        await living.load()
        yield make_admin_app(Operate(database, living, clock), Ask(database, living, [], clock))
    finally:
        database.close()
