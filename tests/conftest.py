"""What holds for every test: on a machine that promises every foreign peer, a skipped test is a failed one."""

import os
from collections.abc import Generator, Iterator

import pytest

from postgres import Cluster, Pooler, newer_binaries

ALL_PEERS = "YIZHAN_TEST_ALL_PEERS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where ``YIZHAN_TEST_ALL_PEERS`` is set."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(ALL_PEERS):
        report.outcome = "failed"
        report.longrepr = f"{ALL_PEERS} is set, yet this was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests of this process that want one."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def newer_cluster() -> Iterator[Cluster]:
    """One of PostgreSQL 18."""
    with Cluster(newer_binaries()) as running:
        yield running


@pytest.fixture(scope="session")
def pooler(cluster: Cluster) -> Iterator[Pooler]:
    """PgBouncer before it."""
    with Pooler(cluster) as running:
        yield running
