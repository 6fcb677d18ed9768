"""What operators change about who may call the admin API."""

import hashlib
import re
import secrets

from yizhan.flow.office import Conflict, Deed, NotFound, Office
from yizhan.model.access import Role
from yizhan.model.views import NewToken
from yizhan.store.database import Session
from yizhan.store.tokens import delete_token, insert_token, view_tokens

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MARK = "yz_"  # so that one that leaked is known for what it is
_RANDOM_BYTES = 32


def hash_of(token: str) -> str:
    """Under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenActions(Office):
    """Every change of tokens."""

    async def create_token(
        self, actor: str, name: str, role: Role, corp_id: str | None = None, until_ms: int | None = None
    ) -> NewToken:
        """A token, which is told this once. ValueError, NotFound, Conflict when the name is taken."""
        if not _NAME.fullmatch(name):
            raise ValueError("a name has 1 to 64 letters, digits, dots, dashes or underscores, and begins with one")
        if (role is Role.CUSTOMER) != (corp_id is not None):
            raise ValueError("a customer has an account, and nobody else has")
        now_ms = self._clock.now_ms()
        if until_ms is not None and until_ms <= now_ms:
            raise ValueError("it would be over already")
        token = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
        row = {
            "name": name,
            "hash": hash_of(token),
            "role": role.value,
            "account_id": None if corp_id is None else self._account(corp_id).id,
            "created_at_ms": now_ms,
            "until_ms": until_ms,
        }

        about = {"role": role.value, "account": corp_id, "until_ms": until_ms}
        deed = Deed(actor, "token create", name, {}, about)
        if not await self._carry_out(deed, lambda session: insert_token(session, row)):
            raise Conflict(f"there is a token {name}")
        return NewToken(name, role.value, corp_id, token)

    async def revoke_token(self, actor: str, name: str) -> None:
        """It is good for nothing from now on. NotFound."""
        deed = Deed(actor, "token revoke", name, {}, {})

        def act(session: Session) -> bool:
            for view in (one for one in view_tokens(session) if one.name == name):
                deed.before.update(role=view.role, account=view.account, until=view.until)
            return delete_token(session, name)

        if not await self._carry_out(deed, act):
            raise NotFound(f"no token {name}")
