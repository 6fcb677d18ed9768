"""A fresh house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with default settings and no account."""
    built = House(tmp_path / "data")
    yield built
    built.close()
