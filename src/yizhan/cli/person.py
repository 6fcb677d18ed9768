"""``yizhan person``: who may log in at the console."""

from collections.abc import Mapping
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import call, segment
from yizhan.cli.options import DEFAULT_DATA, AsJson, CustomersAccount, Data, Role
from yizhan.cli.password import FromFile, FromStdin, read_password
from yizhan.kit.password import new_password

app = typer.Typer(help="People who log in at the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Under which he logs in, and stands in the audit log.")]


@app.command()
def add(
    name: Name,
    *,
    role: Role,
    account: CustomersAccount = None,
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Let somebody log in; prints a generated password unless one is given."""
    given = read_password(password_stdin, password_file)
    password = given or new_password()
    wish = {"name": name, "role": role, "account": account, "password": password}
    made = call(data, "POST", "/people", json=wish)
    _say(made if given else {**made, "password": password}, f"{name} may log in", None if given else password, json)


@app.command("list")
def list_people(data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """All of them."""
    found = call(data, "GET", "/people")
    if json:
        show.print_json(found)
        return
    columns = [show.Column("name"), show.Column("role"), show.Column("account"), show.Column("disabled")]
    columns += [show.Column("second_factor", "second factor")]
    columns += [show.Column("created_at", "created", time=True), show.Column("seen_at", "seen", time=True)]
    show.print_table(columns, found, "nobody")


@app.command()
def set_password(
    name: Name,
    *,
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Another password, a generated one unless one is given; he is logged out everywhere."""
    given = read_password(password_stdin, password_file)
    password = given or new_password()
    call(data, "PUT", f"/people/{segment(name)}/password", json={"password": password})
    said = {"name": name} if given else {"name": name, "password": password}
    _say(said, f"{name} has another password", None if given else password, json)


@app.command()
def disable(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Log somebody out, and let him in no more."""
    call(data, "POST", f"/people/{segment(name)}/disable")
    _say({"name": name, "disabled": True}, f"{name} is disabled", None, json)


@app.command()
def enable(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Let somebody log in again."""
    call(data, "POST", f"/people/{segment(name)}/enable")
    _say({"name": name, "disabled": False}, f"{name} is enabled", None, json)


@app.command()
def second_factor_off(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """For who has lost phone and recovery codes: the password is enough again; he is logged out everywhere."""
    call(data, "DELETE", f"/people/{segment(name)}/second-factor")
    _say({"name": name, "second_factor": False}, f"{name} logs in by the password alone", None, json)


@app.command()
def remove(name: Name, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Forget somebody; what he did stays in the audit log."""
    call(data, "DELETE", f"/people/{segment(name)}")
    _say({"name": name, "removed": True}, f"{name} is removed", None, json)


def _say(told: Mapping[str, object], words: str, password: str | None, json: bool) -> None:
    if json:
        show.print_json(told)
        return
    show.say(words)
    if password is not None:
        show.print_details([("password", password)])
        show.say("Note the password now: only a digest of it is kept.")
