"""A line of waiting jobs in which sources take turns: whoever brings much does not keep others waiting."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

A = TypeVar("A")
R = TypeVar("R")
# A verb takes many arguments at once and gives one result each, so that a batch costs few statements.
Verb = Callable[[Connection, Sequence[A]], Sequence[R]]


@dataclass(slots=True)
class Job:
    """One piece of waiting work and where its result goes."""

    verb: Verb[Any, Any]
    argument: Any
    rows: int
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Line:
    """Jobs in the order of their sources' turns; those of one source stay in order."""

    def __init__(self) -> None:
        self._by_source: dict[int, deque[Job]] = {}  # the next turn first

    def __bool__(self) -> bool:
        return bool(self._by_source)

    def put(self, source: int, job: Job) -> None:
        """At the end of its source's jobs."""
        jobs = self._by_source.get(source)
        if jobs is None:
            self._by_source[source] = deque((job,))
        else:
            jobs.append(job)

    def take(self, most_rows: int) -> list[Job]:
        """One job of each source in turn, while they are of one verb and not too large; a larger one comes alone.

        The line must not be empty.
        """
        taken = [self._next()]
        verb, rows = taken[0].verb, taken[0].rows
        while self._by_source:
            job = next(iter(self._by_source.values()))[0]
            if job.verb is not verb or rows + job.rows > most_rows:
                break
            taken.append(self._next())
            rows += job.rows
        return taken

    def _next(self) -> Job:
        source, jobs = next(iter(self._by_source.items()))
        del self._by_source[source]
        job = jobs.popleft()
        if jobs:
            self._by_source[source] = jobs  # behind the others
        return job
