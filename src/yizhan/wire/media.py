"""Parameters of a Content-Type, read as leniently as the programs that write them need."""

import re
from functools import cache, lru_cache

# The memory is for the few types that programs repeat; it holds a thousand, and none longer than this.
_MAX_REMEMBERED_CHARS = 128


@cache
def _pattern(name: str) -> re.Pattern[str]:
    # One separator, then the name: no repetition stands before the name, so a long header costs linear time.
    value = r"""(?:"([^"]*)"|'([^']*)'|([^;,\s"']*))"""
    return re.compile(rf"(?:^|[;,\s]){name}\s*=\s*{value}", re.IGNORECASE)


def parameter(content_type: str, name: str) -> str:
    """The value of the parameter ``name`` (charset, boundary, action, ...), without its quotes; empty when missing.

    ``name`` is one of our own words, never the client's.
    """
    look_up = _remembered if len(content_type) <= _MAX_REMEMBERED_CHARS else _look_up
    return look_up(content_type, name)


def _look_up(content_type: str, name: str) -> str:
    found = _pattern(name).search(content_type)
    return (found[1] or found[2] or found[3] or "") if found else ""


_remembered = lru_cache(maxsize=1_000)(_look_up)


def is_multipart(content_type: str) -> bool:
    """Whether the body is multipart/form-data."""
    return content_type.lstrip()[:19].lower() == "multipart/form-data"
