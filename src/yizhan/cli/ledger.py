"""``yizhan ledger``: where every 条 came from and went."""

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Before, Data, Limit, OfAccount

app = typer.Typer(help="The ledger: where every 条 came from and went.", no_args_is_help=True)


@app.command("show")
def show_ledger(
    account: OfAccount = None,
    before: Before = None,
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Entries, newest first."""
    entries = call(data, "GET", "/ledger", params={"account": account, "limit": limit, "before": before})
    if json:
        show.print_json(entries)
        return
    columns = [
        show.Column("at", time=True),
        show.Column("account"),
        show.Column("kind"),
        show.Column("amount"),
        show.Column("other", "other side"),
        show.Column("submission"),
        show.Column("id", wide_only=True),
        show.Column("note", fills=True),
    ]
    show.print_table(columns, entries, "no entries yet")


@app.command()
def verify(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Check every rule of the ledger: entries sum to zero, balances are the sum of their entries."""
    check = call(data, "GET", "/ledger/check")
    faults = check["faults"]
    if json:
        show.print_json({"holds": not faults, **check})
    elif not faults:
        show.say(f"the ledger holds: {check['accounts']} accounts, {check['entries']} entries")
    if faults:
        raise Failed("the ledger does not hold: " + "; ".join(faults))
