"""A foreign platform for each test; a proxy of the machine that runs the tests is not asked."""

from collections.abc import Iterator

import pytest

from .foreign import Platform, foreign_platform


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A running platform with an empty script."""
    monkeypatch.setenv("NO_PROXY", "*")
    with foreign_platform() as running:
        yield running
