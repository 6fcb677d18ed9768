"""Whose messages go next: urgent before bulk, though never bulk last for ever, and inside a lane accounts in turns."""

from collections.abc import Iterable

from yizhan.model.message import Lane

# Of every four slots one is for bulk while both lanes wait: a verification code waits for at most the slots in flight,
# and a blast still moves.
_BULK_SHARE = 4


class Turns:
    """Which (lane, account) have something waiting, in the order of their turns."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, dict[int, None]] = {lane: {} for lane in Lane}
        self._owed_to_bulk = 0.0  # slots; fractions add up, so that single slots are shared fairly too

    def add(self, waiting: Iterable[tuple[Lane, int]]) -> None:
        """Something waits there; an account that already has a turn keeps its place."""
        for lane, account_id in waiting:
            self._waiting[lane].setdefault(account_id)

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def take(self, slots: int) -> list[tuple[Lane, int, int]]:
        """Divide ``slots`` into (lane, account, at most so many), and end those accounts' turns.

        Whoever got all of its share must be added again: it may have more.
        """
        for_bulk = self._bulk_part(slots)
        return self._share(Lane.URGENT, slots - for_bulk) + self._share(Lane.BULK, for_bulk)

    def _bulk_part(self, slots: int) -> int:
        urgent, bulk = self._waiting[Lane.URGENT], self._waiting[Lane.BULK]
        if not (urgent and bulk):
            return slots if bulk else 0
        self._owed_to_bulk += slots / _BULK_SHARE
        part = int(self._owed_to_bulk)
        self._owed_to_bulk -= part
        return part

    def _share(self, lane: Lane, slots: int) -> list[tuple[Lane, int, int]]:
        accounts = self._waiting[lane]
        shares = []
        while accounts and slots > 0:
            share = max(1, slots // len(accounts))
            account_id = next(iter(accounts))
            del accounts[account_id]
            shares.append((lane, account_id, share))
            slots -= share
        return shares
