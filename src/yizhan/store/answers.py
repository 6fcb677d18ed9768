"""Answers to changes that may come again: the key is taken in the commit that carries the change out."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from yizhan.store.insert import insert
from yizhan.store.schema import answers


@dataclass(frozen=True, slots=True)
class Answer:
    """To what has this digest; no status: there is none (yet)."""

    digest: str
    status: int | None
    body: str | None


def take_key(connection: Connection, key: str, digest: str, at_ms: int) -> bool:
    """Whether it was free."""
    made = insert(connection, answers).values(key=key, digest=digest, at_ms=at_ms).on_conflict_do_nothing()
    return connection.execute(made.returning(answers.c.key)).first() is not None


def free_key(connection: Connection, key: str) -> None:
    """What it was taken for has not been done."""
    connection.execute(delete(answers).where(answers.c.key == key))


def find_answer(connection: Connection, key: str) -> Answer | None:
    """What came under this key; None: nothing."""
    row = connection.execute(select(answers).where(answers.c.key == key)).first()
    return None if row is None else Answer(row.digest, row.status, row.body)


def keep_answer(connection: Connection, key: str, status: int, body: str | None) -> None:
    """What was answered."""
    connection.execute(update(answers).where(answers.c.key == key).values(status=status, body=body))


def forget_answers(connection: Connection, before_ms: int) -> int:
    """Drop those from before a moment: how many. What comes again later is something new."""
    return connection.execute(delete(answers).where(answers.c.at_ms < before_ms)).rowcount
