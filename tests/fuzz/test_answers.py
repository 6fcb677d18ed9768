"""Garbage gets an answer of the closed set, nothing else; and it leaves the program, its ledger and its log unhurt."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from .fire import Shot, fire, fire_alone
from .judge import Said
from .mutate import content_type, mutate, mutate_request, noise
from .seeds import TRANSPORTS, Seed, seeds
from .target import Target, under_fire
from .vectors import vector_seeds, whole_vectors

INPUTS = 1_000
ROUNDS = 2
# Another number is another thousand inputs; the usual one keeps a failure where it was.
SEED = os.environ.get("YIZHAN_TEST_FUZZ_SEED", "1")
Accident = Callable[[Random, bytes, Sequence[bytes]], bytes]
every_transport = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One program for all tests here."""
    with under_fire(tmp_path_factory.mktemp("fuzz") / "data") as target:
        yield target


def framed(transport: str, seed: str, accident: Accident, others: Sequence[bytes]) -> Shot:
    """One rightly framed request with a payload that has met ``accident``."""
    chance = Random(seed)
    start = chance.choice(_sources(transport, chance))
    payload = accident(chance, start.payload, others)
    spoilt = replace(start, payload=payload, content_type=content_type(chance, start.content_type))
    return Shot(seed, spoilt.framed(), transport, start.operation)


@cache
def seeds_of(transport: str) -> list[Seed]:
    """Our own seeds."""
    return list(seeds(transport))


@cache
def vectors_of(transport: str) -> list[Seed]:
    """Those of tests/vectors."""
    return list(vector_seeds(transport))


def _sources(transport: str, chance: Random) -> list[Seed]:
    return (vectors_of(transport) if chance.random() < 0.5 else []) or seeds_of(transport)


def shoot(
    target: Target, shots: list[Shot], gun: Callable[[tuple[str, int], Sequence[Shot]], list[Said]]
) -> list[Said]:
    """Fire in rounds, and look at the target after each; what came back."""
    size = -(-len(shots) // ROUNDS)
    back: list[Said] = []
    for start in range(0, len(shots), size):
        target.mend()
        said = gun(target.program.address, shots[start : start + size])
        target.check(said)
        back += said
    return back


@every_transport
def test_good_calls_succeed(target: Target, transport: str) -> None:
    """What the mutants descend from is good: else they would all be refused at the door."""
    said = shoot(target, [Shot("", seed.framed(), transport, seed.operation) for seed in seeds_of(transport)], fire)
    done = {name for one in said for name in one.operations if not one.value.startswith("-")}
    assert {"IntlSend", "GetBalance", "BatchSend2", "Send", "BatchContentSms", "SelSum", "Get", "UpdPwd"} <= done


@every_transport
def test_vectors_are_seeds(target: Target, transport: str) -> None:
    """The vectors as seeds are understood as what they are: they get answers of the operations that they call."""
    sources = vectors_of(transport)
    said = shoot(target, [Shot("", seed.framed(), transport, seed.operation) for seed in sources], fire)
    assert sum(not one.value.startswith("-") for one in said) >= 5


@every_transport
def test_random_bytes_as_a_call(target: Target, transport: str) -> None:
    """Random bytes where a call's parameters should stand get an answer of the closed set, nothing else."""
    shots = [framed(transport, f"{SEED} {transport} noise {count}", noise, ()) for count in range(INPUTS)]
    shoot(target, shots, fire)


@every_transport
def test_mutated_calls(target: Target, transport: str) -> None:
    """A good call with a spoilt payload gets an answer of the closed set, nothing else."""
    others = [seed.payload for seed in (*seeds_of(transport), *vectors_of(transport))]
    shots = [framed(transport, f"{SEED} {transport} call {count}", mutate, others) for count in range(INPUTS)]
    said = shoot(target, shots, fire)
    assert sum(not one.value.startswith("-") for one in said) > INPUTS / 50, "hardly one has reached the store"


@every_transport
def test_mutated_requests(target: Target, transport: str) -> None:
    """A good request spoilt anywhere, its head included, gets answers of the closed set and an end, nothing else."""
    whole = [seed.framed_to_close() for seed in (*seeds_of(transport), *vectors_of(transport))]
    _shoot_whole(
        target, f"{transport} request", INPUTS // 2, lambda chance: mutate_request(chance, chance.choice(whole), whole)
    )


def test_mutated_vectors_of_several_messages(target: Target) -> None:
    """Whatever a vector is, chunked or pipelined or staged, spoilt it gets answers of the closed set and an end."""
    whole = whole_vectors()
    assert whole
    _shoot_whole(target, "vector", INPUTS, lambda chance: mutate_request(chance, chance.choice(whole), whole))


def test_random_bytes_as_a_connection(target: Target) -> None:
    """Random bytes instead of HTTP get an answer of the closed set, nothing else."""
    starts = (b"", b"", b"GET /", b"POST / HTTP/1.1\r\n")
    _shoot_whole(target, "connection", INPUTS, lambda chance: chance.choice(starts) + noise(chance, b"", ()))


def _shoot_whole(target: Target, name: str, count: int, make: Callable[[Random], bytes]) -> None:
    names = [f"{SEED} {name} {number}" for number in range(count)]
    shoot(target, [Shot(seed, make(Random(seed))) for seed in names], fire_alone)
