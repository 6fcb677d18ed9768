"""A message's way through the gateway, as the log and traces tell of it."""

from dataclasses import dataclass

from yizhan.model.message import Lane


@dataclass(frozen=True, slots=True)
class Journey:
    """One message of a submission, with what there is to say of it besides its number and its text."""

    account_id: int
    account: str
    submission: int  # as the client knows it
    operation: str
    lane: Lane
    accepted_at_ms: int
    send_at_ms: int | None
    message_id: int
    parts: int
    attempts: int
    claimed_at_ms: int | None


@dataclass(frozen=True, slots=True)
class PartJourney:
    """One part of it that a carrier has taken."""

    journey: Journey
    key: str  # of the carrier's id (``wire.smpp.receipts``)
    number: str  # of the handset; not told to anybody
    part: int
    answered_at_ms: int
