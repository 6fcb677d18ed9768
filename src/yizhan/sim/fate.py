"""What the simulator does with a number: the last four digits decide, so that programs can test their failure paths."""

from dataclasses import dataclass

from yizhan.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Fate:
    """How a part ends: ``outcome`` at submit, with a word unless it is taken, and the report (None: never reported)."""

    report: str | None = None
    outcome: Outcome = Outcome.TAKEN
    word: str = ""


DELIVERED = Fate(report="DELIVRD")

# The words are SMPP's.
FATES: dict[str, Fate] = {
    "0001": Fate(report="UNDELIV"),
    "0002": Fate(report="EXPIRED"),
    "0003": Fate(report="REJECTD"),
    "0004": Fate(report=None),
    "0005": Fate(outcome=Outcome.REFUSED, word="RINVDSTADR"),
    "0006": Fate(outcome=Outcome.BARRED, word="RINVSRCADR"),
    "0007": Fate(outcome=Outcome.BUSY, word="RSYSERR"),
    # The answer is lost once; sent again, the message is delivered.
    "0008": Fate(report="DELIVRD", outcome=Outcome.UNCERTAIN, word="NOANSWER"),
}


def fate_of(number: str) -> Fate:
    """The fate of every part sent to ``number``."""
    return FATES.get(number[-4:], DELIVERED)
