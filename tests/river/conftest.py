"""One running gateway for the tests that do not mind each other, and a factory for those that do."""

from collections.abc import Iterator

import pytest

from .program import Program, first_run

# The interval of row 9 has tests of its own; here it would only make tests wait.
_QUICK = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]'}


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with the demo account and quick receipts, shared by the tests of this process."""
    with first_run(tmp_path_factory.mktemp("gateway") / "data", "--demo", **_QUICK) as program:
        yield program
