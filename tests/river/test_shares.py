"""A channel that two nodes have at the same time, each a share of its binds and of its rate, before a real SMSC."""

from collections import Counter
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from postgres import Cluster

from .program import Program, eventually, run_cli
from .smsc import Smsc, smsc
from .test_several_nodes import SLACK_S, in_time, start

LEASE_S, BEAT_S = 2, 0.4  # as ``start`` has them
RATE_PER_S = 60
COUNT = 600
# Every report comes to another bind than the submit, half of them before the answer; some answers are under way.
SCENARIO = """
[answer]
delay_s = 0.2
spread = "uniform"
[receipts]
other_bind = true
early_share = 0.5
"""


def view(program: Program) -> dict[str, Any]:
    """Its only channel."""
    (found,) = program.api("GET", "/channels")
    return dict(found)


def add(program: Program, carrier: Smsc, **settings: Any) -> None:
    """The channel, of three binds, for two nodes."""
    own = carrier.channel(binds=3, nodes=2, rate_per_s=RATE_PER_S, window=50, **settings)
    program.api("POST", "/channels", json={"name": own.pop("name"), "settings": own})


def divided(*programs: Program) -> list[Program]:
    """Wait until each has its share: the one with two binds first."""

    def look() -> bool:
        views = [view(program) for program in programs]
        bound = sorted((one["bound"], one["binds"], one["rate_per_s"]) for one in views)
        return bound == [(1, 1, RATE_PER_S / 3), (2, 2, RATE_PER_S * 2 / 3)]

    eventually(look)
    return sorted(programs, key=lambda program: -int(view(program)["bound"]))


def most_in(window_ms: int, times_ms: list[int]) -> int:
    """How many submits came within any window of that length."""
    times_ms, begin, most = sorted(times_ms), 0, 0
    for end, at_ms in enumerate(times_ms):
        while at_ms - times_ms[begin] >= window_ms:
            begin += 1
        most = max(most, end - begin + 1)
    return most


@pytest.mark.slow
def test_two_nodes_keep_one_contract_and_one_takes_over_from_the_other(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        carrier = stack.enter_context(smsc(tmp_path / "smsc", SCENARIO))
        programs = start(stack, tmp_path, cluster.new_database())
        account = programs[0].account("C1", credit=COUNT)
        add(programs[0], carrier)
        stays, dies = divided(*programs)
        numbers = ",".join(f"13800{n:06d}" for n in range(COUNT))
        stays.send(account, Mobile=numbers)
        eventually(lambda: len(carrier.submits()) > 4 * RATE_PER_S)
        assert dies.process is not None
        dies.process.kill()
        taken_over = {
            "bound": 3,
            "binds": 3,
            "rate_per_s": RATE_PER_S,
            "shares": ["one" if stays.data.name == "one" else "two"] * 2,
        }
        eventually(lambda: view(stays).items() >= taken_over.items(), LEASE_S + BEAT_S + SLACK_S)
        submits = carrier.submits()
        before, after = len(submits), max(one["at_ms"] for one in submits)
        found = stays.wait_for("delivered", COUNT)
        submits = carrier.submits()
        for window_s in (1, 3):
            most = most_in(window_s * 1_000, [one["at_ms"] for one in submits])
            assert most <= 1.1 * RATE_PER_S * window_s + 5, f"{most} in {window_s} s"
        spread_s = (max(one["at_ms"] for one in submits) - after) / 1_000
        assert len(submits) - before > 0.8 * RATE_PER_S * spread_s, "and it is used up by the one that is left"
        links = Counter(one["link"] for one in submits)
        assert len(links) == 4, "three binds, and the one that came for the lost one"
        assert sorted(links.values())[-3] > 10, f"a share of each node, and the one that was taken over: {links}"
        # Nothing was lost, and what was written twice is known to be.
        twice = {number for number, count in Counter(one["number"] for one in submits).items() if count > 1}
        assert {one["number"].removeprefix("+") for one in found} == {one["number"] for one in submits}
        assert twice <= {one["number"].removeprefix("+") for one in found if one["uncertain"]}
        assert stays.api("GET", "/ledger/check")["faults"] == []


def test_commands_mean_all_shares(cluster: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:
        carrier = stack.enter_context(smsc(tmp_path / "smsc", SCENARIO))
        one, two = start(stack, tmp_path, cluster.new_database())
        account = one.account("C1", credit=100)
        add(one, carrier)
        divided(one, two)
        in_time(lambda: set(view(two)["shares"]) == {"one", "two"})  # it has to hear of the other one
        listed = run_cli(two.data, "channel", "list").stdout
        assert listed.count("carrier") == 1 and ("shares at one, two" in listed or "shares at two, one" in listed)
        assert run_cli(one.data, "channel", "test", "carrier").returncode == 0
        one.api("POST", "/channels/carrier/pause")
        in_time(lambda: view(two)["paused"])
        number = one.send(account, Mobile="13800000000,13800000001,13800000002")
        waiting = one.messages(submission=number)
        assert {message["state"] for message in waiting} == {"queued"} and carrier.submits() == []
        two.api("POST", "/channels/carrier/resume")
        two.wait_for("delivered", 3, submission=number)
        # Parts of long replies go to all binds in turn.
        for n in range(6):
            wish: Any = {"from": f"86138{n:08d}", "to": "1069000012", "text": "收到" * 120, "shuffle": True}
            carrier.tell(do="reply", **wish)
        eventually(lambda: len(one.api("GET", "/replies")) == 6)
        eventually(lambda: carrier.tell(do="stats")["undelivered"] == 0)
        assert {reply["text"] for reply in two.api("GET", "/replies")} == {"收到" * 120}
        traced = one.api("GET", "/channels/carrier/trace")
        assert all(before["seq"] < after["seq"] for before, after in pairwise(traced))
        two.api("PATCH", "/channels/carrier", json={"settings": {"nodes": 1}})
        eventually(lambda: sorted(view(program)["bound"] for program in (one, two)) == [0, 3])
        assert carrier.tell(do="stats")["bound"] == 3
        one.wait_for("delivered", 1, submission=one.send(account))
        one.api("DELETE", "/channels/carrier")
        eventually(lambda: carrier.tell(do="stats")["bound"] == 0)


@pytest.mark.slow
def test_a_node_that_finishes_what_another_one_has_changed_keeps_its_berths(cluster: Cluster, tmp_path: Path) -> None:
    """The answers take longer than a lease, and the old binds wait for them."""
    with ExitStack() as stack:
        carrier = stack.enter_context(smsc(tmp_path / "smsc", f"[answer]\ndelay_s = {2 * LEASE_S}"))
        one, two = start(stack, tmp_path, cluster.new_database())
        account = one.account("C1", credit=100)
        add(one, carrier)
        divided(one, two)
        numbers = ",".join(f"13800{n:06d}" for n in range(20))
        one.send(account, Mobile=numbers)
        in_time(lambda: two.send(account, Mobile=numbers) > 0)
        eventually(lambda: len({submit["link"] for submit in carrier.submits()}) == 3)
        one.api("PATCH", "/channels/carrier", json={"settings": {"nodes": 3}})
        found = two.wait_for("delivered", 40)
        assert not any(message["uncertain"] for message in found)
        eventually(lambda: sorted(view(program)["bound"] for program in (one, two)) == [1, 2])
        assert not any("berths of this node are over" in program.said() for program in (one, two))
