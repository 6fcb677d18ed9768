"""Parameters of a Content-Type, read as leniently as the programs that write them need."""

import re
from functools import cache


@cache
def _pattern(name: str) -> re.Pattern[str]:
    # One separator, then the name: no repetition stands before the name, so a long header costs linear time.
    value = r"""(?:"([^"]*)"|'([^']*)'|([^;,\s"']*))"""
    return re.compile(rf"(?:^|[;,\s]){name}\s*=\s*{value}", re.IGNORECASE)


def parameter(content_type: str, name: str) -> str:
    """The value of the parameter ``name`` (charset, boundary, action, ...), without its quotes; empty when missing.

    ``name`` is one of our own words, never the client's.
    """
    found = _pattern(name).search(content_type)
    return (found[1] or found[2] or found[3] or "") if found else ""


def is_multipart(content_type: str) -> bool:
    """Whether the body is multipart/form-data."""
    return content_type.lstrip()[:19].lower() == "multipart/form-data"
