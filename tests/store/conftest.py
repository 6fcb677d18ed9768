"""A fresh store for each test, on either engine: what holds for one holds for the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres import Cluster
from yizhan.model.settings import StoreSettings

from .rows import Store

_SLOW = ("pgbouncer", "postgresql-18")
ENGINES = ("sqlite", "postgresql", *(pytest.param(name, marks=pytest.mark.slow) for name in _SLOW))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine; a test that asks for it runs on each."""
    name: str = request.param
    return name


@pytest.fixture
def settings(engine: str, request: pytest.FixtureRequest) -> Iterator[StoreSettings]:
    """Of an empty store on the engine."""
    if engine == "sqlite":
        yield StoreSettings()
        return
    cluster = request.getfixturevalue("newer_cluster" if engine == "postgresql-18" else "cluster")
    url = cluster.new_store()
    if engine == "pgbouncer":
        yield StoreSettings(url=request.getfixturevalue("pooler").before(url), direct_url=url)
    else:
        yield StoreSettings(url=url)
    cluster.drop(url)


@pytest.fixture
def store(tmp_path: Path, settings: StoreSettings) -> Iterator[Store]:
    """An empty store."""
    opened = Store(tmp_path / "data", settings)
    yield opened
    opened.close()


@pytest.fixture
def stores(cluster: Cluster, tmp_path: Path) -> Iterator[list[Store]]:
    """Two nodes' stores on one database."""
    url = cluster.new_store()
    opened = [Store(tmp_path / name, StoreSettings(url=url)) for name in ("one", "two")]
    yield opened
    for store in opened:
        store.close()
    cluster.drop(url)
