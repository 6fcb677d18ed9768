"""Once: a call that says by a key of its own that it may come again, is accepted once, and answered the same again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from yizhan.model.reject import Refusal
from yizhan.model.submission import Admitted
from yizhan.store.accept import accept
from yizhan.store.insert import insert
from yizhan.store.records import Action, note_action
from yizhan.store.schema import once

_NOT_YET = 0


@dataclass(frozen=True, slots=True)
class Once:
    """The account's ``key`` for what has this ``digest``; ``actor`` is who shall stand in the audit log, if anybody."""

    key: str
    digest: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """It has come before: the client's id that it got then; None when something else had the key."""

    client_id: int | None


def accept_once(connection: Connection, wishes: Sequence[tuple[Admitted, Once]]) -> list[int | Refusal | Before]:
    """As ``accept``, one after the other. A refused call leaves its key free."""
    return [_accept_once(connection, admitted, wish) for admitted, wish in wishes]


def _accept_once(connection: Connection, admitted: Admitted, wish: Once) -> int | Refusal | Before:
    row = {"account_id": admitted.account_id, "key": wish.key, "digest": wish.digest, "client_id": _NOT_YET}
    made = insert(connection, once).values(**row, at_ms=admitted.accepted_at_ms).on_conflict_do_nothing()
    this = (once.c.account_id == admitted.account_id) & (once.c.key == wish.key)
    if connection.execute(made.returning(once.c.key)).first() is None:
        former = connection.execute(select(once).where(this)).one()
        return Before(former.client_id if former.digest == wish.digest else None)
    (answer,) = accept(connection, [admitted])
    if isinstance(answer, Refusal):
        connection.execute(delete(once).where(this))
    else:
        connection.execute(update(once).where(this).values(client_id=answer))
        if wish.actor:
            after = json.dumps({"submission": answer, "numbers": len(admitted.recipients)})
            what = Action(admitted.accepted_at_ms, wish.actor, "message send", admitted.call.account, "{}", after)
            note_action(connection, what)
    return answer


def forget_once(connection: Connection, before_ms: int) -> int:
    """Drop keys from before a moment: how many. What comes again later is something new."""
    return connection.execute(delete(once).where(once.c.at_ms < before_ms)).rowcount
