"""The switches that every command shares."""

from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Annotated

import typer

from yizhan.model.money import to_milli

DEFAULT_DATA = Path("yizhan-data")

Data = Annotated[
    Path, typer.Option("--data", envvar="YIZHAN_DATA", metavar="DIR", help="The data directory.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Account = Annotated[str, typer.Argument(metavar="CORPID", help="The account.")]
OfAccount = Annotated[str | None, typer.Option("--account", metavar="CORPID", help="Only this account.")]
Role = Annotated[str, typer.Option("--role", metavar="ROLE", help="admin, operator, auditor or customer.")]
CustomersAccount = Annotated[str | None, typer.Option("--account", metavar="CORPID", help="A customer's account.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the entry.")]
Before = Annotated[int | None, typer.Option("--before", min=1, metavar="ID", help="Those before this one.")]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many, newest first.")]


def parse_credits(text: str) -> Decimal:
    """An amount in 条 as typed: a decimal number with at most three decimals."""
    try:
        amount = Decimal(text)
        to_milli(amount)
    except (ValueError, DecimalException) as error:
        why = f" ({error})" if type(error) is ValueError else ""
        raise typer.BadParameter(f"must be a number of 条 with at most three decimals{why}") from error
    return amount
