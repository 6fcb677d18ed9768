"""A gateway with a little of everything in it, for what looks at every page; and the list of the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from river.program import TEXT, Program, running
from river.test_console import LISTEN, url_of

from .chromium import PASSWORD

# One with each role, and the account of the customer.
PEOPLE = {"ada": "admin", "olga": "operator", "ulf": "auditor", "cui": "customer"}
_CHANNEL = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]'}


@dataclass(frozen=True, slots=True)
class View:
    """A page that is looked at: its name for a file, who looks, and where it is."""

    name: str
    person: str | None
    path: Callable[[Program], str]


def at(path: str) -> Callable[[Program], str]:
    """A page whose address is always the same."""
    return lambda _: path


VIEWS = (
    View("login", None, at("/login")),
    View("overview", "ada", at("/")),
    View("password", "ada", at("/password")),
    View("second-factor", "ada", at("/second-factor")),
    View("customer-overview", "cui", at("/")),
)


@contextmanager
def staged(folder: Path) -> Iterator[tuple[Program, str]]:
    """The gateway, and where its console is."""
    with running(folder / "data", "--demo", **LISTEN, **_CHANNEL) as program:
        _furnish(program)
        yield program, url_of(program)


def _furnish(program: Program) -> None:
    c1, c2 = program.account("C1"), program.account("C2")
    for name, role in PEOPLE.items():
        account = {"account": "C1"} if role == "customer" else {}
        program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **account})
    program.send(c1, Mobile="13800000000,13900000001,13700000002")
    program.send(c2, Mobile="13800000003", Content=f"订单已发货{TEXT}")
    program.wait_for("delivered", 1)
