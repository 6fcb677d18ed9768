"""What is installed is pinned by version and hash, names no host, and has a licence that we may pass on."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

from .pages import ROOT

FILES = sorted((ROOT / "requirements").glob("*.txt"))
EVERY = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
_PIN = re.compile(
    r"[A-Za-z0-9._-]+(?:\[[\w,-]+\])?==[^\s;\\]+(?: ; [^\\]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)
FREE = re.compile(r"(?i)\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Unlicense|0BSD|HPND)\b")


def entries(file: Path) -> list[str]:
    """The requirements of a file, each with its hashes, without comments."""
    text = re.sub(r"(?m)^\s*#.*\n", "", file.read_text())
    return [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]


def test_there_are_some() -> None:
    assert {"base.txt", "dev.txt"} <= {file.name for file in FILES}


@EVERY
def test_everything_is_pinned_by_version_and_hash(file: Path) -> None:
    assert [entry for entry in entries(file) if not _PIN.fullmatch(entry)] == []


@EVERY
def test_no_host_and_no_option_of_pip_is_named(file: Path) -> None:
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", file.read_text())


def licence(name: str) -> str:
    """All that a distribution says of its licence."""
    meta = metadata(name)
    said = [meta[field][:200] for field in ("License-Expression", "License") if field in meta]
    return " ".join([*said, *(c for c in meta.get_all("Classifier") or [] if c.startswith("License"))])


def test_what_the_gateway_needs_has_a_free_licence() -> None:
    bad = {}
    for entry in entries(ROOT / "requirements" / "base.txt"):
        name = re.split(r"[\[=]", entry)[0]
        try:
            said = licence(name)
        except PackageNotFoundError:
            assert ";" in entry.partition("\n")[0], f"{name} is not installed"  # for another system or Python
            continue
        if not FREE.search(said) or re.search(r"\bA?GPL\b", said):
            bad[name] = said
    assert bad == {}
