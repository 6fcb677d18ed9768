"""``yizhan simulate``: the built-in handsets, and an SMSC to test against."""

import asyncio
import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data, Limit
from yizhan.model.settings import split_listen

app = typer.Typer(help="Simulated handsets, and a simulated SMSC.", no_args_is_help=True)


@app.command()
def reply(
    *,
    number: Annotated[str, typer.Option("--from", metavar="NUMBER", help="The handset's number.")],
    to: Annotated[str, typer.Option("--to", metavar="DIGITS", help="The access number, extension and Cell behind it.")],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What it writes.")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """A handset replies to a message (needs a running node)."""
    stored = call(data, "POST", "/simulator/replies", json={"number": number, "to": to, "text": text})
    if json:
        show.print_json(stored)
        return
    if stored["account"] is None:
        show.say("stored, but it belongs to no account: see yizhan account set --extension")
        return
    blocked = ", and its number is blocked from now on" if stored["opted_out"] else ""
    show.say(f"reply {stored['id']} for {stored['account']}, Cell {stored['cell'] or '(none)'}{blocked}")


@app.command()
def inbox(
    *,
    to: Annotated[str | None, typer.Option("--to", metavar="NUMBER", help="Only this phone's.")] = None,
    wait: Annotated[
        float | None, typer.Option("--wait", min=0, max=300, metavar="SECONDS", help="Wait for its next message.")
    ] = None,
    match: Annotated[str, typer.Option("--match", metavar="TEXT", help="With --wait: what must stand in it.")] = "",
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """What has arrived on the simulator's phones, newest first (needs a running node)."""
    if wait is None:
        found = call(data, "GET", "/inbox", params={"to": to, "limit": limit})
    elif to is None:
        raise typer.BadParameter("--wait needs --to: whose message?")
    else:
        found = [call(data, "GET", "/inbox/wait", params={"to": to, "match": match, "timeout_s": wait})]
    if json:
        show.print_json(found)
        return
    columns = [
        show.Column("at", time=True),
        show.Column("to"),
        show.Column("sender"),
        show.Column("code"),
        show.Column("text", fills=True),
    ]
    show.print_table(columns, found, "nothing has arrived since the node has started")


@app.command()
def fate(
    *,
    fate: Annotated[
        str | None, typer.Argument(metavar="FATE", help="delivered, undelivered, expired, rejected, refused, ...")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="NUMBER", help="Only this phone's messages.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="So many messages.")] = 1,
    always: Annotated[bool, typer.Option("--always", help="All messages, until it is changed.")] = False,
    delay: Annotated[
        float, typer.Option("--delay", min=0, max=86_400, metavar="SECONDS", help="They arrive so much later.")
    ] = 0,
    forget: Annotated[bool, typer.Option("--forget", help="The number's last digits decide again.")] = False,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """What becomes of the next messages to a phone, or to any; without FATE, what is chosen (needs a running node)."""
    if fate is not None and forget:
        raise typer.BadParameter("FATE or --forget, not both")
    if forget:
        call(data, "DELETE", "/simulator/fates", params={"to": to})
    elif fate is not None:
        wish = {"to": to, "fate": fate, "count": None if always else count, "delay_s": delay}
        call(data, "POST", "/simulator/fates", json=wish)
    chosen = call(data, "GET", "/simulator/fates")
    if json:
        show.print_json(chosen)
        return
    rows = [{**one, "to": one["to"] or "any", "left": one["left"] or "all"} for one in chosen]
    columns = [show.Column("to"), show.Column("fate"), show.Column("left", "messages"), show.Column("delay_s")]
    show.print_table(columns, rows, "nothing is chosen: the last four digits of a number decide")


@app.command()
def smsc(
    *,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where ESMEs connect.")] = "127.0.0.1:2775",
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="What it does: see etc/smsc.toml.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="What depends on chance is the same again.")] = 1,
    control: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where yizhan simulate tell connects.")
    ] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="One JSON line a submit.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", exists=True, help="PEM; with --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", exists=True, help="PEM.")] = None,
    json: AsJson = False,
) -> None:
    """Run an SMSC (SMPP 3.4) to test against, until it is interrupted."""
    from yizhan.kit.log import set_up_logging
    from yizhan.sim.smsc.serve import Place, Wish, serve_smsc

    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key: both or neither")
    set_up_logging("warning", sys.__stderr__)

    def ready(addresses: dict[str, Any]) -> None:
        if json:
            print(jsonlib.dumps(addresses), flush=True)
            return
        told = f", control at {addresses['control']}" if addresses["control"] else ""
        show.say(f"SMSC ready at {addresses['smpp']}{told}")
        sys.stdout.flush()

    wish = Wish(
        listen=Place(*_place(listen)),
        control=None if control is None else Place(*_place(control)),
        scenario=_read_scenario(scenario),
        seed=seed,
        log=log,
        tls=(tls_cert, tls_key) if tls_cert and tls_key else None,
    )
    try:
        serve_smsc(wish, ready)
    except OSError as error:
        raise Failed(f"the SMSC cannot start: {error}") from error


@app.command()
def tell(
    at: Annotated[str, typer.Option("--at", metavar="HOST:PORT", help="The control port of an SMSC.")],
    wish: Annotated[str, typer.Argument(metavar="WISH", help='For example {"do": "stats"}.')],
    json: AsJson = False,
) -> None:
    """Tell a running SMSC something, as JSON: stats, reply, set, disconnect, listen, reset."""
    from yizhan.sim.smsc.serve import Place
    from yizhan.sim.smsc.serve import control as ask

    try:
        wanted = jsonlib.loads(wish)
    except ValueError as error:
        raise typer.BadParameter(f"must be a JSON object: {error}") from error
    try:
        answer = asyncio.run(ask(Place(*_place(at)), wanted))
    except (OSError, ValueError) as error:
        raise Failed(f"nobody answers at {at}: {error}") from error
    if not answer.pop("ok", False):
        raise Failed(str(answer.get("error")))
    if json:
        show.print_json(answer)
    else:
        show.print_details(list(answer.items()) or [("done", jsonlib.dumps(wanted, ensure_ascii=False))])


def _place(text: str) -> tuple[str, int]:
    try:
        return split_listen(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _read_scenario(file: Path | None) -> Any:
    from yizhan.sim.smsc.scenario import read_scenario

    try:
        return read_scenario(file)
    except (OSError, ValueError) as error:  # TOMLDecodeError and ValidationError are ValueErrors
        raise Failed(f"{file}: {error}") from error
