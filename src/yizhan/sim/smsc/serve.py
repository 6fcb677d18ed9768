"""``yizhan simulate smsc``: the SMSC on a port of its own, with a port to control it."""

import asyncio
import json
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from pydantic import ValidationError

from yizhan.kit.clock import SystemClock
from yizhan.sim.smsc.scenario import Scenario
from yizhan.sim.smsc.smsc import Smsc

_MAX_LINE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens; port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    listen: Place
    control: Place | None
    scenario: Scenario
    seed: int
    log: Path | None = None
    tls: tuple[Path, Path] | None = None


def serve_smsc(wish: Wish, ready: Callable[[dict[str, Any]], None]) -> None:
    """Until SIGTERM or SIGINT. ``ready`` is told the addresses. OSError when a port is taken."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(wish, ready))


async def _serve(wish: Wish, ready: Callable[[dict[str, Any]], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    smsc = Smsc(wish.scenario, wish.seed, SystemClock(), wish.log)
    door = Door(smsc, wish.listen, wish.tls)
    await door.open()
    at_work = asyncio.ensure_future(smsc.run())
    control: asyncio.Server | None = None
    if wish.control is not None:
        controls = Controls(smsc, door)
        control = await asyncio.start_server(controls.talk, wish.control.host, wish.control.port, limit=_MAX_LINE_BYTES)
    addresses = {"event": "ready", "smpp": door.address, "control": _address(control) if control else None}
    ready(addresses)
    await stop.wait()
    at_work.cancel()
    door.close()
    if control is not None:
        control.close()
    smsc.disconnect(abrupt=False)
    await asyncio.sleep(0.1)
    smsc.ledger.close()


class Door:
    """The port that ESMEs connect to; it can be closed for a while and opened at the same place."""

    def __init__(self, smsc: Smsc, place: Place, tls: tuple[Path, Path] | None) -> None:
        self._smsc = smsc
        self._place = place
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"{self._place.host}:{self._place.port}"

    async def open(self) -> None:
        """Listen, at the port of the first time."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            place = self._place
            self._server = await loop.create_server(
                self._smsc.make_link, place.host, place.port, ssl=self._context, reuse_address=True
            )
            self._place = Place(place.host, self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Refuse TCP; connections that stand go on."""
        if self._server is not None:
            self._server.close()
            self._server = None


class Controls:
    """One JSON object a line, one a line back: ``{"do": "stats"}``."""

    def __init__(self, smsc: Smsc, door: Door) -> None:
        self._smsc = smsc
        self._door = door

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # a line that is too long, or a client that went away
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            wish = json.loads(line)
            return {"ok": True, **await self._do(wish)}
        except ValidationError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    async def _do(self, wish: dict[str, Any]) -> dict[str, Any]:
        smsc = self._smsc
        match wish["do"]:
            case "stats":
                return smsc.stats()
            case "reply":
                whom, mixed = str(wish.get("system_id", "")), bool(wish.get("shuffle"))
                number, sent_to = wish["from"].lstrip("+"), wish["to"]
                return {"parts": smsc.reply(number, sent_to, wish["text"], system_id=whom, shuffle=mixed)}
            case "set":
                smsc.set(Scenario.model_validate(wish["scenario"]))
            case "disconnect":
                return {"connections": smsc.disconnect(abrupt=bool(wish.get("abrupt", True)))}
            case "listen":
                if wish["on"]:
                    await self._door.open()
                else:
                    self._door.close()
            case "reset":
                smsc.ledger.reset()
            case other:
                known = "stats, reply, set, disconnect, listen, reset"
                raise ValueError(f"do is one of {known}: not {str(other)[:32]!r}")
        return {}


def _address(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"{host}:{port}"


async def control(place: Place, wish: dict[str, Any]) -> dict[str, Any]:
    """Tell a running SMSC something. OSError when nobody is there."""
    reader, writer = await asyncio.open_connection(place.host, place.port, limit=_MAX_LINE_BYTES)
    try:
        writer.write(json.dumps(wish).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer
    finally:
        writer.close()
