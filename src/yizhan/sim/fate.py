"""What the simulator does with a message: what somebody has chosen for its phone, else what the last four digits of the
number say, so that programs can test their failure paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yizhan.model.outcome import Outcome
from yizhan.model.views import ChosenFate


@dataclass(frozen=True, slots=True)
class Fate:
    """How a part ends: ``outcome`` at submit, with a word unless it is taken, and the report (None: never reported)."""

    report: str | None = None
    outcome: Outcome = Outcome.TAKEN
    word: str = ""
    delay_s: float = 0  # it arrives, and is reported, so much later

    @property
    def arrives(self) -> bool:
        """Whether the phone gets it: also when that is never reported."""
        return self.outcome is Outcome.TAKEN and self.report in ("DELIVRD", None)


# The words are SMPP's.
FATES: dict[str, Fate] = {
    "delivered": Fate(report="DELIVRD"),
    "undelivered": Fate(report="UNDELIV"),
    "expired": Fate(report="EXPIRED"),
    "rejected": Fate(report="REJECTD"),
    "unreported": Fate(report=None),
    "refused": Fate(outcome=Outcome.REFUSED, word="RINVDSTADR"),
    "barred": Fate(outcome=Outcome.BARRED, word="RINVSRCADR"),
    "busy": Fate(outcome=Outcome.BUSY, word="RSYSERR"),
    # The answer is lost once; sent again, the message is delivered.
    "unanswered": Fate(report="DELIVRD", outcome=Outcome.UNCERTAIN, word="NOANSWER"),
}
ENDINGS: dict[str, Fate] = {f"{number:04}": fate for number, fate in enumerate(FATES.values()) if number}


def fate_of(number: str) -> Fate:
    """The fate of every part sent to ``number``."""
    return ENDINGS.get(number[-4:], FATES["delivered"])


class Fates:
    """What was chosen, of all simulators of a node; in memory."""

    def __init__(self) -> None:
        self._chosen: dict[str | None, ChosenFate] = {}  # by phone; None: for any

    @property
    def names(self) -> Sequence[str]:
        """What can be chosen."""
        return list(FATES)

    def choose(self, wish: ChosenFate) -> None:
        """From now on, in place of what was chosen for the same phone."""
        self._chosen[wish.to] = wish

    def chosen(self) -> Sequence[ChosenFate]:
        """What still waits for a message."""
        return list(self._chosen.values())

    def forget(self, to: str | None) -> bool:
        """Whether anything was chosen for this phone (None: for any): its numbers decide again."""
        return self._chosen.pop(to, None) is not None

    def take(self, number: str) -> Fate:
        """The fate of the next message to ``number``: chosen for this phone, for any, or by its digits."""
        wish = self._chosen.get(number) or self._chosen.get(None)
        if wish is None:
            return fate_of(number)
        if wish.left is not None:
            if wish.left > 1:
                self._chosen[wish.to] = replace(wish, left=wish.left - 1)
            else:
                del self._chosen[wish.to]
        return replace(FATES[wish.fate], delay_s=wish.delay_s)
