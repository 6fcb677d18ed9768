"""``yizhan webhook``: reports and replies pushed to a program instead of fetched by it."""

import sys
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, call
from yizhan.cli.options import DEFAULT_DATA, Account, AsJson, Data, Limit, OfAccount

app = typer.Typer(help="Webhooks: push reports and replies.", no_args_is_help=True)


@app.command("set")
def set_webhook(
    account: Account,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.")],
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the secret (whsec_...) from standard input; else one is made.")
    ] = False,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Push an account's reports and replies to an address, signed; they cannot be fetched meanwhile."""
    secret = sys.stdin.readline().strip() if secret_stdin else None
    made = call(data, "PUT", "/webhooks", json={"account": account, "url": url, "secret": secret})
    if json:
        show.print_json(made)
        return
    show.print_details(list(made.items()))
    show.say("The secret is not shown again. It verifies the header webhook-signature (Standard Webhooks).")


@app.command()
def remove(account: Account, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Stop pushing; what was not delivered can be fetched again."""
    call(data, "DELETE", "/webhooks", params={"account": account})
    if json:
        show.print_json({"account": account, "removed": True})
    else:
        show.say(f"{account} fetches its reports and replies again")


@app.command("list")
def list_webhooks(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Webhooks, with what waits for them and what was given up."""
    webhooks = call(data, "GET", "/webhooks")
    if json:
        show.print_json(webhooks)
        return
    columns = [show.Column("account"), show.Column("waiting"), show.Column("parked"), show.Column("url", fills=True)]
    show.print_table(columns, webhooks, "no webhooks")


@app.command()
def events(
    account: OfAccount = None,
    parked: Annotated[bool | None, typer.Option("--parked/--waiting", help="Only these.")] = None,
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Events that wait for their webhook or were given up (parked), oldest first, and why."""
    found = call(data, "GET", "/webhooks/events", params={"account": account, "parked": parked, "limit": limit})
    if json:
        show.print_json(found)
        return
    columns = [
        show.Column("id"),
        show.Column("account"),
        show.Column("event"),
        show.Column("number"),
        show.Column("attempts"),
        show.Column("next_at", "next", time=True),
        show.Column("parked"),
        show.Column("said", "last answer", fills=True),
    ]
    show.print_table(columns, found, "no events wait")


@app.command()
def replay(
    account: OfAccount = None,
    event: Annotated[int | None, typer.Option("--event", metavar="ID", help="Only this event.")] = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Send parked events again."""
    done = call(data, "POST", "/webhooks/replay", json={"account": account, "event": event})
    if json:
        show.print_json(done)
    if not done["replayed"]:
        raise Failed("no such event is parked")
    if not json:
        show.say(f"{done['replayed']} events are sent again")
