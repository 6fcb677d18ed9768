"""``yizhan route``: which channels carry which messages."""

from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data, Reason

app = typer.Typer(help="Routes: which channels carry which messages.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The rule's id, as yizhan route list shows it.")]


@app.command("list")
def list_routes(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All rules; the first that matches a message decides."""
    routes = call(data, "GET", "/routes")
    if json:
        show.print_json(routes)
        return
    rows = [{**one, "matches": matches(one), "to": _tiers(one["tiers"])} for one in routes]
    columns = [
        show.Column("position"),
        show.Column("id"),
        show.Column("matches"),
        show.Column("to"),
        show.Column("note", fills=True),
    ]
    show.print_table(columns, rows, "no rules: every channel carries everything")


@app.command()
def add(
    *,
    to: Annotated[
        list[str],
        typer.Option(metavar="CHANNEL=WEIGHT,...", help="Channels that share by weight; repeat it for backups."),
    ],
    account: Annotated[str | None, typer.Option(metavar="CORPID", help="Only this account.")] = None,
    prefix: Annotated[str, typer.Option(metavar="DIGITS", help="Only numbers that begin so: 86139, 852.")] = "",
    country: Annotated[str, typer.Option(metavar="CODE", help="Only this calling code.")] = "",
    network: Annotated[str, typer.Option(metavar="NET", help="Only this mainland network: cm, cu, ct or cb.")] = "",
    text_class: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only code, notice or marketing.")] = "",
    position: Annotated[int, typer.Option(metavar="N", min=0, help="Where it stands; 0: behind the others.")] = 0,
    note: Reason = "",
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Add a rule."""
    body: dict[str, Any] = {
        "tiers": [_read_tier(text) for text in to],
        "account": account,
        "prefix": prefix,
        "country": country,
        "network": network,
        "text_class": text_class,
        "position": position,
        "note": note,
    }
    made = call(data, "POST", "/routes", json=body)
    if json:
        show.print_json(made)
    else:
        show.say(f"rule {made['position']} (id {made['id']}): {matches(made)} over {_tiers(made['tiers'])}")


@app.command()
def move(
    route: Id,
    position: Annotated[int, typer.Option("--to", metavar="N", min=1, help="The new position; 1 is asked first.")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Put a rule at another position."""
    call(data, "POST", f"/routes/{route}/move", json={"position": position})
    _done({"route": route, "position": position}, f"rule {route} stands at {position}", json)


@app.command()
def remove(route: Id, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Take a rule away."""
    call(data, "DELETE", f"/routes/{route}")
    _done({"route": route, "removed": True}, f"rule {route} is removed", json)


@app.command()
def explain(
    *,
    to: Annotated[str, typer.Option(metavar="NUMBER", help="The number.")],
    account: Annotated[str, typer.Option(metavar="CORPID", help="The account that would send.")],
    text: Annotated[str, typer.Option(metavar="TEXT", help="The text; it may decide the class.")] = "",
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Where a message would go now, and why not elsewhere (needs a running node)."""
    told = call(data, "GET", "/routes/explain", params={"to": to, "account": account, "text": text})
    if json:
        show.print_json(told)
        return
    place = " ".join(word for word in (told["country"], told["network"]) if word)
    show.say(f"{told['number']} ({place}), {told['text_class']}, account {told['account']}")
    rule = told["rule"]
    show.say(f"rule {rule['position']}: {matches(rule)}" if rule else "no rule matches: every channel may carry it")
    for one in told["rejected"]:
        show.say(f"  not over {one['channel']}: {one['why']}")
    if told["open"]:
        total = sum(told["open"].values())
        shares = ", ".join(f"{name} ({weight / total:.0%})" for name, weight in told["open"].items())
        show.say(f"over {shares}")
    else:
        show.say("it would wait: no channel can carry it now")


def matches(route: dict[str, Any]) -> str:
    """What a rule matches, in words."""
    words = [
        f"{key.replace('text_', '')} {route[key]}"
        for key in ("account", "prefix", "country", "network", "text_class")
        if route[key] is not None
    ]
    return ", ".join(words) or "everything"


def _tiers(tiers: list[dict[str, int]]) -> str:
    return ", else ".join(" + ".join(f"{name}={weight}" for name, weight in tier.items()) for tier in tiers)


def _read_tier(text: str) -> dict[str, int]:
    tier: dict[str, int] = {}
    for item in text.split(","):
        name, equals, weight = item.strip().partition("=")
        if not name or (equals and not weight.strip().isdigit()):
            raise typer.BadParameter(f"must be CHANNEL or CHANNEL=WEIGHT, with commas between them: {text!r}")
        tier[name.strip()] = int(weight) if equals else 1
    return tier


def _done(answer: dict[str, Any], said: str, json: bool) -> None:
    if json:
        show.print_json(answer)
    else:
        show.say(said)
