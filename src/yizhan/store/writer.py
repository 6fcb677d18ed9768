"""A connection that writes, and what it means when it fails."""

from contextlib import AbstractContextManager
from enum import Enum

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from yizhan.store.broken import Broken, leaves_doubt


def one_line(error: Exception) -> str:
    """What the database said."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())


class Remedy(Enum):
    """What to do with work whose transaction failed."""

    ALONE = "alone"  # one of it may be guilty: each in a transaction of its own
    AGAIN = "again"  # nothing was kept, and the same may go through now
    DONE = "done"  # it was committed after all
    AWAY = "away"  # there is no database to work on just now


class Away(Exception):
    """The database cannot be reached. Nothing of this work was kept, unless the text says that nobody knows."""


class Writer:
    """One connection, used by one thread."""

    def __init__(self, connection: Connection, broken: Broken | None = None) -> None:
        """``broken`` is told of a failure that leaves in doubt what is on the disk; it must not return to work: it ends
        the process, so that nobody is answered (ADR 0014). Without it, such a failure is like any.
        """
        self.connection = connection
        self._broken = broken

    def begin(self) -> AbstractContextManager[object]:
        """A transaction."""
        return self.connection.begin()

    def judge(self, error: Exception) -> Remedy:
        """What ``error`` means for the work of the transaction that it ended. May wait for the database."""
        if self._broken is not None and leaves_doubt(error):
            self._broken(error)
        return Remedy.ALONE

    def hurry(self) -> None:
        """The store closes: ``judge`` must not wait any more. Called from another thread."""

    def close(self) -> None:
        """No more work comes."""
