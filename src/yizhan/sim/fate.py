"""What the simulator does with a number: the last four digits decide, so that programs can test their failure paths."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fate:
    """How a part ends: refused at submit with ``refusal``, or reported as ``report`` (None: never reported)."""

    report: str | None = None
    refusal: str = ""


DELIVERED = Fate(report="DELIVRD")

FATES: dict[str, Fate] = {
    "0001": Fate(report="UNDELIV"),
    "0002": Fate(report="EXPIRED"),
    "0003": Fate(report="REJECTD"),
    "0004": Fate(report=None),
    "0005": Fate(refusal="RINVDSTADR"),  # SMPP's word for an invalid destination
}


def fate_of(number: str) -> Fate:
    """The fate of every part sent to ``number``."""
    return FATES.get(number[-4:], DELIVERED)
