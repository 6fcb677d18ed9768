"""A data directory of its own for each test."""

from pathlib import Path

import pytest

from .shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Commands on a data directory that exists and is empty."""
    data = tmp_path / "data"
    data.mkdir()
    return Shell(data)
