"""A note that a node leaves in its data directory: what a command line beside it must know of its configuration."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from yizhan.model.settings import AdminSettings, Settings, StoreSettings

_NAME = "node.json"


@dataclass(frozen=True, slots=True)
class Note:
    """Where the store and the admin socket are, as the configuration says it."""

    store_url: str = StoreSettings().url
    admin_listen: str = AdminSettings().listen
    store_direct_url: str = StoreSettings().direct_url

    def socket(self, data: Path) -> Path:
        """The admin socket; a relative path starts at the data directory."""
        return data / self.admin_listen.removeprefix("unix:")


def leave_note(data: Path, settings: Settings) -> None:
    """Write the note of a node that starts with ``settings``."""
    note = Note(settings.store.url, settings.admin.listen, settings.store.direct_url)
    (data / _NAME).write_text(json.dumps(asdict(note)) + "\n", encoding="utf-8")


def read_note(data: Path) -> Note:
    """What the last node has left; the defaults when there was none."""
    try:
        return Note(**json.loads((data / _NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Note()
