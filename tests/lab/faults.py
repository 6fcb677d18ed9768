"""What goes wrong, one function a fault: each ends with everything running again, and says how it went."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from river.machine import Machine
from river.program import PATIENCE_S, Program, eventually
from river.smsc import Smsc

from .driver import Clients
from .wire import Wire

ANSWER_TIMEOUT_S = 2


@dataclass
class World:
    """Everything a fault can happen to."""

    us: Program
    carrier: Smsc
    wire: Wire
    machine: Machine
    clients: Clients


def _ends(world: World, status: int) -> str:
    """Wait until the gateway has ended; what was unexpected about it."""
    assert world.us.process is not None
    found = world.us.process.wait(PATIENCE_S)
    return "" if found == status else f"the gateway ended with {found}, not {status}"


def kill_gateway(world: World, _chance: random.Random) -> str:
    """kill -9, as if the power had gone."""
    assert world.us.process is not None
    world.us.process.kill()
    odd = _ends(world, -signal.SIGKILL)
    world.us.start()
    return odd


def kill_smsc(world: World, _chance: random.Random) -> str:
    """kill -9 of the SMSC: what it had not yet reported is never reported."""
    world.carrier.kill()
    world.carrier.start()
    return ""


def stop_gateway(world: World, chance: random.Random) -> str:
    """SIGSTOP for a while: it wakes up in another time, its leases over."""
    assert world.us.process is not None
    world.us.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 3))
    world.us.process.send_signal(signal.SIGCONT)
    return ""


def stop_smsc(world: World, chance: random.Random) -> str:
    """SIGSTOP of the SMSC, sometimes for longer than an answer is waited for."""
    assert world.carrier.process is not None
    world.carrier.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 2 * ANSWER_TIMEOUT_S))
    world.carrier.process.send_signal(signal.SIGCONT)
    return ""


def fill_disk(world: World, chance: random.Random) -> str:
    """No room for a while."""
    world.machine.now(full=True, clock_s=world.clients.clock_s)
    time.sleep(chance.uniform(0.3, 1.5))
    world.machine.now(clock_s=world.clients.clock_s)
    return ""


def fail_to_sync(world: World, _chance: random.Random) -> str:
    """A sync that fails: the program must end before it answers anybody (ADR 0014)."""
    world.machine.now(fails_to_sync=True, clock_s=world.clients.clock_s)
    odd = _ends(world, os.EX_IOERR)
    world.machine.now(clock_s=world.clients.clock_s)
    world.us.start()
    return odd


def cut_network(world: World, chance: random.Random) -> str:
    """The connections to the SMSC break, once or a few times, also in the middle of a PDU."""
    for _ in range(chance.randint(1, 3)):
        eventually(lambda: world.wire.cut(chance))
        time.sleep(chance.uniform(0, 0.5))
    return ""


def step_clock(world: World, chance: random.Random) -> str:
    """The time of day jumps, forward or back, and stays there."""
    world.clients.clock_s += chance.choice((-1, 1)) * chance.choice((1, 10, 60, 600, 7_200))
    world.machine.now(clock_s=world.clients.clock_s)
    return ""


def terminate(world: World, chance: random.Random) -> str:
    """SIGTERM while a backlog is being drained."""
    world.us.api("POST", "/channels/carrier/pause")
    time.sleep(chance.uniform(0.2, 0.6))
    world.us.api("POST", "/channels/carrier/resume")
    time.sleep(chance.uniform(0, 0.3))
    assert world.us.process is not None
    world.us.process.terminate()
    odd = _ends(world, 0)
    world.us.start()
    return odd


Fault = Callable[[World, random.Random], str]
FAULTS: tuple[Fault, ...] = (
    kill_gateway,
    kill_smsc,
    stop_gateway,
    stop_smsc,
    fill_disk,
    fail_to_sync,
    cut_network,
    step_clock,
    terminate,
)
# The refusals that a fault excuses; no other call may be refused.
EXCUSED: dict[Fault, frozenset[str]] = {
    fill_disk: frozenset({"-2"}),  # there is no room
    terminate: frozenset({"-2"}),  # it is about to end
}
