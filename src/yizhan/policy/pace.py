"""How fast a channel may send: the contract's rate, and less for a while when the carrier says that it is too much.

The contract is a token bucket with so little room that any ten seconds hold at most half a percent too many. Throttling
(0x58, 0x14) halves the rate that was reached and stops for a moment; then the rate climbs in even steps until the
contract is reached again or the carrier throttles once more (additive increase, multiplicative decrease). Without a
contract the best rate that was ever reached stands in its place: after any storm it is back within twenty seconds.
"""

_BURST_S = 0.05  # the bucket holds what this much time earns; a timer may be late by as much without losing rate
_PAUSE_S = 1.0
_MOST_PAUSE_S = 30.0
_STEPS = 20  # seconds of climbing from nothing to the full rate; of that one, so much is always left
_OPEN_END = 4  # without a contract, a limit of so many times the best rate is no limit any more


class Pace:
    """The pace of one channel, all its binds together. Times are monotonic seconds."""

    def __init__(self, contract_per_s: float, now_s: float) -> None:
        """``contract_per_s`` parts a second; 0: as fast as the window allows."""
        self._contract = contract_per_s or float("inf")
        self._limit = self._contract
        self._best = 0.0  # the highest rate that was ever reached, in force when there is no contract
        self._tokens = 1.0
        self._at_s = now_s
        self._resume_s = now_s
        self._pause_s = _PAUSE_S
        self._second_s = now_s  # begin of the second that is counted
        self._in_second = 0
        self._reached = 0.0  # parts in the last whole second

    @property
    def limit_per_s(self) -> float:
        """The rate in force now; infinite when there is none."""
        return self._limit

    @property
    def throttled_now(self) -> bool:
        """Whether the rate is below the contract's."""
        return self._limit < self._contract

    def allow(self, now_s: float) -> int:
        """How many parts may leave now; a large number when there is no limit."""
        self._advance(now_s)
        if now_s < self._resume_s:
            return 0
        return 1_000_000 if self._limit == float("inf") else int(self._tokens + 1e-9)

    def took(self, count: int) -> None:
        """``count`` parts have left, of those that ``allow`` gave."""
        self._in_second += count
        if self._limit != float("inf"):
            self._tokens -= count

    def next_s(self, now_s: float) -> float:
        """When at least one part may leave, ``now_s`` when it may already."""
        if now_s < self._resume_s:
            return self._resume_s
        if self._limit == float("inf") or self._tokens >= 1:
            return now_s
        return now_s + (1 - self._tokens) / self._limit

    def throttled(self, now_s: float) -> None:
        """The carrier refused a part because it was too much; refusals of one burst count once."""
        self._advance(now_s)
        if now_s < self._resume_s:
            return
        reached = max(self._reached, float(self._in_second), 1.0)
        self._best = max(self._best, reached)
        self._limit = max(1.0, self._full / _STEPS, min(self._limit, reached) / 2)
        self._resume_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, _MOST_PAUSE_S)
        self._tokens = 0.0

    def accepted(self) -> None:
        """The carrier took a part: the next throttling begins with the short pause again."""
        self._pause_s = _PAUSE_S

    @property
    def _full(self) -> float:
        return self._best if self._contract == float("inf") else self._contract

    def _advance(self, now_s: float) -> None:
        passed_s = max(0.0, now_s - self._at_s)
        self._at_s = max(self._at_s, now_s)
        running_s = min(passed_s, now_s - self._resume_s)  # a pause earns nothing
        if running_s > 0 and self._limit != float("inf"):
            self._limit = min(self._contract, self._limit + max(1.0, self._full / _STEPS) * running_s)
            self._tokens = min(1 + self._limit * _BURST_S, self._tokens + self._limit * running_s)
            if self._contract == float("inf") and self._limit >= _OPEN_END * self._best:
                self._limit = self._contract
        if now_s - self._second_s >= 1:
            self._reached = self._in_second / (now_s - self._second_s)
            self._in_second, self._second_s = 0, now_s
