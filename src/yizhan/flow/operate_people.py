"""What is changed about who may log in at the console."""

import asyncio
import re
from typing import Any

from yizhan.flow.office import Conflict, Deed, NotFound, Office
from yizhan.model.access import Role
from yizhan.policy.credentials import hash_password
from yizhan.store.database import Session
from yizhan.store.people import change_person, delete_person, find_person, insert_first_person, insert_person

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
# As NIST SP 800-63B-4 asks of what stands alone, 3.1.1.2; no rules of which characters. The bound keeps hashing cheap.
_LEAST_CHARS, _MOST_CHARS = 15, 256


def is_name(text: str) -> bool:
    """Whether a person may be called so."""
    return _NAME.fullmatch(text) is not None


class PeopleActions(Office):
    """Every change of people."""

    async def add_person(
        self, actor: str, name: str, password: str, role: Role, corp_id: str | None = None, *, first: bool = False
    ) -> None:
        """Somebody who may log in; ``first``: only if there is nobody yet. ValueError, NotFound, Conflict."""
        if not is_name(name):
            raise ValueError("a name has 1 to 32 letters, digits, dots, dashes or underscores, and begins with one")
        if (role is Role.CUSTOMER) != (corp_id is not None):
            raise ValueError("a customer has an account, and nobody else has")
        account_id = None if corp_id is None else self._account(corp_id).id
        row = {
            "name": name,
            "credential": await _credential(password),
            "role": role.value,
            "account_id": account_id,
            "created_at_ms": self._clock.now_ms(),
        }
        act = insert_first_person if first else insert_person
        deed = Deed(actor, "person add", name, {}, {"role": role.value, "account": corp_id})
        if not await self._carry_out(deed, lambda session: act(session, row)):
            raise Conflict("there is somebody already" if first else f"there is a person {name}")

    async def set_person_password(self, actor: str, name: str, password: str) -> None:
        """Another password; his sessions end. ValueError, NotFound."""
        await self._change_person(actor, "person set-password", name, {"credential": await _credential(password)})

    async def disable_person(self, actor: str, name: str) -> None:
        """He is logged out, and cannot log in. NotFound."""
        await self._change_person(actor, "person disable", name, {"disabled": True})

    async def enable_person(self, actor: str, name: str) -> None:
        """He can log in again. NotFound."""
        await self._change_person(actor, "person enable", name, {"disabled": False})

    async def remove_person(self, actor: str, name: str) -> None:
        """He is gone. NotFound."""
        deed = Deed(actor, "person remove", name, {}, {})

        def act(session: Session) -> bool:
            if person := find_person(session, name):
                deed.before.update(role=person.role, account=person.account, disabled=person.disabled)
            return delete_person(session, name)

        if not is_name(name) or not await self._carry_out(deed, act):
            raise NotFound(f"no person {name}")

    async def _change_person(self, actor: str, action: str, name: str, values: dict[str, Any]) -> None:
        said = {key: value for key, value in values.items() if key != "credential"}
        deed = Deed(actor, action, name, {}, said or {"password": "changed"})

        def act(session: Session) -> bool:
            if said and (person := find_person(session, name)):
                deed.before["disabled"] = person.disabled
            return change_person(session, name, values)

        if not is_name(name) or not await self._carry_out(deed, act):
            raise NotFound(f"no person {name}")


async def _credential(password: str) -> str:
    if not _LEAST_CHARS <= len(password) <= _MOST_CHARS:
        raise ValueError(f"a password has {_LEAST_CHARS} to {_MOST_CHARS} characters")
    return await asyncio.to_thread(hash_password, password)
