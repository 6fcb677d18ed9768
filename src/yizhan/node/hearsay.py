"""Hearsay: what goes with each beat from this node's tallies to the other nodes, and from theirs to this one."""

from yizhan.policy.tally import Tallies
from yizhan.store.berths import Tide
from yizhan.store.tellings import Told


class Hearsay:
    """Tells everything once, and hears everything once, whatever becomes of single beats."""

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies
        self._number = 0
        self._said: Told | None = None  # and nobody knows yet whether it was heard
        self._heard_at_ms: int | None = None
        self._heard: set[tuple[int, int]] = set()  # that will come again: node and number

    def say(self) -> Told:
        """For the next beat: the same again until a beat has come back."""
        if self._said is None:
            self._number += 1
            self._said = Told(self._number, self._tallies.tell(), self._heard_at_ms)
        return self._said

    def hear(self, tide: Tide, now_s: float) -> None:
        """A beat has come back, at ``now_s`` of this node's time."""
        self._said, self._heard_at_ms = None, tide.now_ms
        for one in tide.heard:
            if (one.node_id, one.number) not in self._heard:
                self._tallies.hear(one.takings, now_s - (tide.now_ms - one.at_ms) / 1000)
        self._heard = {(one.node_id, one.number) for one in tide.heard}
