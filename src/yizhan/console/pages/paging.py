"""Long lists, a page at a time."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

PAGE = 50


def cut(found: Sequence[T], size: int = PAGE) -> tuple[Sequence[T], T | None]:
    """A page of what was found (``size`` and one more, if there is), and its last one when there is another page."""
    return found[:size], found[size - 1] if len(found) > size else None
