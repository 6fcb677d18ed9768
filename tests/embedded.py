"""An embedded store without a row, migrated once for all tests of a process."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from yizhan.model.settings import StoreSettings
from yizhan.store.opening import open_store

_FILE = "yizhan.db"


def lay_store(data: Path) -> Path:
    """``data`` with such a store, unless it has one."""
    if not (data / _FILE).exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(_template(), data / _FILE)
        (data / _FILE).chmod(0o600)
    return data


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="yizhan-store-"))
    atexit.register(shutil.rmtree, folder)
    open_store(folder, StoreSettings()).close()
    return folder / _FILE
