"""How a channel has done lately: which share of answers blames it, which share of reports says delivered."""

from collections.abc import Sequence

from yizhan.model.outcome import Outcome
from yizhan.wire.smpp.statuses import outcome_of

_MEMORY = 50  # answers that count; older ones fade
_HALF_LIFE_S = 30.0  # without traffic a bad name fades, so that the channel is tried again
_FINAL = frozenset({"DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "DELETED"})


class Health:
    """Fading averages."""

    def __init__(self) -> None:
        self._errors = 0.0
        self._at_s = 0.0
        self._delivered: float | None = None

    def answered(self, good: int, bad: int, now_s: float) -> None:
        """So many parts have their answers."""
        if good + bad:
            kept = (1 - 1 / _MEMORY) ** (good + bad)
            self._errors = self.errors(now_s) * kept + bad / (good + bad) * (1 - kept)
            self._at_s = now_s

    def reported(self, words: Sequence[str]) -> None:
        """Final reports."""
        for word in words:
            if word in _FINAL:
                now = float(word == "DELIVRD")
                self._delivered = (
                    now if self._delivered is None else self._delivered + (now - self._delivered) / _MEMORY
                )

    def errors(self, now_s: float) -> float:
        """0 to 1."""
        return float(self._errors * 0.5 ** (max(0.0, now_s - self._at_s) / _HALF_LIFE_S))

    @property
    def delivered(self) -> float | None:
        """0 to 1; None before the first report."""
        return None if self._delivered is None else round(self._delivered, 3)

    def blames(self, status: int) -> bool:
        """Whether an answer's status is the channel's fault rather than the number's."""
        return outcome_of(status) in (Outcome.BARRED, Outcome.BUSY)
