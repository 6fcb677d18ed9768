"""The crash laboratory: a gateway under load, one fault a round, and after each round everybody's books compared.

``YIZHAN_TEST_ROUNDS`` says how many rounds, ``YIZHAN_TEST_SEED`` which; the same seed draws the same faults, moments
and loads. ``YIZHAN_LAB_ROUND`` plays one round alone.
"""

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from figures import tell
from river.machine import machine
from river.program import eventually, running
from river.smsc import smsc
from river.test_carrier import channels

from .driver import ACCESS, EXTENSION, Clients
from .faults import ANSWER_TIMEOUT_S, EXCUSED, FAULTS, World, step_clock
from .verdict import Judge, Line
from .wire import Wire

ROUNDS = int(os.environ.get("YIZHAN_TEST_ROUNDS", "200"))
SEED = int(os.environ.get("YIZHAN_TEST_SEED", "20261127"))
ONLY = os.environ.get("YIZHAN_LAB_ROUND")
CREDIT = 100_000_000
SCENARIO = """
[answer]
delay_s = 0.01
spread = "exponential"
[receipts]
delay_s = 0.05
spread = "exponential"
words = { DELIVRD = 9, UNDELIV = 1 }
early_share = 0.1
duplicate_share = 0.1
other_bind = true
repeat_after_s = 2
"""


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_nothing_is_lost(tmp_path: Path) -> None:
    faults = []
    with world(tmp_path) as (everything, judge):
        for number in [int(ONLY)] if ONLY else range(ROUNDS):
            line, what = play(everything, judge, number)
            tell(f"round {number}, seed {SEED}, {what}: {line}")
            faults += [
                f"round {number}, {what}: {name}: {one}" for name, found in line.must_be_0.items() for one in found
            ]
            assert len(faults) < 100, "\n".join(faults)
        faults += judge.closing()
    assert not faults, "\n".join(faults)


@contextmanager
def world(folder: Path) -> Iterator[tuple[World, Judge]]:
    """A gateway on a machine of its own, an SMSC behind a network of its own, and an account."""
    with ExitStack() as stack:
        faulty = machine(folder)
        stack.callback(faulty.close)
        carrier = stack.enter_context(smsc(folder / "smsc", SCENARIO))
        wire = Wire(lambda: carrier.port)
        stack.callback(wire.close)
        channel = carrier.channel(
            binds=2, window=50, answer_timeout_s=ANSWER_TIMEOUT_S, bind_timeout_s=ANSWER_TIMEOUT_S
        )
        channel |= {"port": wire.port, "source": ACCESS}
        policy = {"YIZHAN_POLICY__LEASE_S": "2"}
        us = stack.enter_context(running(folder / "data", **channels(channel), **policy, **faulty.environ))
        customer = us.account("lab", credit=CREDIT, extension=EXTENSION)
        clients = Clients(us, carrier, customer)
        stack.callback(clients.stop)
        stack.callback(clients.rest)
        yield World(us, carrier, wire, faulty, clients), Judge(us, carrier, wire, clients.log, CREDIT * 1000)


def play(everything: World, judge: Judge, number: int) -> tuple[Line, str]:
    """One round: load, a fault at some moment, more load, rest, judgement."""
    chance = random.Random(f"{SEED} {number}")
    fault = chance.choice(FAULTS)
    everything.clients.later = fault is not step_clock  # a SendTime means the clock as it is: it would be hours off
    everything.clients.work(chance)
    time.sleep(chance.uniform(0.3, 1.5))
    begun_s = time.monotonic()
    odd = fault(everything, chance)
    ended_s = time.monotonic()
    time.sleep(chance.uniform(0.1, 0.6))
    odd += come_to_rest(everything.clients, judge)
    return judge.round((begun_s, ended_s), EXCUSED.get(fault, frozenset()), odd), fault.__name__.replace("_", " ")


def come_to_rest(clients: Clients, judge: Judge) -> str:
    """Nothing is sent, everything ends, everything is fetched; what was odd about it."""
    clients.rest()
    try:
        eventually(judge.settled, patience_s=90)
        clients.fetch_on()
        eventually(lambda: clients.fetched_all() and judge.handed_out(), patience_s=30)
    except AssertionError:
        return "it did not come to rest"
    return ""


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    """A round in peace has nothing to complain of; one in which every book lies a little, everything."""
    with world(tmp_path) as (everything, judge):
        for lie in (False, True):
            everything.clients.work(random.Random(SEED))
            time.sleep(1)
            assert come_to_rest(everything.clients, judge) == ""
            if lie:
                log = everything.clients.log
                numbers = next(iter(log.answered.values()))
                log.answered[1] = ["13800000000"]
                everything.wire.submitted["86" + numbers[0]] += 1
                log.reports.popitem()
                log.replies.popitem()
                log.refused["-2"] += 1
            line = judge.round((0, 0), frozenset(), "")
            assert line.answered > 10 and line.messages > 20, line
            found = {name for name, faults in line.must_be_0.items() if faults}
            assert found == (
                {"missing", "unmarked", "reports lost", "replies lost", "unexplained"} if lie else set()
            ), line
        assert judge.closing() == []
        everything.us.stop()
        with closing(sqlite3.connect(everything.us.data / "yizhan.db")) as store, store:
            store.execute("UPDATE ledger SET amount_milli = 1 WHERE id = (SELECT max(id) FROM ledger)")
        everything.us.start()
        assert judge.closing() != []
