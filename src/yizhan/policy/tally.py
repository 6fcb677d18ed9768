"""Tallies: counts that the nodes of a store keep together. Each node counts by itself, and tells the others soon after.

So nobody waits for anybody, and what all nodes count together is too little by what has not been told yet, no more. A
node whose store is its own tells nothing and remembers nothing for it.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from heapq import nlargest

Key = int | str
Taking = tuple[str, Key, int]  # the tally's name, the key, how many were counted (less than 0: taken back)

# Keys of each tally that are told at a time, those first with the most to tell: guessers from a million addresses must
# not make a beat large. Past the second bound the key goes untold that has not been counted for the longest.
_MOST_TOLD = 100
_MOST_UNTOLD = 10_000


class Tally(ABC):
    """Counts by key, and knows what others have not been told."""

    def __init__(self) -> None:
        self._shared = False
        self._untold: OrderedDict[Key, int] = OrderedDict()

    def share(self) -> None:
        """Others have to be told from now on."""
        self._shared = True

    def tell(self) -> list[tuple[Key, int]]:
        """What the others do not know yet, and are told now: at most ``_MOST_TOLD`` keys, the rest next time."""
        told = nlargest(_MOST_TOLD, self._untold.items(), key=lambda item: abs(item[1]))
        for key, _ in told:
            del self._untold[key]
        return told

    @abstractmethod
    def hear(self, key: Key, count: int, at_s: float) -> None:
        """Another node has counted so many, about at ``at_s``; less than 0: it has taken them back."""

    def _note(self, key: Key, count: int) -> None:
        """This node has counted so many."""
        if not self._shared:
            return
        count += self._untold.pop(key, 0)
        if count:
            self._untold[key] = count
        if len(self._untold) > _MOST_UNTOLD:
            self._untold.popitem(last=False)


class Tallies:
    """All of a node's, by their names."""

    def __init__(self, tallies: Mapping[str, Tally]) -> None:
        """They are shared from now on."""
        self._tallies = tallies
        for tally in tallies.values():
            tally.share()

    def tell(self) -> tuple[Taking, ...]:
        """What the others do not know yet; it counts as told."""
        return tuple((name, key, count) for name, tally in self._tallies.items() for key, count in tally.tell())

    def hear(self, takings: Iterable[Taking], at_s: float) -> None:
        """What another node has told, about at ``at_s`` of this node's time."""
        for name, key, count in takings:
            if (tally := self._tallies.get(name)) is not None:  # else of another version of this program
                tally.hear(key, count, at_s)
