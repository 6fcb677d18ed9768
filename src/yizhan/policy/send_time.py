"""SendTime: exactly 14 digits of Beijing time (manual, SendTime; contract, section 3)."""

import re
from datetime import UTC, datetime, timedelta

from yizhan.kit.clock import BEIJING

# Hours end at 23 here: later Pythons take 24:00 for the midnight that follows, and we do not.
_FORM = re.compile(r"([0-9]{8})((?:[01][0-9]|2[0-3])[0-9]{4})(?:\.[0-9]{1,3})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).astimezone(BEIJING).replace(tzinfo=None)  # as a clock in Beijing showed it
_MILLISECOND = timedelta(milliseconds=1)


def names_no_time(send_time: str) -> bool:
    """Whether the value means "now" by itself: empty, or the ``*`` of the manual's template, copied."""
    return send_time in ("", "*")


def parse_send_time(send_time: str) -> int | None:
    """``yyyyMMddHHmmss``, optionally with ``.f`` to ``.fff``, in UTC milliseconds; None when it is no such time."""
    match = _FORM.fullmatch(send_time)
    if match is None:
        return None
    try:
        # Beijing keeps one offset, so the reading of its clocks will do; with a zone the same costs twice as much.
        shown = datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except ValueError:
        return None
    return (shown - _EPOCH) // _MILLISECOND
