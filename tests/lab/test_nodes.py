"""Three nodes on one PostgreSQL behind HAProxy, under load: nodes are killed, drained and put to sleep, and the server
restarts. After each round everybody's books are compared, as in ``test_lab``.

``YIZHAN_TEST_NODE_KILLS`` says how many rounds with nodes, ``YIZHAN_TEST_SERVER_KILLS`` how many with the server.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from figures import tell
from postgres import Cluster
from river.program import eventually
from river.smsc import smsc
from river.test_carrier import channels

from .driver import ACCESS, EXTENSION, Clients
from .nodes import LEASE_S, Nodes, SharedJudge, nodes
from .test_lab import CREDIT, SCENARIO, SEED, come_to_rest
from .verdict import Line
from .wire import Wire

NODE_KILLS = int(os.environ.get("YIZHAN_TEST_NODE_KILLS", "100"))
SERVER_KILLS = int(os.environ.get("YIZHAN_TEST_SERVER_KILLS", "10"))
MOVED_S = 10.0


@dataclass
class World:
    """Everything a fault can happen to."""

    us: Nodes
    cluster: Cluster
    wires: dict[str, Wire]  # by channel
    clients: Clients
    judge: SharedJudge
    moved_s: list[float]  # how long a channel whose node had gone did not send


def kill(world: World, chance: random.Random) -> str:
    """kill -9; its channels go on elsewhere, and it comes back."""
    number, mine = _somebody_at_work(world, chance)
    program = world.us.programs[number]
    assert program.process is not None
    program.process.kill()
    gone_s = time.monotonic()
    program.process.wait()
    _wait_until_moved(world, mine, gone_s)
    program.start()
    return ""


def kill_one_and_drain_another(world: World, chance: random.Random) -> str:
    """The one that is left carries everything for a while."""
    killed, mine = _somebody_at_work(world, chance)
    drained = chance.choice([number for number in range(len(world.us.programs)) if number != killed])
    process = world.us.programs[killed].process
    assert process is not None
    process.kill()
    gone_s = time.monotonic()
    process.wait()
    status = world.us.programs[drained].stop()
    _wait_until_moved(world, mine, gone_s)
    world.us.programs[killed].start()
    world.us.programs[drained].start()
    return "" if status == 0 else f"the drained node ended with {status}"


def drain(world: World, chance: random.Random) -> str:
    """SIGTERM, and started anew: an upgrade."""
    program = chance.choice(world.us.programs)
    status = program.stop()
    time.sleep(chance.uniform(0, 1))
    program.start()
    return "" if status == 0 else f"the drained node ended with {status}"


def put_to_sleep(world: World, chance: random.Random) -> str:
    """SIGSTOP for longer than its leases last: it wakes up, and its channels are another's."""
    number, mine = _somebody_at_work(world, chance)
    process = world.us.programs[number].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    gone_s = time.monotonic()
    _wait_until_moved(world, mine, gone_s)
    time.sleep(chance.uniform(0, 1))
    process.send_signal(signal.SIGCONT)
    return ""


def restart_server(world: World, chance: random.Random) -> str:
    """PostgreSQL crashes and comes back."""
    world.cluster.stop("immediate")
    time.sleep(chance.uniform(0, 2))
    world.cluster.start()
    return ""


def _somebody_at_work(world: World, chance: random.Random) -> tuple[int, list[str]]:
    """A node with a channel, and its channels."""
    everybody = {number: world.us.berths(number) for number in range(len(world.us.programs))}
    number = chance.choice([number for number, mine in everybody.items() if mine])
    return number, everybody[number]


def _wait_until_moved(world: World, mine: list[str], gone_s: float) -> None:
    for name in mine:
        wire = world.wires[name]
        eventually(lambda: wire.last_s > gone_s + 0.1, 30)  # noqa: B023
        world.moved_s.append(wire.last_s - gone_s)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A server of its own, three nodes, two carriers, one of which two nodes share."""
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        carriers = [
            stack.enter_context(smsc(folder / name, SCENARIO, seed)) for seed, name in ((100, "east"), (500, "west"))
        ]
        wires = [Wire(partial(getattr, one, "port")) for one in carriers]
        for wire in wires:
            stack.callback(wire.close)
        settings = [
            carrier.channel(name, window=50, answer_timeout_s=2, bind_timeout_s=2, nodes=count, binds=count)
            | {"port": wire.port, "source": ACCESS}
            for name, count, carrier, wire in zip(("east", "west"), (2, 1), carriers, wires, strict=True)
        ]
        policy = {"YIZHAN_POLICY__LEASE_S": "2"}
        us = stack.enter_context(nodes(cluster, folder, 3, **channels(*settings), **policy))
        customer = us.account("lab", credit=CREDIT, extension=EXTENSION)
        time.sleep(1)  # by then every node knows the account
        clients = Clients(us, carriers[0], customer)
        stack.callback(clients.stop)
        stack.callback(clients.rest)
        judge = SharedJudge(us, carriers, wires, clients.log, CREDIT * 1000)
        yield World(us, cluster, dict(zip(("east", "west"), wires, strict=True)), clients, judge, [])


def play(everything: World, number: int, fault: Callable[[World, random.Random], str], excused: frozenset[str]) -> Line:
    """One round."""
    chance = random.Random(f"{SEED} {number}")
    everything.clients.work(chance)
    time.sleep(chance.uniform(0.3, 1.5))
    begun_s = time.monotonic()
    odd = fault(everything, chance)
    ended_s = time.monotonic()
    time.sleep(chance.uniform(0.1, 0.6))
    if restless := come_to_rest(everything.clients, everything.judge):
        odd += f"{restless}: {everything.us.unfinished()}"
    return everything.judge.round((begun_s, ended_s + LEASE_S), excused, odd)


NODE_FAULTS = (kill, kill, kill, kill_one_and_drain_another, drain, put_to_sleep)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("rounds", "which", "excused"),
    [
        pytest.param(NODE_KILLS, NODE_FAULTS, frozenset[str](), id="nodes"),
        pytest.param(SERVER_KILLS, (restart_server,), frozenset({"-2"}), id="server"),
    ],
)
def test_nothing_is_lost_among_nodes(
    tmp_path: Path, rounds: int, which: tuple[Callable[[World, random.Random], str], ...], excused: frozenset[str]
) -> None:
    faults = []
    with world(tmp_path) as everything:
        for number in range(rounds):
            fault = random.Random(f"{SEED} {number} fault").choice(which)
            line = play(everything, number, fault, excused)
            slowest_s = max(everything.moved_s, default=0)
            tell(
                f"round {number}, seed {SEED}, {fault.__name__.replace('_', ' ')}: {line};"
                f" longest without sending {slowest_s:.1f} s"
            )
            faults += [
                f"round {number}, {fault.__name__}: {name}: {one}"
                for name, found in line.must_be_0.items()
                for one in found
            ]
            assert len(faults) < 20, "\n".join(faults)
        assert max(everything.moved_s, default=0) < MOVED_S
        faults += everything.judge.closing()
    assert not faults, "\n".join(faults)
