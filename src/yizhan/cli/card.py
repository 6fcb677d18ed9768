"""``yizhan card``: recharge cards that accounts turn into credit (ChargeUp)."""

from decimal import Decimal
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data, Limit, parse_credits

app = typer.Typer(help="Recharge cards.", no_args_is_help=True)

Worth = Annotated[
    Decimal, typer.Option("--credit", parser=parse_credits, metavar="N", help="What each is worth in 条.")
]


@app.command()
def create(
    *,
    credit: Worth,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, metavar="N", help="How many.")] = 1,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Make cards. Their passwords are shown this once; ChargeUp must be in ``policy.open_operations``."""
    made = call(data, "POST", "/cards", json={"count": count, "credit": str(credit)})
    if json:
        show.print_json(made)
        return
    show.print_table([show.Column("number"), show.Column("password"), show.Column("credit")], made, "no cards")
    show.say("Note the passwords now: only a digest of each is kept.")


@app.command("list")
def list_cards(
    used: Annotated[bool | None, typer.Option("--used/--unused", help="Only these.")] = None,
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Cards, newest first, and who has used them."""
    cards = call(data, "GET", "/cards", params={"used": used, "limit": limit})
    if json:
        show.print_json(cards)
        return
    columns = [
        show.Column("number"),
        show.Column("credit"),
        show.Column("created_at", "created", time=True, wide_only=True),
        show.Column("used_at", "used", time=True),
        show.Column("used_by", "by"),
    ]
    show.print_table(columns, cards, "no cards")
