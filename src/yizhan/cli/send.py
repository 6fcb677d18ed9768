"""``yizhan send`` and ``yizhan balance``: a client of any LinkWS platform, this one or another."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed
from yizhan.cli.options import AsJson

if TYPE_CHECKING:
    from yizhan.client.linkws import Client, SliceResult

Url = Annotated[
    str, typer.Option("--url", metavar="URL", help="The platform's address, for example http://127.0.0.1:8080/sdk2/.")
]
Corp = Annotated[str, typer.Option("--corp", metavar="ID", help="The account (CorpID).")]
FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input; else YIZHAN_PASSWORD, else asked."),
]
CharsetName = Annotated[Literal["gb2312", "utf-8"], typer.Option("--charset", help="How HTTP calls write the text.")]
BySoap = Annotated[bool, typer.Option("--soap", help="Call the web service (SOAP 1.1, UTF-8).")]


def register(app: typer.Typer) -> None:
    """Add ``send`` and ``balance`` to ``app``."""
    app.command()(send)
    app.command()(balance)


def send(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text, with its signature: 您好【公司】")],
    *,
    url: Url,
    corp: Corp,
    password_stdin: FromStdin = False,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="NUMBERS", help="Numbers, separated by commas; may be repeated.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A file of numbers, one a line; # starts a remark.")
    ] = None,
    charset: CharsetName = "gb2312",
    soap: BySoap = False,
    cell: Annotated[str, typer.Option("--cell", metavar="DIGITS", help="Extension behind the sender's number.")] = "",
    send_time: Annotated[
        str, typer.Option("--send-time", metavar="yyyyMMddHHmmss", help="Send then (Beijing time) instead of now.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Send a text to numbers through a LinkWS platform, 500 numbers a call (IntlSend).

    Stops at the first call that is not accepted and says which numbers were sent and which were not.
    """
    from yizhan.cli.send_report import print_errors, print_results, to_rows
    from yizhan.client.linkws import Fate

    numbers, repeated = _collect(to or [], file)
    with connect(url, corp, password_stdin, charset, soap) as client:
        try:
            results = _send_all(client, numbers, text, cell, send_time)
        except ValueError as error:  # found while the first call was written, so nothing was sent
            raise typer.BadParameter(str(error)) from error
    accepted = sum(len(result.numbers) for result in results if result.fate is Fate.ACCEPTED)
    if json:
        show.print_json({"accepted": accepted, "repeated": repeated, "calls": to_rows(results)})
        print_errors(results)
    else:
        print_results(results, repeated)
    if accepted < len(numbers):
        raise typer.Exit(1)


def balance(
    *,
    url: Url,
    corp: Corp,
    password_stdin: FromStdin = False,
    charset: CharsetName = "gb2312",
    soap: BySoap = False,
    json: AsJson = False,
) -> None:
    """Ask a LinkWS platform how many segments are left (GetBalance)."""
    from yizhan.client.errors import LinkWSError

    with connect(url, corp, password_stdin, charset, soap) as client:
        try:
            left = client.balance()
        except LinkWSError as error:
            if json:
                show.print_json({"balance": None, "code": getattr(error, "code", None), "error": str(error)})
            show.warn(str(error))
            raise typer.Exit(1) from error
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    if json:
        show.print_json({"balance": left})
    else:
        show.say(str(left))


def _collect(to: list[str], file: Path | None) -> tuple[list[str], int]:
    """The distinct numbers in their order, and how many repeated ones were left out."""
    from yizhan.client.numbers import NumbersMistake, decode_list, distinct, read_numbers

    try:
        numbers = read_numbers("\n".join(to))
    except NumbersMistake as error:
        raise typer.BadParameter(str(error).partition(": ")[2], param_hint="--to") from error
    if file is not None:
        try:
            numbers += read_numbers(decode_list(file.read_bytes()))
        except (OSError, NumbersMistake) as error:
            why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
            raise typer.BadParameter(f"{file}: {why}", param_hint="--file") from error
    if not numbers:
        raise typer.BadParameter("no numbers given", param_hint="--to / --file")
    once = distinct(numbers)
    return once, len(numbers) - len(once)


def connect(url: str, corp: str, password_stdin: bool, charset: str, soap: bool) -> "Client":
    """The client for a command's switches; asks for the password where it is not given."""
    from yizhan.client.errors import Unreachable
    from yizhan.client.linkws import Charset, Client
    from yizhan.client.transport import root_of

    try:
        root_of(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    password = _read_password(password_stdin)
    try:
        return Client(url, corp, password, charset=Charset(charset), soap=soap)
    except Unreachable as error:
        raise Failed(str(error)) from error


def _read_password(from_stdin: bool) -> str:
    """Never from the command line, where every user of the machine can read it."""
    if from_stdin and not sys.stdin.isatty():
        try:
            line = sys.stdin.buffer.readline().decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise typer.BadParameter("the password is not UTF-8", param_hint="--password-stdin") from error
    elif not from_stdin and (given := os.environ.get("YIZHAN_PASSWORD")):
        line = given
    elif sys.stdin.isatty():
        line = str(typer.prompt("Password", hide_input=True, err=True))
    else:
        raise typer.BadParameter("give it on standard input or in YIZHAN_PASSWORD", param_hint="--password-stdin")
    if not line:
        raise typer.BadParameter("the password is empty", param_hint="--password-stdin")
    return line


def _send_all(client: "Client", numbers: list[str], text: str, cell: str, send_time: str) -> list["SliceResult"]:
    """Send with a progress bar where somebody looks; interrupted, the call under way is uncertain."""
    from yizhan.client.linkws import SLICE, Fate, SliceResult, cut

    tried: list[SliceResult] = []
    with show.make_progress() as bar:
        task = bar.add_task("numbers", total=len(numbers))

        def note(result: SliceResult) -> None:
            tried.append(result)
            bar.advance(task, len(result.numbers))

        try:
            return client.send_all(numbers, text, cell=cell, send_time=send_time, progress=note)
        except KeyboardInterrupt:
            rest = list(cut(numbers, SLICE))[len(tried) :]
    under_way = [SliceResult(part, Fate.UNCERTAIN) for part in rest[:1]]
    return [*tried, *under_way, *(SliceResult(part, Fate.NOT_TRIED) for part in rest[1:])]
