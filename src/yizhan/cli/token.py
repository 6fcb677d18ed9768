"""``yizhan token``: who may call the admin API over the network."""

from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import call, segment
from yizhan.cli.options import DEFAULT_DATA, AsJson, CustomersAccount, Data, Role

app = typer.Typer(help="Tokens for the admin API over the network (admin.api_listen).", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, for the audit log.")]


@app.command()
def create(
    name: Name,
    *,
    role: Role,
    account: CustomersAccount = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339, with a zone; none: for good.")] = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Make one. It is shown this once."""
    made = call(data, "POST", "/tokens", json={"name": name, "role": role, "account": account, "until": until})
    if json:
        show.print_json(made)
    else:
        show.say(made["token"])


@app.command("list")
def list_tokens(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All of them, but for what they are."""
    found = call(data, "GET", "/tokens")
    if json:
        show.print_json(found)
        return
    columns = [show.Column("name"), show.Column("role"), show.Column("account")]
    columns += [show.Column("created_at", "created", time=True), show.Column("until", time=True)]
    show.print_table(columns, found, "no tokens")


@app.command()
def revoke(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """It is good for nothing from now on."""
    call(data, "DELETE", f"/tokens/{segment(name)}")
    if json:
        show.print_json({"name": name, "revoked": True})
    else:
        show.say(f"{name} is revoked")
