"""What an account's webhook is told, and what became of telling it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """A message of the account has reached its final state (contract, section 9, GetReportSMS)."""

    account: str
    submission: int  # the id that the call was answered with
    number: str  # as the client wrote it, trimmed
    cell: str  # may be empty
    flag: int  # 1 delivered, 2 failed, 3 other
    status: str  # the carrier's word: DELIVRD, UNDELIV, ...
    state: str  # the message's state here
    submitted_at_ms: int
    reported_at_ms: int


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """A handset has answered the account (contract, section 9, Get)."""

    account: str
    id: int
    number: str  # 11 digits for the mainland, else country code and digits without "+"
    text: str  # as it came, unlike in Get, which replaces what would break its format
    cell: str  # may be empty
    received_at_ms: int
    opted_out: bool  # this reply put the number on the account's blocked list


@dataclass(frozen=True, slots=True)
class TestEvent:
    """An operator tries the webhook."""

    account: str
    at_ms: int


Event = ReportEvent | ReplyEvent | TestEvent


@dataclass(frozen=True, slots=True)
class Posted:
    """The end of one attempt to call a webhook."""

    accepted: bool  # the receiver answered with a status in 200..299
    status: int | None  # None when no answer came
    said: str  # one short line for people: "HTTP 503", "timed out", "10.0.0.1 is a private address"

    @property
    def gone(self) -> bool:
        """Whether the receiver asks not to be called any more (410, Standard Webhooks)."""
        return self.status == 410
