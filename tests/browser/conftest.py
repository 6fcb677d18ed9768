"""One browser for each file of tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from .chromium import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as running:
        yield running
