"""How long a channel waits before it connects again (carriers, "do not hammer": carriers lock accounts that do)."""

from enum import Enum

from yizhan.policy.backoff import delay_s

# A bind that held so long was a good one: the next loss begins to count anew.
GOOD_BIND_S = 10.0
_FIRST_S = 1.0


class Trouble(Enum):
    """Why there is no bind; the value is the longest wait in seconds."""

    UNREACHABLE = 10.0  # no TCP, no TLS, or a connection that was lost
    REFUSED = 60.0  # the carrier answered, and does not let us in


def reconnect_delay_s(failures: int, trouble: Trouble, jitter: float) -> float:
    """Seconds before the next attempt, after so many failed ones in a row (1, 2, …): at most 1 after the first."""
    return delay_s(failures, _FIRST_S, trouble.value, jitter)
