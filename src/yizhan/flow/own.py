"""Own: what accounts change about themselves, and agents about the accounts they have made (contract, section 4)."""

from dataclasses import asdict

from yizhan.flow.desk import Desk
from yizhan.flow.office import Conflict
from yizhan.flow.operate import Operate
from yizhan.model.account import MAX_PROFILE_FIELD, Profile
from yizhan.model.call import Call
from yizhan.model.money import MAX_CREDITS, MILLI
from yizhan.model.reject import Refusal, Reject
from yizhan.policy.case import Case
from yizhan.policy.credentials import md5_of
from yizhan.policy.throttle import Allowance

_MAX_PASSWORD = 256


class Owning(Desk):
    """The calls by which accounts keep themselves. None is success; every change is in the audit log."""

    # Set by ``flow.reception``.
    _operate: Operate
    _registrations: Allowance
    _password_changes: Allowance

    async def change_password(self, call: Call) -> Refusal | None:
        """UpdPwd: the new password holds for the next call."""

        async def act(case: Case) -> Refusal | None:
            password = call.value("newpwd")
            if not _is_password(password):
                return Refusal(Reject.OTHER, "no new password")
            if not self._may_hash(case):
                return Refusal(Reject.OTHER, "too many new passwords")
            corp_id = case.known_account.corp_id
            await self._operate.set_account(_actor(case), corp_id, password_md5=md5_of(password))
            return None

        return await self._answer(call, act)

    async def change_profile(self, call: Call) -> Refusal | None:
        """UpdReg: who stands behind the account."""

        async def act(case: Case) -> Refusal | None:
            profile = _profile(call)
            if profile is None:
                return Refusal(Reject.OTHER, f"a field of more than {MAX_PROFILE_FIELD} characters")
            await self._operate.set_profile(_actor(case), case.known_account.corp_id, asdict(profile))
            return None

        return await self._answer(call, act)

    async def register(self, call: Call) -> Refusal | None:
        """Reg: a new account without credit, made by whoever calls."""

        async def act(case: Case) -> Refusal | None:
            corp_id = call.value("corpid")
            if corp_id in case.standing.accounts:
                return Refusal(Reject.ACCOUNT_EXISTS, corp_id[:64])
            if corp_id and call.value("pwd") and not self._registrations.take(0, self._clock.monotonic_s()):
                return Refusal(Reject.OTHER, "too many registrations")
            made = await self._make(f"registration from {call.address}", call, corp_id, call.value("pwd"))
            if made is None or isinstance(made, Refusal):
                return made
            return Refusal(Reject.ACCOUNT_EXISTS, corp_id[:64])

        return await self._answer_stranger(call, act)

    async def close(self, call: Call) -> Refusal | None:
        """UnReg: the account is disabled; its balance, ledger and reports stay."""

        async def act(case: Case) -> None:
            await self._operate.disable_account(_actor(case), case.known_account.corp_id)

        return await self._answer(call, act)

    async def charge_up(self, call: Call) -> Refusal | None:
        """ChargeUp: a recharge card, once."""

        async def act(case: Case) -> Refusal | None:
            number, password = call.value("cardno").strip(), call.value("cardpwd").strip()
            if await self._operate.use_card(_actor(case), case.known_account.corp_id, number, password):
                return None
            return Refusal(Reject.CARD_WRONG, number[:20])

        return await self._answer(call, act)

    async def make_account(self, call: Call) -> bool | Refusal:
        """AgentMakeAccount: an account of the agent's; False when its name is taken."""

        async def act(case: Case) -> bool | Refusal:
            if not case.known_account.agent:
                return Refusal(Reject.OTHER, "not an agent")
            if not self._may_hash(case):
                return Refusal(Reject.OTHER, "too many new passwords")
            corp_id, password = call.value("corpid"), call.value("pass")
            made = await self._make(_actor(case), call, corp_id, password, case.known_account.id)
            return True if made is None else made

        return await self._answer(call, act)

    async def give_credit(self, call: Call) -> Refusal | None:
        """AgentChangeAccount: so many 条 from the agent's balance to an account of its own, or back (negative)."""

        async def act(case: Case) -> Refusal | None:
            agent, account = case.known_account, case.standing.accounts.get(call.value("corpid"))
            credits = _int(call.value("smsbalance"))
            if not agent.agent or credits is None or _int(call.value("mmsbalance")) != 0:
                return Refusal(Reject.OTHER, "not an agent, or not a number of messages")
            if account is None or account.agent_id != agent.id:
                return Refusal(Reject.ACCOUNT_UNKNOWN, call.value("corpid")[:64])
            try:
                await self._operate.grant(_actor(case), agent.id, account.corp_id, credits * MILLI)
            except Conflict:
                return Refusal(Reject.BALANCE_TOO_LOW, str(credits))
            return None

        return await self._answer(call, act)

    def _may_hash(self, case: Case) -> bool:
        """Every new password is a slow hash, and accounts may not buy processor time without end."""
        return self._password_changes.take(case.known_account.id, self._clock.monotonic_s())

    async def _make(
        self, actor: str, call: Call, corp_id: str, password: str, agent_id: int | None = None
    ) -> Refusal | bool | None:
        """Make an account: None when made, False when its name is taken."""
        profile = _profile(call)
        if not corp_id or not _is_password(password) or profile is None:
            return Refusal(Reject.OTHER, "no name, no password, or a field that is too long")
        try:
            await self._operate.add_account(
                actor, corp_id, password_md5=md5_of(password), agent_id=agent_id, profile=profile
            )
        except Conflict:
            return False
        except ValueError as error:
            return Refusal(Reject.OTHER, str(error)[:128])
        return None


def _actor(case: Case) -> str:
    return f"account:{case.known_account.corp_id}"


def _is_password(password: str) -> bool:
    return 0 < len(password) <= _MAX_PASSWORD


def _profile(call: Call) -> Profile | None:
    fields = [call.value(name) for name in ("corpname", "linkman", "tel", "mobile", "email", "memo")]
    return None if any(len(field) > MAX_PROFILE_FIELD for field in fields) else Profile(*fields)


def _int(text: str) -> int | None:
    """A number as xsd:int writes it; an empty one is 0, None for anything else."""
    digits = text.strip() or "0"
    sign = digits[:1] in ("-", "+")
    if not digits.isascii() or not digits[sign:].isdigit() or len(digits) > 11 or abs(int(digits)) > MAX_CREDITS:
        return None
    return int(digits)
