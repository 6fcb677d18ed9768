"""A fresh store for each test, on either engine: what holds for one holds for the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres import Cluster
from yizhan.model.settings import StoreSettings

from .rows import Store

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine; a test that asks for it runs on each."""
    name: str = request.param
    return name


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty store on the engine."""
    if engine == "sqlite":
        yield StoreSettings().url
        return
    cluster = request.getfixturevalue("cluster")
    made = cluster.new_store()
    yield made
    cluster.drop(made)


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[Store]:
    """An empty store."""
    opened = Store(tmp_path / "data", StoreSettings(url=url))
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
