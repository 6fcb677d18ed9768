"""Fixtures of the front: one gateway for many harmless tests."""

from collections.abc import Iterator

import pytest

from .harness import Served, serving


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """A gateway with default settings, shared by the tests of this process."""
    with serving() as served:
        yield served


@pytest.fixture
def served(shared: Served) -> Served:
    """The shared gateway with an empty notebook and friendly answers."""
    river = shared.river
    river.calls.clear()
    river.submission, river.milli, river.delay_s, river.error = 100_000_001, 12_345_678, 0, None
    return shared
