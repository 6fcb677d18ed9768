"""Run a node: start order, signals, drain. Every task of the program belongs to the group made here."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import uvloop

from yizhan.kit.log import get_logger, set_up_logging
from yizhan.kit.supervisor import tell_supervisor
from yizhan.model.settings import split_listen
from yizhan.node.build import House, build
from yizhan.node.config import ConfigError, Configuration, read_configuration
from yizhan.node.demo import PHONE, set_demo
from yizhan.node.doors import (
    admin_api,
    admin_door,
    allow_descriptors,
    bind_port,
    bind_side_ports,
    clients_door,
    side_doors,
)
from yizhan.node.followers import Missing
from yizhan.node.note import leave_note
from yizhan.node.stop import Stop, end_at_once
from yizhan.node.upkeep import tend, upkeep
from yizhan.node.welcome import invitation, welcome
from yizhan.store.directory import Locked, Unusable
from yizhan.store.migrate import SchemaTooNew

log = get_logger("node")

_LOCK_PATIENCE_S = 2.0


def serve(config: Path | None, data: Path, listen: str | None, demo: bool) -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 0 after a clean stop, 1 when it could not start or
    broke, 74 at once when the disk failed (``node.stop.end_at_once``).
    """
    try:
        configuration = read_configuration(config, os.environ, listen)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    settings = configuration.settings
    set_up_logging(settings.log.level)
    allow_descriptors(2 * settings.server.max_connections + 256)
    os.umask(0o077)  # whatever this process writes holds texts, numbers or credentials
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(configuration, data, demo))
    except (Locked, Missing, Unusable, SchemaTooNew, OSError) as error:
        print(f"yizhan cannot start: {error}", file=sys.stderr)
        return 1
    except ExceptionGroup as error:
        log.error("the node broke", error=repr(error), exc_info=error)
        return 1
    return 0


async def _serve(configuration: Configuration, data: Path, demo: bool) -> None:
    settings = configuration.settings
    stop = Stop(settings.server.drain_s)
    # Bound first, so that a taken one is known before anything is touched; they open only when all is ready.
    port, side_ports = bind_port(*split_listen(settings.server.listen)), bind_side_ports(settings)
    house = await _build(configuration, data)
    # What stands now stands for good: the collector need not walk through it whenever a few thousand messages have
    # passed, none of which is in a cycle.
    gc.freeze()
    try:
        leave_note(data, settings)
        await house.living.load()
        demo_is_ready = await set_demo(house.operate, house.ask, demo)
        if demo_is_ready:
            house.play.lay_out(PHONE)
        await house.fleet.apply()
        if house.shared is None:
            await house.dispatcher.recover(house.fleet.resends)
        else:
            await house.shared.enter()
            await house.fleet.apply()
        api = admin_api(house)
        async with (
            _at_work(house, stop),
            admin_door(house, api, stop),
            side_doors(house, api, side_ports, stop) as console_url,
            clients_door(house, port, stop) as url,
        ):
            print(welcome(url, console_url, data, demo_is_ready), flush=True)
            if console_url and (link := await house.login.make_link()):
                print(invitation(f"{console_url}/setup/{link}", settings.admin.setup_link_s), flush=True)
            log.info("ready", url=url, data=str(data))
            tell_supervisor("READY=1")
            await stop.asked()
            tell_supervisor("STOPPING=1")
            log.info("stopping", drain_s=settings.server.drain_s)
    finally:
        if house.shared is not None:
            await house.shared.leave()
        await house.refusals.flush()
        house.gate.close()
        house.login.close()
        await house.delivery.close()
        house.database.close()
        house.fleet.close()
        if house.trail is not None:
            house.trail.close()
    log.info("stopped")


async def _build(configuration: Configuration, data: Path) -> House:
    """The house; a command that holds the lock for a moment is waited for. Raises Locked when another node has it."""
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            return build(configuration.settings, data, end_at_once, configuration.origins)
        except Locked:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _at_work(house: House, stop: Stop) -> AsyncIterator[None]:
    """The inner tasks. At the end: claim nothing more, and wait for what is in flight; the backlog stays for the next
    start.
    """
    on_duty = partial(house.harbor.on_duty, "upkeep")
    async with asyncio.TaskGroup() as group:
        work = [
            group.create_task(house.refusals.run()),
            group.create_task(upkeep(house.database, house.pruner, on_duty)),
            group.create_task(house.notifier.run()),
            group.create_task(house.overdue.run()),
            group.create_task(house.mail_out.run()),
            group.create_task(house.fleet.run()),
            group.create_task(house.live.run()),
        ]
        if house.shared is not None:
            work.append(group.create_task(house.shared.run(house.fleet.apply, partial(_heed, house))))
            work.append(group.create_task(house.herald.run(house.dispatcher, house.shared.hurry)))
            work.append(group.create_task(tend(house.database, on_duty)))
        dispatch = group.create_task(house.dispatcher.run())
        try:
            yield
        finally:
            if house.shared is not None:
                house.shared.wind_down()
            house.dispatcher.stop()
            try:
                async with asyncio.timeout(stop.left_s()):
                    await dispatch
                    await house.fleet.idle()
            except TimeoutError:
                log.warning("the drain ran out of time; what is in flight will be uncertain at the next start")
            for task in (dispatch, *work):
                task.cancel()


async def _heed(house: House, topics: set[str]) -> None:
    """Another node has changed settings."""
    await house.living.heed(topics)
    if "channel" in topics:
        await house.fleet.heed()
    house.dispatcher.look()
