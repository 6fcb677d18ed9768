"""How the handing over of one part to a carrier can end."""

from enum import StrEnum


class Outcome(StrEnum):
    """A closed set; each member stands for its remedy."""

    TAKEN = "taken"  # the carrier has it under an id: wait for the report
    REFUSED = "refused"  # definitely, because of the number or the text: give up, pay back
    BARRED = "barred"  # the channel will not take it: another channel, else give up
    BUSY = "busy"  # a temporary refusal that outlasted the channel's own patience: later
    UNCERTAIN = "uncertain"  # written, never answered
    UNWRITTEN = "unwritten"  # it never left: back to the queue
