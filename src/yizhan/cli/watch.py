"""``yizhan audit``, ``nodes`` and ``settings``: who changed what, which nodes there are, which configuration holds."""

from json import dumps, loads
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data


def register(app: typer.Typer) -> None:
    """Add them to ``app``."""
    app.command()(audit)
    app.command()(nodes)
    app.command()(settings)


def audit(
    *,
    actor: Annotated[str | None, typer.Option(metavar="TEXT", help="Only who has this in his name.")] = None,
    action: Annotated[str | None, typer.Option(metavar="ACTION", help='Only this action: "account topup".')] = None,
    subject: Annotated[str | None, typer.Option(metavar="TEXT", help="Only what has this in its name.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1_000, help="At most so many, the newest.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="ID", min=1, help="Those below this id: the next page.")] = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Who changed what, and what it was before and after."""
    wanted = {"actor": actor, "action": action, "subject": subject, "limit": limit, "before": before}
    found = call(data, "GET", "/audit", params=wanted)
    if json:
        show.print_json(found)
        return
    rows = [{**one, "change": _change(loads(one["before"]), loads(one["after"]))} for one in found]
    columns = [show.Column("id"), show.Column("at", "time", time=True), show.Column("actor"), show.Column("action")]
    columns += [show.Column("subject"), show.Column("change", fills=True)]
    show.print_table(columns, rows, "nothing has been changed")


def nodes(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """The nodes at work on the store, and what each has (needs a running node)."""
    told = call(data, "GET", "/nodes")
    if json:
        show.print_json(told)
        return
    rows = [
        {**one, "has": ", ".join([*one["channels"], *one["duties"]]), "there": "yes" if one["there"] else "silent"}
        for one in told["nodes"]
    ]
    columns = [
        show.Column("name"),
        show.Column("version"),
        show.Column("there"),
        show.Column("seen_at", "seen", time=True),
    ]
    show.print_table([*columns, show.Column("has", fills=True)], rows, "no nodes")
    if told["upgrade_waits"]:
        show.say(f"schema {told['schema']}; {told['newest_schema']} waits for older nodes to go")


def settings(
    *,
    every: Annotated[bool, typer.Option("--all", help="Defaults, too.")] = False,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """The configuration of the running node, and where each key was set; passwords are not shown."""
    found = [one for one in call(data, "GET", "/settings") if every or one["source"] != "default"]
    if json:
        show.print_json(found)
        return
    rows = [
        {
            "key": ".".join(filter(None, (one["section"], one["key"]))),
            "value": dumps(one["value"], ensure_ascii=False),
            "from": one["place"] or one["source"],
        }
        for one in found
    ]
    columns = [show.Column("key"), show.Column("value", fills=True), show.Column("from")]
    show.print_table(columns, rows, "everything is as it is without a file: --all shows it")


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return ", ".join(f"{key}: {show.show_value(before.get(key))} → {show.show_value(after.get(key))}" for key in keys)
