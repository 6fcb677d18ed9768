"""``yizhan channel``: the ways to carriers. Everything holds at once, while the gateway runs."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import call, segment
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data
from yizhan.model.channel import PATHS
from yizhan.wire.pcap import PcapWriter

app = typer.Typer(help="Channels: the ways to carriers.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any key of a channel as etc/yizhan.toml has it; may be repeated."),
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="The gateway reads the password from there at each bind."),
]
PasswordEnv = Annotated[
    str | None,
    typer.Option("--password-env", metavar="NAME", help="It stands in this variable of the gateway's environment."),
]
_FOLLOW_S = 0.5
_AT_ONCE = 1_000


@app.command("list")
def list_channels(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All channels, and how they stand."""
    channels = call(data, "GET", "/channels")
    if json:
        show.print_json(channels)
        return
    rows = [{**one, "state": _state(one), "use": f"{one['in_flight']} of {one['window']}"} for one in channels]
    columns = [show.Column("name"), show.Column("kind"), show.Column("use", "in hand")]
    columns.append(show.Column("state", fills=True))
    show.print_table(columns, rows, "no channels")


@app.command("show")
def show_channel(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """One channel with its settings; passwords are not shown."""
    _print_card(call(data, "GET", f"/channels/{segment(name)}"), json)


@app.command()
def add(
    name: Name,
    *,
    kind: Annotated[str, typer.Option(metavar="KIND", help="smpp or simulator.")] = "smpp",
    host: Annotated[str | None, typer.Option(metavar="HOST", help="The carrier's SMSC.")] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="Its port; 2775 unless given.")] = None,
    system_id: Annotated[str | None, typer.Option(metavar="ID", help="What the carrier calls you.")] = None,
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = None,
    source: Annotated[str | None, typer.Option(metavar="DIGITS", help="The access number.")] = None,
    keys: Keys = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Add a channel; it connects at once."""
    given = {"kind": kind, "host": host, "port": port, "system_id": system_id, "source": source}
    settings = {key: value for key, value in given.items() if value is not None} | _keys(keys)
    settings |= _password(password_stdin, password_file, password_env)
    _print_card(call(data, "POST", "/channels", json={"name": name, "settings": settings}), json)


@app.command("set")
def set_channel(
    name: Name,
    *,
    keys: Keys = None,
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Change keys of a channel; it alone connects anew."""
    settings = _keys(keys) | _password(password_stdin, password_file, password_env)
    if not settings:
        raise typer.BadParameter("nothing to change: --set KEY=VALUE, or a password")
    _print_card(call(data, "PATCH", f"/channels/{segment(name)}", json={"settings": settings}), json)


