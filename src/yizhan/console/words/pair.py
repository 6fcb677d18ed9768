"""What a room says: for each key the English and the Chinese."""

from collections.abc import Mapping

Pairs = Mapping[str, tuple[str, str]]
