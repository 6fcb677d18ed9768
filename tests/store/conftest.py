"""A fresh store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .rows import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()
