"""Counters of what came too often. Time is passed in; every table is bounded."""

from collections import OrderedDict, deque

from yizhan.policy.tally import Key, Tally


class FailedLogins(Tally):
    """Failed logins by address, in a sliding window (contract, section 5, row 1). A window of 0 s is off."""

    def __init__(self, limit: int, window_s: float, max_addresses: int = 100_000) -> None:
        super().__init__()
        self._limit = limit
        self._window_s = window_s
        self._max_addresses = max_addresses
        self._times: OrderedDict[Key, deque[float]] = OrderedDict()

    def record(self, address: str, now_s: float) -> bool:
        """Count one failure; True when this is the one that reaches the limit (the count starts anew then)."""
        if self._window_s <= 0:
            return False
        self._note(address, 1)
        if self._add(address, 1, now_s) < self._limit:
            return False
        del self._times[address]
        self._note(address, -self._limit)
        return True

    def hear(self, key: Key, count: int, at_s: float) -> None:
        """Another node's failures. That they reach the limit shows at the next one here."""
        self._add(key, count, at_s)

    def _add(self, key: Key, count: int, at_s: float) -> int:
        """Add failures, or take back the oldest: how many there are, up to the limit."""
        times = self._times.setdefault(key, deque(maxlen=self._limit))
        self._times.move_to_end(key)
        while times and times[0] <= at_s - self._window_s:
            times.popleft()
        times.extend([at_s] * min(count, self._limit))
        for _ in range(min(-count, len(times))):
            times.popleft()
        if len(self._times) > self._max_addresses:
            self._times.popitem(last=False)
        return len(times)


class Intervals:
    """When each account's last answered call of each operation was (contract, section 5, row 9)."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[int, str], float] = {}

    def since(self, account_id: int, operation: str, now_s: float) -> float | None:
        """Seconds since the last answered call; None when there was none."""
        last_s = self._last_s.get((account_id, operation))
        return None if last_s is None else now_s - last_s

    def start(self, account_id: int, operation: str, now_s: float) -> float | None:
        """Start the interval; gives the former start, for ``restore`` when the call is not answered after all."""
        former = self._last_s.get((account_id, operation))
        self._last_s[account_id, operation] = now_s
        return former

    def restore(self, account_id: int, operation: str, started_s: float, former_s: float | None) -> None:
        """Undo the ``start`` at ``started_s``, unless a later call has started the interval anew."""
        if self._last_s.get((account_id, operation)) != started_s:
            return
        if former_s is None:
            self._last_s.pop((account_id, operation), None)
        else:
            self._last_s[account_id, operation] = former_s


class Allowance(Tally):
    """At most ``count`` events a key in ``window_s`` seconds, refilled evenly; past ``max_keys`` the oldest goes.

    What guessers may cost in slow checks, for example. What other nodes took at the same time is owed: nobody gets one
    until it has refilled.
    """

    def __init__(self, count: int, window_s: float = 60, max_keys: int = 100_000) -> None:
        super().__init__()
        self._count = count
        self._window_s = window_s
        self._max_keys = max_keys
        self._left: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def has(self, key: Key, now_s: float) -> bool:
        """Whether ``take`` would get one. A window of 0 s is off: there is always one."""
        return self._window_s <= 0 or self._available(key, now_s) >= 1

    def take(self, key: Key, now_s: float) -> bool:
        """Take one; False when none is left."""
        if self._window_s <= 0:
            return True
        if not self.has(key, now_s):
            return False
        self._take(key, 1, now_s)
        self._note(key, 1)
        return True

    def give_back(self, key: Key, now_s: float) -> None:
        """Undo one ``take``."""
        if key in self._left:
            self._take(key, -1, now_s)
            self._note(key, -1)

    def hear(self, key: Key, count: int, at_s: float) -> None:
        """Another node's takings. It never has more than ``count`` at once: what goes beyond, after it could not tell
        for long, has refilled in the meantime.
        """
        if self._window_s > 0:
            self._take(key, min(count, self._count), at_s)

    def _take(self, key: Key, count: int, at_s: float) -> None:
        self._left[key] = (min(float(self._count), self._available(key, at_s) - count), at_s)
        self._left.move_to_end(key)
        if len(self._left) > self._max_keys:
            self._left.popitem(last=False)

    def _available(self, key: Key, now_s: float) -> float:
        left, then_s = self._left.get(key, (float(self._count), now_s))
        return min(float(self._count), left + (now_s - then_s) * self._count / self._window_s)
