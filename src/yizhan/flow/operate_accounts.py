"""What operators change about accounts: made, set, enabled, disabled, topped up."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from yizhan.flow.office import Conflict, Deed, Office
from yizhan.model.account import Account, LaneRule, Profile, SignatureRule
from yizhan.model.views import AccountView
from yizhan.policy.addresses import parse_network
from yizhan.policy.credentials import make_credential
from yizhan.policy.signature import is_signature
from yizhan.store import accounts as table
from yizhan.store.database import Session
from yizhan.store.ledger import grant, issue

_MAX_CORP_ID = 64
_MAX_EXTENSION = 12


class AccountActions(Office):
    """Every change an operator can make to an account."""

    async def add_account(
        self,
        actor: str,
        corp_id: str,
        *,
        password_md5: str,
        credit_milli: int = 0,
        lane: LaneRule = LaneRule.AUTO,
        signature_rule: SignatureRule = SignatureRule.REQUIRED,
        signature: str = "",
        allow_ips: Sequence[str] = (),
        demo: bool = False,
        extension: str = "",
        opt_out: bool = True,
        agent: bool = False,
        agent_id: int | None = None,
        profile: Profile | None = None,
    ) -> AccountView:
        """A new account with its first credit. Conflict when the CorpID or the extension is taken."""
        _check_corp_id(corp_id)
        self._check_extension(extension, corp_id)
        if corp_id in self._living.standing.accounts:
            raise Conflict(f"account {corp_id} exists already")
        if credit_milli < 0:
            raise ValueError("the first credit cannot be negative")
        _check_signature(signature_rule, signature)
        row = {
            "corp_id": corp_id,
            "credential": await _credential(password_md5),
            "enabled": True,
            "lane": lane.value,
            "signature_rule": signature_rule.value,
            "signature": signature,
            "allow_ips": _networks(allow_ips),
            "batch_send_id": False,
            "demo": demo,
            "created_at_ms": self._clock.now_ms(),
            "extension": extension,
            "opt_out": opt_out,
            "agent": agent,
            "agent_id": agent_id,
        }

        def act(session: Session) -> bool:
            if table.view_accounts(session, corp_id):
                return False  # made by somebody else while the password was hashed
            account_id = table.insert_account(session, row)
            issue(session, account_id, credit_milli, self._clock.now_ms(), "first credit")
            if profile is not None:
                table.write_profile(session, account_id, profile)
            return True

        after = _public(row) | {"credit_milli": credit_milli}
        if not await self._carry_out(Deed(actor, "account add", corp_id, {}, after), act):
            raise Conflict(f"account {corp_id} exists already")
        return await self._reloaded(corp_id)

    async def set_account(
        self,
        actor: str,
        corp_id: str,
        *,
        password_md5: str | None = None,
        lane: LaneRule | None = None,
        signature_rule: SignatureRule | None = None,
        signature: str | None = None,
        allow_ips: Sequence[str] | None = None,
        batch_send_id: bool | None = None,
        extension: str | None = None,
        opt_out: bool | None = None,
        agent: bool | None = None,
    ) -> AccountView:
        """Change what is not None. Conflict when the extension is taken."""
        account = self._account(corp_id)
        if extension is not None:
            self._check_extension(extension, corp_id)
        rule = account.signature_rule if signature_rule is None else signature_rule
        _check_signature(rule, account.signature if signature is None else signature)
        changes: dict[str, Any] = {
            "credential": None if password_md5 is None else await _credential(password_md5),
            "lane": lane and lane.value,
            "signature_rule": signature_rule and signature_rule.value,
            "signature": signature,
            "allow_ips": None if allow_ips is None else _networks(allow_ips),
            "batch_send_id": batch_send_id,
            "extension": extension,
            "opt_out": opt_out,
            "agent": agent,
        }
        changes = {column: value for column, value in changes.items() if value is not None}
        return await self._change(actor, "account set", account, changes)

    async def enable_account(self, actor: str, corp_id: str) -> AccountView:
        """Let the account call again."""
        return await self._change(actor, "account enable", self._account(corp_id), {"enabled": True})

    async def disable_account(self, actor: str, corp_id: str) -> AccountView:
        """Refuse the account's calls with -102; what was accepted goes on."""
        return await self._change(actor, "account disable", self._account(corp_id), {"enabled": False})

    async def topup(self, actor: str, corp_id: str, amount_milli: int, note: str = "") -> AccountView:
        """Give credit, or take it back (negative). Conflict when the balance does not hold that much."""
        account, at_ms = self._account(corp_id), self._clock.now_ms()
        if amount_milli == 0:
            raise ValueError("the amount cannot be 0")

        deed = Deed(actor, "account topup", corp_id, {}, {"amount_milli": amount_milli, "note": note})

        def act(session: Session) -> bool:
            deed.before["balance_milli"] = table.balance_of(session, account.id)
            issued = issue(session, account.id, amount_milli, at_ms, note)
            deed.after["balance_milli"] = table.balance_of(session, account.id)
            return issued

        if not await self._carry_out(deed, act):
            raise Conflict(f"the balance of {corp_id} is lower than that")
        return await self._view(corp_id)

    async def set_profile(self, actor: str, corp_id: str, changes: Mapping[str, str]) -> Profile:
        """Who stands behind the account: what ``changes`` names, by the fields of Profile; the rest stays."""
        account = self._account(corp_id)
        deed = Deed(actor, "account profile", corp_id, {}, {})

        def act(session: Session) -> Profile | Literal[False]:
            before = asdict(table.read_profile(session, account.id))
            deed.after.update({name: said for name, said in changes.items() if said != before[name]})
            deed.before.update({name: before[name] for name in deed.after})
            if not deed.after:
                return False
            profile = Profile(**before | deed.after)
            table.write_profile(session, account.id, profile)
            return profile

        changed = await self._carry_out(deed, act)
        if changed is not False:
            return changed
        return await self._database.read(lambda session: table.read_profile(session, account.id))

    async def grant(self, actor: str, agent_id: int, corp_id: str, amount_milli: int) -> None:
        """Credit from an agent's own balance to an account, or back (negative). Conflict when the giver lacks it."""
        account, at_ms = self._account(corp_id), self._clock.now_ms()
        giver, taker = (agent_id, account.id) if amount_milli > 0 else (account.id, agent_id)
        deed = Deed(actor, "account grant", corp_id, {}, {"amount_milli": amount_milli})

        def act(session: Session) -> bool:
            deed.before["balance_milli"] = table.balance_of(session, account.id)
            given = grant(session, giver, taker, abs(amount_milli), at_ms)
            deed.after["balance_milli"] = table.balance_of(session, account.id)
            return given

        if not await self._carry_out(deed, act):
            raise Conflict("the balance is lower than that")

    def _check_extension(self, extension: str, corp_id: str) -> None:
        if extension and (not extension.isascii() or not extension.isdigit() or len(extension) > _MAX_EXTENSION):
            raise ValueError(f"an extension has 1 to {_MAX_EXTENSION} digits, or is empty")
        others = (a for a in self._living.standing.accounts.values() if a.corp_id != corp_id)
        if extension and (taken := next((a for a in others if a.extension == extension), None)):
            raise Conflict(f"extension {extension} is {taken.corp_id}'s")

    async def _change(self, actor: str, action: str, account: Account, changes: Mapping[str, Any]) -> AccountView:
        def act(session: Session) -> None:
            if changes:
                table.change_account(session, account.id, changes)

        before = {
            "enabled": account.enabled,
            "lane": account.lane.value,
            "signature_rule": account.signature_rule.value,
            "signature": account.signature,
            "allow_ips": json.dumps([str(network) for network in account.allowed]),
            "batch_send_id": account.batch_send_id,
            "extension": account.extension,
            "opt_out": account.opt_out,
            "agent": account.agent,
        }
        deed = Deed(actor, action, account.corp_id, {k: v for k, v in before.items() if k in changes}, _public(changes))
        await self._carry_out(deed, act)
        return await self._reloaded(account.corp_id)

    async def _reloaded(self, corp_id: str) -> AccountView:
        """Swap the snapshot, so that the change holds for the next call, and show the account."""
        await self._living.reload_accounts()
        return await self._view(corp_id)

    async def _view(self, corp_id: str) -> AccountView:
        return (await self._database.read(lambda session: table.view_accounts(session, corp_id)))[0]


async def _credential(password_md5: str) -> str:
    """The slow hash, off the event loop."""
    return await asyncio.to_thread(make_credential, password_md5)


def _check_corp_id(corp_id: str) -> None:
    if not corp_id or len(corp_id) > _MAX_CORP_ID or not corp_id.isprintable() or corp_id.strip() != corp_id:
        raise ValueError(f"an account's name has 1 to {_MAX_CORP_ID} printable characters and no space at its ends")


def _check_signature(rule: SignatureRule, signature: str) -> None:
    if signature and not is_signature(signature):
        raise ValueError("a signature is 【 … 】 with 1 to 20 characters inside, at least one of them Chinese")
    if rule is SignatureRule.BOUND and not signature:
        raise ValueError("the rule bound needs a registered signature")


def _networks(allow_ips: Sequence[str]) -> str:
    """The allow-list as it is stored. ValueError for what is no address or CIDR block."""
    return json.dumps(sorted({str(parse_network(text)) for text in allow_ips}))


def _public(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log may keep: that a password changed, never what it is."""
    return {name: ("changed" if name == "credential" else value) for name, value in columns.items()}
