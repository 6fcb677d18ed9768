"""What is changed about second factors: people turn on their own, and off; administrators turn off anybody's."""

import secrets
from collections.abc import Sequence

from yizhan.flow.office import Conflict, Deed, NotFound, Office
from yizhan.flow.operate_people import is_name
from yizhan.flow.operate_tokens import hash_of
from yizhan.policy.totp import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    as_typed,
    is_secret,
    step_of,
    write_recovery_code,
    write_secret,
)
from yizhan.store.database import Session
from yizhan.store.second_factors import (
    SecondFactor,
    delete_second_factor,
    find_second_factor,
    insert_second_factor,
    write_recovery,
)

_FACTOR = "second_factor"  # in the audit log


class WrongFirstCode(ValueError):
    """The app shows another code than it should: it has another secret, or the time is off."""


class SecondFactorActions(Office):
    """Every change of second factors. ``session`` is the one in which somebody changes his own: it goes on, all others
    of his end.
    """

    async def second_factor(self, name: str) -> SecondFactor | None:
        """None: he has none."""
        return await self._database.read(lambda store: find_second_factor(store, name))

    async def turn_second_factor_on(self, actor: str, name: str, secret: str, code: str, session: str) -> list[str]:
        """His app shows ``code`` for ``secret``: he needs one now. The recovery codes, which are told only now.

        WrongFirstCode; Conflict when he has a second factor.
        """
        now_ms = self._clock.now_ms()
        step = step_of(secret, code, now_ms) if is_secret(secret) else None
        if step is None:
            raise WrongFirstCode("the code is wrong")
        recovery = _new_codes()
        factor = SecondFactor(secret, step, _hashes(recovery), now_ms)
        deed, kept = Deed(actor, "person second-factor on", name, {_FACTOR: False}, {_FACTOR: True}), hash_of(session)
        if not await self._carry_out(deed, lambda store: insert_second_factor(store, name, factor, kept)):
            raise Conflict(f"{name} has a second factor")
        return recovery

    async def renew_recovery_codes(self, actor: str, name: str) -> list[str]:
        """New recovery codes in the place of those that he has, told only now. NotFound."""
        recovery = _new_codes()
        deed = Deed(actor, "person recovery-codes", name, {}, {"codes": len(recovery)})

        def act(store: Session) -> bool:
            factor = find_second_factor(store, name)
            deed.before["codes"] = 0 if factor is None else len(factor.recovery)
            return write_recovery(store, name, _hashes(recovery))

        if not await self._carry_out(deed, act):
            raise NotFound(f"no person {name} with a second factor")
        return recovery

    async def turn_second_factor_off(self, actor: str, name: str, session: str | None = None) -> None:
        """His password is enough again. NotFound."""
        deed = Deed(actor, "person second-factor off", name, {_FACTOR: True}, {_FACTOR: False})
        kept = hash_of(session) if session else None
        if not is_name(name) or not await self._carry_out(deed, lambda store: delete_second_factor(store, name, kept)):
            raise NotFound(f"no person {name} with a second factor")


def _new_codes() -> list[str]:
    return [write_recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def _hashes(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(hash_of(as_typed(one)) for one in codes)


def new_secret() -> str:
    """For an app that does not know it yet."""
    return write_secret(secrets.token_bytes(SECRET_BYTES))
