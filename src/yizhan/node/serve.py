"""Run a node: start order, signals, drain. Every task of the program belongs to the group made here."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from yizhan.console.app import MAX_BODY_BYTES, make_admin_app
from yizhan.front.gateway import Gateway
from yizhan.front.listener import Listener
from yizhan.kit.log import get_logger, set_up_logging
from yizhan.kit.sockets import short_path
from yizhan.model.settings import ServerSettings, Settings, split_listen
from yizhan.node.build import House, build
from yizhan.node.config import ConfigError, read_settings
from yizhan.node.demo import set_demo
from yizhan.node.note import Note, leave_note
from yizhan.node.upkeep import upkeep
from yizhan.node.welcome import welcome
from yizhan.store.database import Locked
from yizhan.store.migrate import SchemaTooNew

log = get_logger("node")


def serve(config: Path | None, data: Path, listen: str | None, demo: bool) -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 0 after a clean stop, 1 when it could not start or broke."""
    try:
        settings = read_settings(config, os.environ, listen)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    set_up_logging(settings.log.level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, data, demo))
    except (Locked, SchemaTooNew, OSError, ssl.SSLError) as error:
        print(f"yizhan cannot start: {error}", file=sys.stderr)
        return 1
    except ExceptionGroup as error:
        log.error("the node broke", error=repr(error), exc_info=error)
        return 1
    return 0


async def _serve(settings: Settings, data: Path, demo: bool) -> None:
    stop = _stop_on_signals()
    house = build(settings, data)
    try:
        leave_note(data, settings)
        await house.living.load()
        demo_is_ready = await set_demo(house.operate, house.ask, demo)
        await house.dispatcher.recover({channel.name: channel.uncertain == "resend" for channel in settings.channels})
        async with _at_work(house), _admin(house), _clients(house) as url:
            print(welcome(url, data, demo_is_ready), flush=True)
            log.info("ready", url=url, data=str(data))
            await stop.wait()
            log.info("stopping", drain_s=settings.server.drain_s)
    finally:
        await house.refusals.flush()
        house.gate.close()
        house.database.close()
        for channel in house.channels:
            channel.close()
    log.info("stopped")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _at_work(house: House) -> AsyncIterator[None]:
    """The inner tasks. At the end: claim nothing more, and wait for what is in flight; the backlog stays for the next
    start.
    """
    async with asyncio.TaskGroup() as group:
        work = [
            group.create_task(house.refusals.run()),
            group.create_task(upkeep(house.database)),
            *(group.create_task(channel.answer()) for channel in house.channels),
            *(group.create_task(channel.report()) for channel in house.channels),
        ]
        dispatch = group.create_task(house.dispatcher.run())
        try:
            yield
        finally:
            house.dispatcher.stop()
            try:
                async with asyncio.timeout(house.settings.server.drain_s):
                    await dispatch
                    for channel in house.channels:
                        await channel.idle()
            except TimeoutError:
                log.warning("the drain ran out of time; what is in flight will be uncertain at the next start")
            for task in (dispatch, *work):
                task.cancel()


@asynccontextmanager
async def _clients(house: House) -> AsyncIterator[str]:
    """The port that clients call, open while this lasts: its address."""
    server = house.settings.server
    tls = (server.tls_cert, server.tls_key) if server.tls_cert and server.tls_key else None
    listener = Listener(Gateway(house.reception, server), server, split_listen(server.listen), tls)
    await listener.start()
    try:
        host, port = listener.address
        shown = f"[{host}]" if ":" in host else host
        yield f"{'https' if tls else 'http'}://{shown}:{port}/sdk2/"
    finally:
        await listener.drain(server.drain_s)


@asynccontextmanager
async def _admin(house: House) -> AsyncIterator[None]:
    """The admin API on its unix socket, which only its owner can open."""
    path = Note(admin_listen=house.settings.admin.listen).socket(house.data)
    path.unlink(missing_ok=True)  # we hold the lock, so nobody listens on what an earlier node has left
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(path) as short:
        sock.bind(short)
    path.chmod(0o600)
    limits = ServerSettings(max_body_bytes=MAX_BODY_BYTES)
    listener = Listener(make_admin_app(house.operate, house.ask), limits, sock)
    await listener.start()
    try:
        yield
    finally:
        await listener.drain(1)
        path.unlink(missing_ok=True)
