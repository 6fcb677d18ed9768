"""Whose messages go next: urgent before bulk, though never bulk last for ever, and inside a lane accounts in turns."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yizhan.model.message import Lane

# Of every four slots one is for bulk while both lanes wait: a verification code waits for at most the slots in flight,
# and a blast still moves.
_BULK_SHARE = 4


class Crowd(NamedTuple):
    """Messages that are claimed together: of one account, in one lane, for the same channels."""

    lane: Lane
    account_id: int
    route_key: str = ""


class Turns:
    """Which crowds have something waiting, in the order of their turns."""

    def __init__(self) -> None:
        # lane -> account -> its crowds: accounts take turns, however many crowds each has.
        self._waiting: dict[Lane, dict[int, dict[Crowd, None]]] = {lane: {} for lane in Lane}
        self._owed_to_bulk = 0.0  # slots; fractions add up, so that single slots are shared fairly too

    def add(self, waiting: Iterable[Crowd]) -> None:
        """Something waits there; an account that already has a turn keeps its place."""
        for crowd in waiting:
            self._waiting[crowd.lane].setdefault(crowd.account_id, {}).setdefault(crowd)

    def end(self, crowd: Crowd) -> None:
        """Nothing waits there any more."""
        crowds = self._waiting[crowd.lane][crowd.account_id]
        del crowds[crowd]
        if not crowds:
            del self._waiting[crowd.lane][crowd.account_id]

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def __iter__(self) -> Iterator[Crowd]:
        return (crowd for accounts in self._waiting.values() for crowds in accounts.values() for crowd in crowds)

    def take(self, slots: int, among: frozenset[Crowd] | None = None) -> list[tuple[Crowd, int]]:
        """Divide ``slots`` into (crowd, at most so many), and end those crowds' turns; only of ``among`` if given.

        Whoever got all of its share must be added again: it may have more.
        """
        lanes = {lane: self._candidates(lane, among) for lane in Lane}
        for_bulk = self._bulk_part(slots, bool(lanes[Lane.URGENT]), bool(lanes[Lane.BULK]))
        return self._share(lanes[Lane.URGENT], slots - for_bulk) + self._share(lanes[Lane.BULK], for_bulk)

    def _candidates(self, lane: Lane, among: frozenset[Crowd] | None) -> list[list[Crowd]]:
        """The crowds of each account, in the order of the accounts' turns."""
        accounts = self._waiting[lane].values()
        if among is None:
            return [list(crowds) for crowds in accounts]
        chosen = ([crowd for crowd in crowds if crowd in among] for crowds in accounts)
        return [crowds for crowds in chosen if crowds]

    def _bulk_part(self, slots: int, urgent: bool, bulk: bool) -> int:
        if not (urgent and bulk):
            return slots if bulk else 0
        self._owed_to_bulk += slots / _BULK_SHARE
        part = int(self._owed_to_bulk)
        self._owed_to_bulk -= part
        return part

    def _share(self, accounts: list[list[Crowd]], slots: int) -> list[tuple[Crowd, int]]:
        shares = []
        left = len(accounts)
        for crowds in accounts:
            if slots <= 0:
                break
            of_account = max(1, slots // left)
            left -= 1
            for place, crowd in enumerate(crowds):
                share = min(of_account, max(1, of_account // (len(crowds) - place)))
                if share <= 0:
                    break
                self.end(crowd)
                shares.append((crowd, share))
                slots -= share
                of_account -= share
            self._to_the_end(crowds[0])
        return shares

    def _to_the_end(self, of: Crowd) -> None:
        """An account that was served waits behind the others with what it has left."""
        accounts = self._waiting[of.lane]
        if rest := accounts.pop(of.account_id, None):
            accounts[of.account_id] = rest
