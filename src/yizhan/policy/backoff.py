"""How long to wait before trying again: longer each time, and not all at the same moment."""

GROWTH = 3
# By then any first delay worth the name is past any limit; without a bound the power would outgrow a float.
_MOST_GROWTHS = 100


def delay_s(attempt: int, first_s: float, most_s: float, jitter: float) -> float:
    """Seconds to wait after attempt number ``attempt`` (1, 2, ...) has failed.

    The whole delay is ``first_s``, three times that, nine times ... and never more than ``most_s``. What is waited is
    between half of it (``jitter`` 0) and all of it (``jitter`` 1), so that receivers that failed together are not
    called together again.
    """
    whole_s = min(most_s, first_s * float(GROWTH) ** min(max(attempt - 1, 0), _MOST_GROWTHS))
    return whole_s * (0.5 + jitter / 2)
