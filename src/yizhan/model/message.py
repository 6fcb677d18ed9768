"""States of a message and of its parts, and the only ways between them."""

from enum import IntEnum


class Lane(IntEnum):
    """Waiting rooms, served in this order (a bulk call never waits for ever; see ``flow.dispatch``)."""

    URGENT = 0
    BULK = 1


class State(IntEnum):
    """Where a message stands. The numbers are stored; the names are what people and programs see, in lower case."""

    SCHEDULED = 1  # kept until its SendTime
    QUEUED = 2  # waits for a free slot of a channel
    SENDING = 3  # leased to a channel; may have been written to the carrier
    UNCERTAIN = 4  # was being sent when its answer was lost, or may have been sent after the backup that was restored
    SENT = 5  # the carrier has it; no final receipt yet
    DELIVERED = 10
    FAILED = 11  # refused at submit, UNDELIV or DELETED
    EXPIRED = 12
    REJECTED = 13
    UNKNOWN = 14  # the carrier itself does not know
    CANCELLED = 15  # by the operator, before it was sent, or while it was held as uncertain
    INVALID = 16  # not a number; never charged
    BLOCKED = 17  # a blocked number; never charged

    @property
    def word(self) -> str:
        """The name in lower case, as the command line and the API show it."""
        return self.name.lower()

    @property
    def final(self) -> bool:
        """Whether nothing more is expected to happen."""
        return self >= State.DELIVERED

    @property
    def through(self) -> bool:
        """Whether the gateway is through with sending it: a carrier has it, or it has an end."""
        return self is State.SENT or self.final


TRANSITIONS: dict[State, frozenset[State]] = {
    # To uncertain by a restore: it may have been sent after the backup was made.
    State.SCHEDULED: frozenset({State.QUEUED, State.CANCELLED, State.UNCERTAIN}),
    # No channel is left that has not refused it.
    State.QUEUED: frozenset({State.SENDING, State.CANCELLED, State.FAILED, State.UNCERTAIN}),
    State.SENDING: frozenset(
        {State.SENT, State.QUEUED, State.UNCERTAIN, State.DELIVERED, State.FAILED, State.EXPIRED, State.REJECTED}
    )
    | {State.UNKNOWN},
    State.UNCERTAIN: frozenset({State.QUEUED, State.SENT, State.FAILED, State.CANCELLED})
    # A report for its number may show what became of it (carriers, "missing answer").
    | {State.DELIVERED, State.EXPIRED, State.REJECTED, State.UNKNOWN},
    State.SENT: frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.REJECTED, State.UNKNOWN}),
    # A receipt may still come after the carrier once said that it does not know.
    State.UNKNOWN: frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.REJECTED}),
}

# The carrier's final words and the state each one ends in (contract, section 9; carriers, "Report content").
# Intermediate words (ACCEPTD, ENROUTE) are not here: they end nothing.
RECEIPT_STATES: dict[str, State] = {
    "DELIVRD": State.DELIVERED,
    "UNDELIV": State.FAILED,
    "DELETED": State.FAILED,
    "EXPIRED": State.EXPIRED,
    "REJECTD": State.REJECTED,
    "UNKNOWN": State.UNKNOWN,
}

# What a client hears of as failed: flag 2 of a report, and what GetReportFail hands out (contract, sections 3 and 9).
FAILING: frozenset[State] = frozenset({State.FAILED, State.REJECTED, State.CANCELLED, State.INVALID, State.BLOCKED})

# How the states of several parts make the state of their message: the first of these that any part has.
WORST_FIRST: tuple[State, ...] = (
    State.FAILED,
    State.REJECTED,
    State.EXPIRED,
    State.UNKNOWN,
    State.DELIVERED,
)


def receipt_state(word: str) -> State | None:
    """The state that a carrier's word ends in; None for an intermediate word, UNKNOWN for one nobody knows."""
    word = word.upper()
    if word in ("ACCEPTD", "ENROUTE"):
        return None
    return RECEIPT_STATES.get(word, State.UNKNOWN)


def whole_state(parts: list[State], expected: int) -> State:
    """The state of a message of ``expected`` parts whose known parts stand as ``parts``."""
    if len(parts) < expected:
        return State.SENDING
    if any(not state.final for state in parts):
        return State.SENT
    return next(state for state in WORST_FIRST if state in parts)
