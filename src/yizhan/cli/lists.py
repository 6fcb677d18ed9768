"""``yizhan keyword``, ``ip`` and ``number``: what is forbidden, and who is blocked."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data, OfAccount, Reason

keyword_app = typer.Typer(help="Forbidden keywords.", no_args_is_help=True)
ip_app = typer.Typer(help="The IP blacklist.", no_args_is_help=True)
number_app = typer.Typer(help="Blocked numbers.", no_args_is_help=True)

Words = Annotated[list[str], typer.Argument(metavar="WORD...")]
Network = Annotated[str, typer.Argument(metavar="CIDR", help="An address or a network.")]
Number = Annotated[str, typer.Argument(metavar="NUMBER")]
ForAccount = Annotated[str | None, typer.Option("--account", metavar="CORPID", help="For this account only.")]


@keyword_app.command("add")
def add_keywords(words: Words, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Forbid words."""
    _add(data, words, json)


@keyword_app.command("import")
def import_keywords(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Forbid the words of a file (- is standard input), one a line, in UTF-8 or GB18030."""
    if str(file) != "-" and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    words = [word for line in _decode(raw).splitlines() if (word := line.strip())]
    if not words:
        raise Failed(f"{file} holds no words")
    _add(data, words, json)


@keyword_app.command("remove")
def remove_keywords(words: Words, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Allow words again."""
    removed = call(data, "POST", "/keywords/remove", json={"words": words})["removed"]
    if json:
        show.print_json({"given": len(words), "removed": removed})
    if not removed:
        raise Failed("none of these words is on the list")
    if not json:
        show.say(f"{removed} of {len(words)} words removed")


@keyword_app.command("list")
def list_keywords(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All forbidden words."""
    words: list[str] = call(data, "GET", "/keywords")
    if json:
        show.print_json(words)
        return
    for word in words:
        show.say(word)


@keyword_app.command("test")
def test_keywords(
    text: Annotated[str, typer.Argument(metavar="TEXT")], data: Data = DEFAULT_DATA, json: AsJson = False
) -> None:
    """Hold a text against the keywords; says which ones it holds, and where."""
    hits = call(data, "POST", "/keywords/test", json={"text": text})
    if json:
        show.print_json(hits)
        return
    if not hits:
        show.say("no forbidden keyword")
    for hit in hits:
        found = text[hit["start"] : hit["end"]]
        show.say(f"{hit['keyword']}: characters {hit['start'] + 1} to {hit['end']}, written {found}")


@ip_app.command("block")
def block_address(
    network: Network,
    minutes: Annotated[float | None, typer.Option(min=0.01, metavar="N", help="For so long; else for good.")] = None,
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Answer -100 to every call from an address or a network."""
    body = {"network": network, "reason": reason, "minutes": minutes}
    entry = call(data, "POST", "/addresses", json=body)
    if json:
        show.print_json(entry)
    else:
        until = f"until {show.local_time(entry['until'])}" if entry["until"] else "for good"
        show.say(f"{entry['network']} is blocked {until}")


@ip_app.command("unblock")
def unblock_address(network: Network, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Take an address or a network off the blacklist."""
    call(data, "DELETE", "/addresses", params={"network": network})
    _unblocked(network, {"network": network, "blocked": False}, json)


@ip_app.command("list")
def list_addresses(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """The IP blacklist."""
    entries = call(data, "GET", "/addresses")
    if json:
        show.print_json(entries)
        return
    columns = [
        show.Column("network"),
        show.Column("until", time=True),
        show.Column("created_at", "since", time=True),
        show.Column("reason", fills=True),
    ]
    show.print_table(columns, entries, "no address is blocked")


@number_app.command("block")
def block_number(
    number: Number, account: ForAccount = None, reason: Reason = "", data: Data = DEFAULT_DATA, json: AsJson = False
) -> None:
    """Send nothing to a number, from one account or from all."""
    entry = call(data, "POST", "/numbers", json={"number": number, "account": account, "reason": reason})
    if json:
        show.print_json(entry)
    else:
        show.say(f"{entry['number']} is blocked for {entry['account'] or 'every account'}")


@number_app.command("unblock")
def unblock_number(number: Number, account: ForAccount = None, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Send to a number again."""
    call(data, "DELETE", "/numbers", params={"number": number, "account": account})
    _unblocked(number, {"number": number, "account": account, "blocked": False}, json)


@number_app.command("list")
def list_numbers(account: OfAccount = None, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """The blocked numbers."""
    entries = call(data, "GET", "/numbers", params={"account": account})
    if json:
        show.print_json(entries)
        return
    columns = [
        show.Column("number"),
        show.Column("account"),
        show.Column("created_at", "since", time=True),
        show.Column("reason", fills=True),
    ]
    show.print_table(columns, entries, "no number is blocked")


def _add(data: Path, words: list[str], json: bool) -> None:
    added = call(data, "POST", "/keywords", json={"words": words})["added"]
    if json:
        show.print_json({"given": len(words), "added": added})
    else:
        show.say(f"{added} of {len(words)} words are new")


def _decode(raw: bytes) -> str:
    """UTF-8, with or without its mark, else GB18030: what Chinese word lists come in."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError as error:
        raise Failed("the file is neither UTF-8 nor GB18030") from error


def _unblocked(what: str, answer: dict[str, object], json: bool) -> None:
    if json:
        show.print_json(answer)
    else:
        show.say(f"{what} is no longer blocked")
