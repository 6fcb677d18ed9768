"""The contracts of ``wire`` under mutants in every run, and under atheris for a minute in ``make test-slow``."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from figures import tell
from yizhan.wire.smpp.codec import Pdu, encode, frame
from yizhan.wire.smpp.table import Command

from .contracts import CONTRACTS
from .mutate import TOKENS, mutate, noise
from .seeds import TEXT, TRANSPORTS, calls, seeds
from .vectors import vector_seeds, whole_vectors

INPUTS = 1_000
SEED = os.environ.get("YIZHAN_TEST_FUZZ_SEED", "1")
TOGETHER_S = float(os.environ.get("YIZHAN_TEST_FUZZ_S", "60"))
START_S = 60  # what a process may take until it fuzzes
every_contract = pytest.mark.parametrize("name", CONTRACTS)


def starts(name: str) -> Iterator[bytes]:
    """Good inputs of a contract."""
    if name in ("form", "multipart"):
        for transport in ("aspx-GET", "aspx-POST"):
            for seed in (*seeds(transport), *vector_seeds(transport)):
                yield b"\x10\0" + seed.payload
                yield b"\x30" + seed.content_type + b"\0" + seed.payload
    elif name == "envelope":
        for transport in TRANSPORTS[-2:]:
            yield from (
                seed.content_type + b"\0" + seed.payload for seed in (*seeds(transport), *vector_seeds(transport))
            )
    elif name == "target":
        yield from (raw.partition(b"\r\n")[0] for raw in whole_vectors())
        yield from (seed.framed().partition(b"\r\n")[0] for seed in seeds("aspx-GET"))
    elif name == "items":
        yield from (values["JsonString"].encode() for _, values in calls() if "JsonString" in values)
    elif name == "session":
        deliver = Pdu(
            Command.DELIVER_SM, 0, 7, {"source_addr": "8613800000000", "short_message": b"hi"}, ((0x1E, b"a\0"),)
        )
        answers = b"".join(frame(Command.SUBMIT_SM_RESP, 0, number, b"id\0") for number in (3, 2, 5))
        yield answers + encode(deliver) + encode(Pdu(Command.ENQUIRE_LINK, 0, 8)) + encode(Pdu(Command.UNBIND, 0, 9))
        yield encode(deliver) * 3 + frame(0x0ABC, 0, 1, b"") + frame(Command.GENERIC_NACK, 3, 4, b"")
    elif name == "receipt":
        text = b"id:0123456789 sub:001 dlvrd:001 submit date:2611241530 done date:2611241531 stat:DELIVRD err:000 text:"
        yield from (
            b"\x04\0" + text,
            b"\x04\x08" + text.decode().encode("utf-16-be"),
            b"\x40\x08\x05\0\x03\x07\x02\x01" + text,
        )
    else:
        yield from (
            text.encode(codec) for text in (TEXT * 9, "a{}€" * 60, "𠮷a" * 40) for codec in ("utf-8", "gb18030")
        )


@every_contract
def test_mutants(name: str) -> None:
    """Garbage keeps the contract (its own docstring says which)."""
    good = list(starts(name))
    assert good
    for data in good:
        CONTRACTS[name](data)
    for count in range(INPUTS):
        seed = f"{SEED} {name} {count}"
        chance = Random(seed)
        data = (mutate if chance.random() < 0.8 else noise)(chance, chance.choice(good), good)
        try:
            CONTRACTS[name](data)
        except Exception as error:
            raise AssertionError(f"{error!r}\n  Random({seed!r}), in hex: {data[:4_000].hex()}") from error


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris here (Linux, Python < 3.14)")
@pytest.mark.timeout(TOGETHER_S + 2 * START_S)
@every_contract
def test_crawling(name: str, tmp_path: Path) -> None:
    """Garbage that was led by coverage keeps the contract, too; a finding is shown in hex."""
    corpus, found = tmp_path / "corpus", tmp_path / "found-"
    corpus.mkdir()
    for number, data in enumerate(starts(name)):
        (corpus / f"{number:04}").write_bytes(data)
    words = tmp_path / "words"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in TOKENS))
    share_s = max(1, round(TOGETHER_S / len(CONTRACTS)))
    options = [
        f"-max_total_time={share_s}",
        "-timeout=10",
        "-max_len=8192",
        f"-dict={words}",
        f"-artifact_prefix={found}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.crawl", name, *options, str(corpus)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=share_s + START_S,
        check=False,
    )
    inputs = [path.read_bytes().hex() for path in tmp_path.glob("found-*")]
    assert (done.returncode, inputs) == (0, []), f"{name}: input in hex {inputs}\n{done.stderr[-4_000:]}"
    assert "Done " in done.stderr, f"it did not fuzz:\n{done.stderr[-4_000:]}"
    tell(f"{name}: {done.stderr.strip().splitlines()[-1]}")
