"""Build the house: which object stands where, and who knows whom. Nothing is started here but the store."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI

from yizhan import __version__
from yizhan.carrier.channel import SmppChannel
from yizhan.console.api.app import make_admin_app
from yizhan.console.metrics import Metrics
from yizhan.flow.about import About, Me, Origins
from yizhan.flow.ask import Ask
from yizhan.flow.dispatch import LOOK_S, Dispatcher
from yizhan.flow.explain import Explain
from yizhan.flow.gate import Gate
from yizhan.flow.herald import Herald
from yizhan.flow.live import Live
from yizhan.flow.living import Living
from yizhan.flow.login import Login
from yizhan.flow.mail_out import MailOut
from yizhan.flow.mailings import Mailings
from yizhan.flow.mailroom import Mailroom
from yizhan.flow.meter import Meter
from yizhan.flow.notify import Notifier
from yizhan.flow.operate import Operate
from yizhan.flow.overdue import Overdue
from yizhan.flow.play import Play
from yizhan.flow.ports import Courier
from yizhan.flow.prune import Pruner
from yizhan.flow.reception import Reception
from yizhan.flow.refusals import RefusalLog
from yizhan.flow.send import Send
from yizhan.flow.settle import Settle
from yizhan.flow.trail import Trail
from yizhan.kit.clock import Clock, SystemClock
from yizhan.model.channel import ChannelSettings
from yizhan.model.settings import Settings, StoreSettings
from yizhan.model.submission import Admitted
from yizhan.node.empty_board import EmptyBoard
from yizhan.node.fleet import Fleet
from yizhan.node.followers import make_followers
from yizhan.node.harbor import DUTIES, Harbor, OwnHarbor, SharedHarbor
from yizhan.node.hearsay import Hearsay
from yizhan.node.note import read_note
from yizhan.policy.case import Terms
from yizhan.policy.pricing import PriceList
from yizhan.policy.tally import Tallies
from yizhan.push.delivery import Delivery
from yizhan.push.postman import Postman
from yizhan.sim.fate import Fates
from yizhan.sim.phones import Phones
from yizhan.sim.simulator import Simulator
from yizhan.store.berths import lost_nodes
from yizhan.store.broken import Broken
from yizhan.store.database import Database
from yizhan.store.opening import open_store

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
    play: Play
    explain: Explain
    about: About
    metrics: Metrics
    live: Live
    send: Send
    mailings: Mailings
    mail_out: MailOut
    gate: Gate
    login: Login
    refusals: RefusalLog
    reception: Reception
    dispatcher: Dispatcher
    herald: Herald
    delivery: Delivery
    notifier: Notifier
    overdue: Overdue
    pruner: Pruner
    fleet: Fleet
    harbor: Harbor
    shared: SharedHarbor | None  # the same, if others share the store
    trail: Trail | None  # if somebody follows what passes


def build(
    settings: Settings, data: Path, broken: Broken | None = None, origins: Origins = MappingProxyType({})
) -> House:
    """Lock and open the store, and put everything together. Call from a running event loop. Raises ``Locked``,
    ``Missing``.

    ``broken`` ends the process when the store cannot say any more what is on the disk; ``origins`` says of settings
    where they were set.
    """
    clock = SystemClock()
    terms = Terms(
        policy=settings.policy,
        prices=PriceList.of(settings.prices),
    )
    me = Me(settings.node.name or f"{socket.gethostname()}:{os.getpid()}", settings, DUTIES, origins)
    followers = make_followers(settings, me.name)
    database = open_store(data, settings.store, broken)
    living = Living(database)
    trail = Trail(database, living, followers) if followers else None
    policy = settings.policy
    fleet = Fleet(settings, database, living, clock)
    phones, fates = Phones(clock), Fates()
    operate = Operate(database, living, clock, fleet, policy.refund)
    herald = Herald(database, clock)
    dispatcher = Dispatcher(
        database,
        living,
        fleet.couriers,
        clock,
        refund=policy.refund,
        longest_pause_s=policy.busy_max_pause_s,
        elsewhere=fleet.elsewhere,
        epoch=fleet.epoch,
        look_s=settings.node.look_s if database.shared else LOOK_S,
        tell=herald.tell if database.shared else None,
    )
    meter = Meter()
    mailroom = Mailroom(database, living, policy, fleet.access, meter)
    settlement = Settle(database, policy, mailroom, fleet.resends, dispatcher.given_back, meter=meter, trail=trail)

    def accepted(admitted: Admitted) -> None:
        meter.accepted(admitted)
        dispatcher.accepted(admitted)

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
        accepted=accepted,
        operate=operate,
        meter=meter,
        trail=trail,
    )

    login = Login(database, living, clock, settings.admin, operate)
    shared = None
    if database.shared:
        shared = _shared_harbor(me, database, fleet, clock, Hearsay(Tallies({**reception.tallies, **login.tallies})))
    harbor: Harbor = shared or OwnHarbor()

    def make(share: str, channel: ChannelSettings, epoch: int) -> Courier:
        own = settlement.under(epoch)
        if channel.kind == "smpp":
            may_write = partial(harbor.holds, share)
            return SmppChannel(channel, own, clock, dispatcher.wake, may_write=may_write, label=share)
        journal = data / f"simulator-{channel.name}.jsonl"
        return Simulator(channel, journal, own, clock, dispatcher.wake, phones=phones, fates=fates)

    fleet.join(make, dispatcher.look, harbor)

    ask = Ask(database, living, fleet, clock)
    lost = partial(lost_nodes, lease_ms=int(settings.node.lease_s * 1000)) if shared else None
    live = Live(database, fleet, meter, clock, node=harbor.name, lost_nodes=lost)
    mail_out = MailOut(database, reception.post, partial(harbor.on_duty, "mailings"))
    push = settings.push
    delivery = Delivery(Postman(timeout_s=push.timeout_s, allow_networks=push.allow_networks))
    return House(
        settings=settings,
        data=data,
        database=database,
        living=living,
        operate=operate,
        ask=ask,
        play=Play(fleet.handsets, phones, fates),
        explain=Explain(database, living, terms, ask, clock),
        about=About(database, fleet, clock, me),
        metrics=Metrics(meter, live),
        live=live,
        send=Send(reception, ask, settings.server.keep_request_bytes),
        mailings=Mailings(database, living, clock, terms, limits=settings.admin, confirmed=mail_out.wake),
        mail_out=mail_out,
        gate=gate,
        login=login,
        refusals=refusals,
        reception=reception,
        dispatcher=dispatcher,
        herald=herald,
        delivery=delivery,
        notifier=Notifier(database, delivery, clock, push, partial(harbor.on_duty, "push")),
        overdue=Overdue(
            database, fleet.remembered, mailroom, clock, policy.refund, on_duty=partial(harbor.on_duty, "overdue")
        ),
        pruner=Pruner(database, settings.retention, clock),
        fleet=fleet,
        harbor=harbor,
        shared=shared,
        trail=trail,
    )


def _shared_harbor(me: Me, database: Database, fleet: Fleet, clock: Clock, hearsay: Hearsay) -> SharedHarbor:
    return SharedHarbor(
        database,
        clock,
        name=me.name,
        version=__version__,
        lease_s=me.settings.node.lease_s,
        channels=fleet.settings,
        resends=fleet.resends,
        hearsay=hearsay,
    )


@asynccontextmanager
async def offline(data: Path) -> AsyncIterator[FastAPI]:
    """The admin app over the store of a node that does not run. Raises ``Locked`` when one does."""
    clock = SystemClock()
    note = read_note(data)
    database = open_store(data, StoreSettings(url=note.store_url, direct_url=note.store_direct_url))
    try:
        living = Living(database)
        await living.load()
        board = EmptyBoard(database)
        await board.apply()
        operate, ask = Operate(database, living, clock, board), Ask(database, living, board, clock)
        yield make_admin_app(operate, ask, Play(lambda: (), Phones(clock), Fates()))
    finally:
        database.close()