@app.command()
def pause(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Send nothing more over it; reports and replies still come."""
    _print_card(call(data, "POST", f"/channels/{segment(name)}/pause"), json)


@app.command()
def resume(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Send over it again."""
    _print_card(call(data, "POST", f"/channels/{segment(name)}/resume"), json)


@app.command()
def remove(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Take a channel away, once what it has in hand is answered."""
    call(data, "DELETE", f"/channels/{segment(name)}")
    if json:
        show.print_json({"channel": name, "removed": True})
    else:
        show.say(f"{name} is removed")


@app.command()
def test(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Ask the carrier whether it is there, over the binds that stand, or by logging in."""
    steps = call(data, "POST", f"/channels/{segment(name)}/test")
    if json:
        show.print_json(steps)
    else:
        for step in steps:
            show.say(f"{'ok    ' if step['passed'] else 'FAILED'} {step['step']}: {step['said']} ({step['ms']} ms)")
    if not all(step["passed"] for step in steps):
        raise typer.Exit(1)


@app.command()
def trace(
    name: Name,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until interrupted.")] = False,
    number: Annotated[str | None, typer.Option(metavar="NUMBER", help="Only about this handset.")] = None,
    pcap: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write a file that Wireshark reads (in clear).")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Numbers and texts in clear.")] = False,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """The newest protocol messages of a channel, decoded; numbers and texts are masked unless asked for."""
    wanted: dict[str, Any] = {"number": number, "clear": clear or pcap is not None, "limit": _AT_ONCE, "after": 0}

    def more() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := call(data, "GET", f"/channels/{segment(name)}/trace", params=wanted):
            wanted["after"] = page[-1]["seq"]
            found += page
            if len(page) < _AT_ONCE:
                break
        return found

    count = 0
    with _trace_to(pcap, json=json, follow=follow) as write:
        try:
            while True:
                pdus = more()
                count += len(pdus)
                write(pdus)
                if not follow:
                    break
                time.sleep(_FOLLOW_S)
        except KeyboardInterrupt:
            pass
    if pcap is not None:
        show.say(f"{count} protocol messages in {pcap}")


@contextmanager
def _trace_to(pcap: Path | None, *, json: bool, follow: bool) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Where a trace goes: a file for Wireshark, JSON (while following, an object a line), or lines for people."""
    if pcap is not None:
        with os.fdopen(os.open(pcap, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            writer = PcapWriter(out.write)

            def keep(pdus: list[dict[str, Any]]) -> None:
                for pdu in pdus:
                    ends = (pdu["local"], pdu["remote"]) if pdu["direction"] == "out" else (pdu["remote"], pdu["local"])
                    writer.packet(pdu["at_ms"] * 1000, *ends, bytes.fromhex(pdu["data"]))
                out.flush()

            yield keep
    elif json and not follow:
        yield show.print_json
    else:

        def tell(pdus: list[dict[str, Any]]) -> None:
            for pdu in pdus:
                show.say(dumps(pdu, ensure_ascii=False) if json else _line(pdu))
            sys.stdout.flush()

        yield tell


def _line(pdu: dict[str, Any]) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(pdu["at_ms"] / 1000)) + f".{pdu['at_ms'] % 1000:03d}"
    return f"{at} {pdu['link']} {'->' if pdu['direction'] == 'out' else '<-'} {pdu['summary']}"


def _keys(keys: list[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` as text: the gateway knows what each key must be. Paths of files start here, not where it runs."""
    settings: dict[str, str] = {}
    for pair in keys or ():
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise typer.BadParameter(f"must be KEY=VALUE: {pair!r}")
        if key == "password":
            raise typer.BadParameter(
                "others can read a command line: --password-stdin, --password-file, --password-env"
            )
        if key == "name":
            raise typer.BadParameter("a channel's name cannot be changed")
        settings[key] = str(Path(value).absolute()) if key in PATHS and value else value
    return settings


def _password(stdin: bool, file: Path | None, env: str | None) -> dict[str, str]:
    """Where the password comes from, if that was said."""
    if stdin + (file is not None) + (env is not None) > 1:
        raise typer.BadParameter("one of --password-stdin, --password-file and --password-env")
    if stdin:
        return {"password": sys.stdin.readline().rstrip("\r\n")}
    if file is not None:
        return {"password_file": str(file.absolute())}
    return {} if env is None else {"password_env": env}


def _state(view: dict[str, Any]) -> str:
    words = []
    if view["paused"]:
        words.append("paused")
    if view["kind"] == "smpp":
        words.append(f"bound {view['bound']} of {view['binds']}")
    elif view["binds"]:
        words.append("ready")
    if view["throttled"]:
        words.append(f"throttled by the carrier to {view['rate_per_s']}/s")
    elif view["rate_per_s"] is not None:
        words.append(f"{view['rate_per_s']:g}/s")
    if view["errors"] >= 0.01:
        words.append(f"{view['errors']:.0%} refused lately")
    if view["why"]:
        words.append(view["why"])
    if view["shares"] and not view["node"]:
        words.append(f"shares at {', '.join(one or 'nobody' for one in view['shares'])}")
    return ", ".join(words)


def _print_card(card: dict[str, Any], json: bool) -> None:
    if json:
        show.print_json(card)
        return
    view = card["channel"]
    details = [
        ("channel", view["name"]),
        ("state", _state(view)),
        ("in hand", f"{view['in_flight']} of {view['window']}"),
    ]
    details.append(("kept in", "the configuration file" if card["in_file"] else "the store"))
    details += [(key, value) for key, value in card["settings"].items() if key != "name" and value not in (None, "")]
    show.print_details(details)
