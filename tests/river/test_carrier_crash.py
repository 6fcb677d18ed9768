"""kill -9 of the gateway, and of the SMSC, under load: nothing accepted is missing, and what came twice is marked.

The SMSC's log of submits is the outside judge: it names each number as often as it came.
"""

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from .program import Customer, Program, eventually, running
from .smsc import Smsc, smsc
from .test_carrier import channels
from .test_crash import SEED, Load, stored_submissions

KILLS = int(os.environ.get("YIZHAN_TEST_KILLS", "20"))
SCENARIO = """
[answer]
delay_s = 0.01
spread = "exponential"
[receipts]
delay_s = 0.05
spread = "exponential"
early_share = 0.1
duplicate_share = 0.1
ids = "hex"
other_bind = true
"""


def environ(carrier: Smsc) -> dict[str, str]:
    """One channel with two binds, quick to notice."""
    return channels(carrier.channel(binds=2, window=50, answer_timeout_s=3, bind_timeout_s=3))


def judge(us: Program, carrier: Smsc, load: Load, customer: Customer, what: str) -> None:
    """Hold the client's log, the store, the ledger and the SMSC's log against each other, and say so in one line."""
    unfinished = "SELECT count(*) FROM messages WHERE state < 5"
    eventually(lambda: us.query(unfinished) == [(0,)], patience_s=180)
    stored = stored_submissions(us)
    uncertain = {number for (number,) in us.query("SELECT written FROM messages WHERE uncertain > 0")}
    accepted = {number for numbers, _, _ in stored.values() for number in numbers}
    carried = Counter(line["number"].removeprefix("86") for line in carrier.submits())
    missing = [id_ for id_, numbers in load.answered.items() if set(stored[id_][0]) != set(numbers)]
    charged = [id_ for id_, (_, price, entries) in stored.items() if entries != str(price)]
    undelivered = accepted - set(carried)
    twice = {number for number, count in carried.items() if count > 1}
    print(
        f"\n{what}, seed {SEED}: {len(load.answered)} calls answered, {load.unanswered} unanswered,"
        f" {len(stored)} stored, {len(accepted)} messages; missing {len(missing)}, charged wrongly {len(charged)},"
        f" not submitted {len(undelivered)}, submitted twice {len(twice)}, of them not marked uncertain"
        f" {len(twice - uncertain)}, marked uncertain {len(uncertain)}"
    )
    assert not missing and not charged and not undelivered
    assert twice <= uncertain
    assert set(carried) == accepted, "nothing was sent that was not accepted"
    assert us.api("GET", "/ledger/check")["faults"] == []
    assert us.balance(customer) == 10_000_000 - len(accepted)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kill_9_of_the_gateway(tmp_path: Path) -> None:
    chance, data = random.Random(SEED), tmp_path / "data"
    with smsc(tmp_path / "smsc", SCENARIO) as carrier:
        with running(data, **environ(carrier)) as us:
            customer = us.account("crash", credit=10_000_000)
        load = Load(customer)
        for _ in range(KILLS):
            with running(data, **environ(carrier)) as us:
                load.run(us, chance, chance.uniform(0.3, 1.5))
        with running(data, **environ(carrier)) as us:
            judge(us, carrier, load, customer, f"{KILLS} kills of the gateway")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kill_9_of_the_smsc(tmp_path: Path) -> None:
    """The gateway stays; clients go on calling it while its carrier dies and comes back."""
    chance, data = random.Random(SEED), tmp_path / "data"
    with smsc(tmp_path / "smsc", SCENARIO) as carrier, running(data, **environ(carrier)) as us:
        customer = us.account("crash", credit=10_000_000)
        load = Load(customer, calls=150)
        clients = threading.Thread(target=load.run_for, args=(us, chance, KILLS * 1.5))
        clients.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.2))
            carrier.kill()
            carrier.start()
        clients.join()
        judge(us, carrier, load, customer, f"{KILLS} kills of the SMSC")
