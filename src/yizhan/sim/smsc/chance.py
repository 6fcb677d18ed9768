"""Chance, drawn from one seed so that a run can be had again."""

import random
from collections.abc import Mapping

from yizhan.sim.smsc.scenario import Spread


class Chance:
    """The only source of chance in the SMSC."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  to be repeated, not to be secret

    def hits(self, share: float) -> bool:
        """True in ``share`` of all cases."""
        return share > 0 and (share >= 1 or self._random.random() < share)

    def wait_s(self, mean_s: float, spread: Spread) -> float:
        """A wait around ``mean_s``."""
        if mean_s <= 0 or spread == "constant":
            return mean_s
        return self._random.uniform(0, 2 * mean_s) if spread == "uniform" else self._random.expovariate(1 / mean_s)

    def pick(self, weights: Mapping[str, int]) -> str:
        """One of them, by weight."""
        return self._random.choices(list(weights), weights=list(weights.values()))[0]

    def shuffled(self, count: int) -> list[int]:
        """0 .. count - 1 in any order."""
        order = list(range(count))
        self._random.shuffle(order)
        return order
