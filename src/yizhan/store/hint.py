"""What the nodes of a store tell each other."""

from enum import StrEnum


class Hint(StrEnum):
    """As PostgreSQL's NOTIFY names it. One that is lost delays what it is about, no more."""

    QUEUE = "yizhan_queue"  # something waits
    SETTINGS = "yizhan_settings"  # a revision has grown
