"""Passwords on the command line: made here, or read from where nobody looks. No plain option: it would stand in the
process list.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli.link import Failed

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
FromFile = Annotated[
    Path | None, typer.Option("--password-file", exists=True, dir_okay=False, help="Read the password from a file.")
]


def read_password(stdin: bool, file: Path | None) -> str | None:
    """The password that was given, without its line end; None when none was. Failed for one that is none."""
    if stdin and file:
        raise typer.BadParameter("contradicts --password-file", param_hint="--password-stdin")
    if stdin and sys.stdin.isatty():
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    elif stdin or file:
        raw = file.read_bytes() if file else sys.stdin.buffer.read()
        try:
            text = raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise Failed("the password is not UTF-8") from error
    else:
        return None
    if not text:
        raise Failed("the password is empty")
    return text
