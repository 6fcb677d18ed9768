"""Accounts: the list, a new one, everything of one; and for a customer the own one."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import md5
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from yizhan.console.api.bodies import AccountChange, NewAccount, ProfileChange, Topup
from yizhan.console.pages.call import Call, Entry, Page
from yizhan.console.pages.cursor import before_of
from yizhan.console.pages.frame import Frame, go
from yizhan.console.pages.mistake import Mistake, told
from yizhan.console.pages.paging import PAGE, cut
from yizhan.flow.ask import Ask
from yizhan.flow.office import Twice, claimed
from yizhan.flow.operate import Operate
from yizhan.flow.repeats import claim_of
from yizhan.kit.password import new_password
from yizhan.model.account import LaneRule, SignatureRule
from yizhan.model.money import to_milli
from yizhan.model.views import AccountView

_LIST = ("GET", "/accounts")
_ADD = ("POST", "/accounts")
_SET = ("PATCH", "/accounts/{account:path}")
_SET_PROFILE = ("PATCH", "/accounts/{account:path}/profile")
_PROFILE = tuple(ProfileChange.model_fields)
_ONE = "/accounts/{account:path}"
_ENTRIES = 20
_NEWEST = 10
_CHOICES: dict[str, Any] = {
    "lanes": [(rule.value, f"lane_{rule.value}") for rule in LaneRule],
    "signature_rules": [(rule.value, f"signature_{rule.value}") for rule in SignatureRule],
}
_FIELDS = ("lane", "signature_rule", "signature", "extension")
_SWITCHES = ("opt_out", "agent", "batch_send_id")
_MISTAKES = {
    "an account's name has": "acc_bad_name",
    "account: String": "acc_bad_name",
    "exists already": "acc_taken",
    "a signature is": "acc_bad_signature",
    "the rule bound": "acc_bound_needs",
    "an extension has": "acc_bad_extension",
    "extension: String": "acc_bad_extension",
    "extension ": "acc_extension_taken",
    "does not appear to be": "acc_bad_network",
    "three decimals": "acc_bad_amount",
    "amount: ": "acc_bad_amount",
    "credit: ": "acc_bad_amount",
    "the amount cannot be 0": "acc_no_amount",
    "the balance of": "acc_too_little",
    "webhook's URL": "acc_bad_url",
    "no URL": "acc_bad_url",
    "no host name": "acc_bad_url",
    "a secret is": "acc_bad_secret",
}
# Only what is too long; other forms have fields of 500 characters, too.
_PROFILE_MISTAKES = {"should have at most": "acc_profile_long"}


class AccountRoom:
    """``/accounts…`` for operators, ``/account`` for customers."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask

    def pages(self) -> list[Page]:
        """All of them. A name may hold a slash: what is behind it takes POST alone, and hides no account."""
        return [
            Page("/account", self._own, Entry.CUSTOMER),
            Page("/accounts", self._list, _LIST),
            Page("/accounts/new", self._add, _ADD, _ADD, max_bytes=131_072),
            Page(f"{_ONE}/topup", self._top_up, None, ("POST", f"{_ONE}/topup")),
            Page(f"{_ONE}/settings", self._set, None, _SET, max_bytes=131_072),
            Page(f"{_ONE}/password", self._set_password, None, _SET),
            Page(f"{_ONE}/profile", self._set_profile, None, _SET_PROFILE, max_bytes=131_072),
            Page(f"{_ONE}/enable", self._enable, None, ("POST", f"{_ONE}/enable")),
            Page(f"{_ONE}/disable", self._disable, None, ("POST", f"{_ONE}/disable")),
            Page(f"{_ONE}/webhook/remove", self._remove_webhook, None, ("DELETE", "/webhooks")),
            Page(f"{_ONE}/webhook/replay", self._replay, None, ("POST", "/webhooks/replay")),
            Page(f"{_ONE}/webhook", self._set_webhook, None, ("PUT", "/webhooks")),
            Page(_ONE, self._show, _LIST),
        ]

    async def _list(self, call: Call) -> Response:
        part = call.asked("search") or ""
        found, last = cut(await self._ask.accounts(part, call.asked("after") or "", PAGE + 1))
        further = None if last is None else {"search": part, "after": last.account}
        return self._frame.show(call, "accounts/list", "accounts", accounts=found, search=part, further=further)

    async def _add(self, call: Call) -> Response:
        if not call.is_change:
            return self._form(call, {"lane": LaneRule.AUTO, "signature_rule": SignatureRule.REQUIRED, "opt_out": True})
        password = call.raw("password")
        made = "" if password else new_password()
        try:
            wish = NewAccount.model_validate(
                {
                    "account": call.field("account"),
                    "password": password or made,
                    "credit": call.field("credit") or 0,
                    **{name: value for name, value in _settings(call).items() if name != "batch_send_id"},
                }
            )
            view = await self._operate.add_account(
                call.actor,
                wish.account,
                password_md5=wish.md5_hex() or "",
                credit_milli=to_milli(wish.credit),
                lane=wish.lane,
                signature_rule=wish.signature_rule,
                signature=wish.signature,
                allow_ips=wish.allow_ips,
                extension=wish.extension,
                opt_out=wish.opt_out,
                agent=wish.agent,
            )
        except Mistake as error:
            return self._form(call, _settings(call), **told(error, _MISTAKES))
        if made:
            return await self._page(call, view, password=made)
        return go(path_of(view.account), "saved")

    def _form(self, call: Call, settings: dict[str, Any], **more: Any) -> Response:
        typed = {name: call.field(name) for name in ("account", "credit")}
        return self._frame.show(
            call, "accounts/new", "acc_new", settings=_shown(settings), typed=typed, **_CHOICES, **more
        )

    async def _show(self, call: Call) -> Response:
        return await self._page(call, await self._asked(call))

    async def _own(self, call: Call) -> Response:
        account = await self._ask.account(call.logged_in.caller.account or "")
        entries, further = await self._ledger(call, account.account)
        return self._frame.show(
            call, "accounts/own", "acc_own", account=account, entries=entries, further=further, about=account.account
        )

    async def _page(self, call: Call, account: AccountView, **more: Any) -> Response:
        name = account.account
        entries, further = await self._ledger(call, name)
        messages, more_messages = cut((await self._ask.messages(account=name, limit=_NEWEST + 1)).messages, _NEWEST)
        numbers, more_numbers = cut(await self._ask.numbers(name, limit=_NEWEST + 1), _NEWEST)
        values = {
            "settings": _shown({field: getattr(account, field) for field in (*_FIELDS, *_SWITCHES, "allow_ips")}),
            "password": "",
            "secret_made": "",
            "profile": (profile := asdict(await self._ask.profile(name))),
            "profile_typed": profile,
            "typed": {field: call.field(field) for field in ("amount", "note", "url")},
        }
        return self._frame.show(
            call,
            "accounts/show",
            "account",
            about=name,
            account=account,
            here_of=path_of(name),
            once=secrets.token_urlsafe(),
            entries=entries,
            further=further,
            messages=messages,
            more_messages=more_messages,
            numbers=numbers,
            more_numbers=more_numbers,
            webhook=await self._ask.webhook(name),
            parked=await self._ask.pushes(name, parked=True, limit=_NEWEST),
            **_CHOICES,
            **{**values, **more},
        )

    async def _ledger(self, call: Call, account: str) -> tuple[Sequence[Any], dict[str, int] | None]:
        found = await self._ask.ledger(account, _ENTRIES + 1, before_of(call))
        entries, last = cut(found, _ENTRIES)
        return entries, None if last is None else {"before": last.id}

    async def _top_up(self, call: Call) -> Response:
        account = await self._asked(call)
        try:
            wish = Topup.model_validate({"amount": call.field("amount"), "note": call.field("note")})
            amount_milli = to_milli(wish.amount) * (-1 if "take_back" in call.typed else 1)
            with claimed(claim_of(call.logged_in.caller, call.field("once"), call.request.url.path.encode())):
                await self._operate.topup(call.actor, account.account, amount_milli, wish.note)
        except Twice:  # a button that was pressed twice
            pass
        except Mistake as error:
            return await self._page(call, account, **told(error, _MISTAKES))
        return go(path_of(account.account), "acc_booked")

    async def _set(self, call: Call) -> Response:
        account, settings = await self._asked(call), _settings(call)
        try:
            wish = AccountChange.model_validate(settings)
            await self._operate.set_account(
                call.actor,
                account.account,
                lane=wish.lane,
                signature_rule=wish.signature_rule,
                signature=wish.signature,
                allow_ips=wish.allow_ips,
                batch_send_id=wish.batch_send_id,
                extension=wish.extension,
                opt_out=wish.opt_out,
                agent=wish.agent,
            )
        except Mistake as error:
            return await self._page(call, account, settings=_shown(settings), **told(error, _MISTAKES))
        return go(path_of(account.account), "saved")

    async def _set_password(self, call: Call) -> Response:
        account, password = await self._asked(call), call.raw("password")
        made = "" if password else new_password()
        digest = md5((password or made).encode(), usedforsecurity=False).hexdigest()  # as clients send it
        await self._operate.set_account(call.actor, account.account, password_md5=digest)
        return await self._page(call, account, password=made) if made else go(path_of(account.account), "saved")

    async def _set_profile(self, call: Call) -> Response:
        account, typed = await self._asked(call), {name: call.lines(name) for name in _PROFILE}
        # What he has not touched stays as it is by now: the account changes it, too.
        changes = {name: said for name, said in typed.items() if said != call.lines(f"was_{name}")}
        try:
            wish = ProfileChange.model_validate({name: said.strip() for name, said in changes.items()})
            await self._operate.set_profile(call.actor, account.account, wish.model_dump(exclude_none=True))
        except Mistake as error:
            return await self._page(call, account, profile_typed=typed, **told(error, _PROFILE_MISTAKES))
        return go(f"{path_of(account.account)}#profile", "saved")

    async def _enable(self, call: Call) -> Response:
        account = await self._asked(call)
        await self._operate.enable_account(call.actor, account.account)
        return go(path_of(account.account), "saved")

    async def _disable(self, call: Call) -> Response:
        account = await self._asked(call)
        await self._operate.disable_account(call.actor, account.account)
        return go(path_of(account.account), "saved")

    async def _set_webhook(self, call: Call) -> Response:
        account = await self._asked(call)
        try:
            _, secret = await self._operate.set_webhook(
                call.actor, account.account, call.field("url"), call.field("secret") or None
            )
        except Mistake as error:
            return await self._page(call, account, **told(error, _MISTAKES))
        if call.field("secret"):
            return go(path_of(account.account), "saved")
        return await self._page(call, account, secret_made=secret)

    async def _remove_webhook(self, call: Call) -> Response:
        account = await self._asked(call)
        await self._operate.remove_webhook(call.actor, account.account)
        return go(path_of(account.account), "removed")

    async def _replay(self, call: Call) -> Response:
        account = await self._asked(call)
        await self._operate.replay_pushes(call.actor, corp_id=account.account)
        return go(path_of(account.account), "acc_replayed")

    async def _asked(self, call: Call) -> AccountView:
        return await self._ask.account(call.reach.account(call.request.path_params["account"]))


def path_of(account: str) -> str:
    """Where an account's page is."""
    return f"/accounts/{quote(account)}"


def _settings(call: Call) -> dict[str, Any]:
    """What the form of the settings says."""
    fields = {name: call.field(name) for name in _FIELDS}
    switches = {name: name in call.typed for name in _SWITCHES}
    return {**fields, **switches, "allow_ips": call.raw("allow_ips").split()}


def _shown(settings: dict[str, Any]) -> dict[str, Any]:
    """The same as the form shows it."""
    nothing: dict[str, Any] = dict.fromkeys(_FIELDS, "") | dict.fromkeys(_SWITCHES, False) | {"allow_ips": []}
    together = nothing | settings
    return together | {"allow_ips": "\n".join(together["allow_ips"])}
