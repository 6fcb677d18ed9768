"""``yizhan account``: make, read and change accounts."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import call, segment
from yizhan.cli.options import DEFAULT_DATA, Account, AsJson, Data, parse_credits
from yizhan.cli.password import FromFile, FromStdin, read_password
from yizhan.kit.password import new_password
from yizhan.model.account import LaneRule, SignatureRule

app = typer.Typer(help="Accounts: who may send, and on which terms.", no_args_is_help=True)


class BatchSendAnswer(StrEnum):
    """What BatchSend answers when it has accepted a call (contract, section 4)."""

    ONE = "one"
    ID = "id"


Credit = Annotated[Decimal, typer.Option(parser=parse_credits, metavar="N", help="Starting balance in 条.")]
Amount = Annotated[
    Decimal, typer.Argument(parser=parse_credits, metavar="AMOUNT", help="条 to add; a negative amount takes back.")
]
AllowIp = Annotated[
    list[str] | None, typer.Option("--allow-ip", metavar="CIDR", help="Only these may call; repeat for several.")
]
Extension = Annotated[
    str | None,
    typer.Option("--extension", metavar="DIGITS", help="Its digits behind the access number, so that replies find it."),
]
OptOut = Annotated[
    bool | None, typer.Option("--opt-out/--no-opt-out", help="Whether a reply such as 退订 blocks its number.")
]
Agent = Annotated[bool | None, typer.Option("--agent/--no-agent", help="Whether it may make accounts of its own.")]
SignatureText = Annotated[str | None, typer.Option("--signature", metavar="【…】", help="The registered signature.")]


@app.command()
def add(
    account: Account,
    *,
    credit: Credit = "0",  # type: ignore[assignment]  # typer parses defaults too
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
    lane: Annotated[LaneRule, typer.Option(help="Waiting room of its calls.")] = LaneRule.AUTO,
    signature_rule: Annotated[SignatureRule, typer.Option(help="What its texts must carry.")] = SignatureRule.REQUIRED,
    signature: SignatureText = None,
    allow_ip: AllowIp = None,
    extension: Extension = None,
    opt_out: OptOut = None,
    agent: Agent = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Make an account; prints a generated password unless one is given."""
    if credit < 0:
        raise typer.BadParameter("must not be negative", param_hint="--credit")
    given = read_password(password_stdin, password_file)
    password = given or new_password()
    body = {
        "account": account,
        "password": password,
        "credit": str(credit),
        "lane": lane,
        "signature_rule": signature_rule,
        "signature": signature or "",
        "allow_ips": allow_ip or [],
        **_given(extension=extension, opt_out=opt_out, agent=agent),
    }
    made = call(data, "POST", "/accounts", json=body)
    if given is None:
        made["password"] = password
    _print_account(made, json)
    if given is None and not json:
        show.say("Note the password now: only a digest of it is kept.")


@app.command("list")
def list_accounts(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All accounts with their balances."""
    accounts = call(data, "GET", "/accounts")
    if json:
        show.print_json(accounts)
        return
    columns = [
        show.Column("account"),
        show.Column("balance"),
        show.Column("enabled"),
        show.Column("lane"),
        show.Column("signature_rule", "signature rule"),
        show.Column("signature", wide_only=True),
        show.Column("created_at", "created", time=True, wide_only=True),
        show.Column("allow_ips", "allowed addresses", fills=True),
    ]
    show.print_table(columns, accounts, "no accounts yet: yizhan account add CORPID")


@app.command("show")
def show_account(account: Account, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """One account with its settings and balance."""
    _print_account(call(data, "GET", f"/accounts/{segment(account)}"), json)


@app.command("set")
def set_account(
    account: Account,
    *,
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
    lane: Annotated[LaneRule | None, typer.Option(help="Waiting room of its calls.")] = None,
    signature_rule: Annotated[SignatureRule | None, typer.Option(help="What its texts must carry.")] = None,
    signature: SignatureText = None,
    allow_ip: AllowIp = None,
    batch_send: Annotated[
        BatchSendAnswer | None, typer.Option(help="What BatchSend answers: 1, or the submission's id.")
    ] = None,
    no_allow_ip: Annotated[bool, typer.Option("--no-allow-ip", help="Every address may call.")] = False,
    extension: Extension = None,
    opt_out: OptOut = None,
    agent: Agent = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Change an account; it applies to the next call, without a restart. The list of allowed addresses is replaced."""
    if allow_ip and no_allow_ip:
        raise typer.BadParameter("contradicts --allow-ip", param_hint="--no-allow-ip")
    change = _given(
        password=read_password(password_stdin, password_file),
        lane=lane,
        signature_rule=signature_rule,
        signature=signature,
        allow_ips=[] if no_allow_ip else allow_ip or None,
        batch_send_id=None if batch_send is None else batch_send is BatchSendAnswer.ID,
        extension=extension,
        opt_out=opt_out,
        agent=agent,
    )
    if not change:
        raise typer.BadParameter("nothing to change: give at least one switch")
    _print_account(call(data, "PATCH", f"/accounts/{segment(account)}", json=change), json)


# Unknown options pass, so that a negative AMOUNT works with and without "--" before it.
@app.command(context_settings={"ignore_unknown_options": True})
def topup(
    account: Account,
    amount: Amount,
    note: Annotated[str, typer.Option(help="Kept with the ledger entry.")] = "",
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Add to an account's balance, or take back with a negative AMOUNT (never below 0)."""
    body = {"amount": str(amount), "note": note}
    _print_account(call(data, "POST", f"/accounts/{segment(account)}/topup", json=body), json)


@app.command()
def enable(account: Account, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Let a disabled account call again."""
    _print_account(call(data, "POST", f"/accounts/{segment(account)}/enable"), json)


@app.command()
def disable(account: Account, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Answer -102 to every call of an account; balance, ledger and messages stay."""
    _print_account(call(data, "POST", f"/accounts/{segment(account)}/disable"), json)


@app.command()
def profile(
    account: Account,
    *,
    corp_name: Annotated[str | None, typer.Option(help="The company.")] = None,
    link_man: Annotated[str | None, typer.Option(help="Whom to ask for there.")] = None,
    tel: Annotated[str | None, typer.Option(help="The telephone there.")] = None,
    mobile: Annotated[str | None, typer.Option(help="The contact's own telephone.")] = None,
    email: Annotated[str | None, typer.Option(help="The contact's address.")] = None,
    memo: Annotated[str | None, typer.Option(help="Whatever else is to be kept.")] = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Who stands behind an account, as it said itself (Reg, UpdReg, AgentMakeAccount); with an option, changed."""
    change = _given(corp_name=corp_name, link_man=link_man, tel=tel, mobile=mobile, email=email, memo=memo)
    where = f"/accounts/{segment(account)}/profile"
    said = call(data, "PATCH", where, json=change) if change else call(data, "GET", where)
    if json:
        show.print_json(said)
    else:
        show.print_details([(name.replace("_", " "), value or "-") for name, value in said.items()])


def _given(**wanted: Any) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in wanted.items() if value is not None}


def _print_account(account: dict[str, Any], json: bool) -> None:
    if json:
        show.print_json(account)
        return
    named = {"signature_rule": "signature rule", "allow_ips": "allowed addresses", "created_at": "created"}
    named |= {"batch_send_id": "BatchSend gives id", "opt_out": "replies opt out", "made_by": "made by agent"}
    pairs = [(named.get(key, key), value) for key, value in account.items()]
    at = [(name, show.local_time(value) if name == "created" else value) for name, value in pairs]
    show.print_details([(name, value if value not in ("", [], None) else "-") for name, value in at])
