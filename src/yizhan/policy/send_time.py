"""SendTime: exactly 14 digits of Beijing time (manual, SendTime; contract, section 3)."""

import re
from datetime import UTC, datetime, timedelta

from yizhan.kit.clock import BEIJING

_FORM = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.[0-9]{1,3})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def names_no_time(send_time: str) -> bool:
    """Whether the value means "now" by itself: empty, or the ``*`` of the manual's template, copied."""
    return send_time in ("", "*")


def parse_send_time(send_time: str) -> int | None:
    """``yyyyMMddHHmmss``, optionally with ``.f`` to ``.fff``, in UTC milliseconds; None when it is no such time."""
    match = _FORM.fullmatch(send_time)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
