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


def of_message(path: str, **wanted: str) -> Callable[[Program], str]:
    """A page about the newest message that is found so; the ids stand in braces."""
    return lambda program: path.format(**program.messages(**wanted)[0])


VIEWS = (
    View("login", None, at("/login")),
    View("overview", "ada", at("/")),
    View("password", "ada", at("/password")),
    View("customer-overview", "cui", at("/")),
    View("messages", "olga", at("/messages")),
    View("messages-none", "olga", at("/messages?number=13911111111&text=x&since=2020-01-01T00:00")),
    View("customer-messages", "cui", at("/messages")),
    View("message-delivered", "ulf", of_message("/messages/{id}", state="delivered")),
    View("message-failed", "olga", of_message("/messages/{id}", state="failed")),
    View("message-scheduled", "olga", of_message("/messages/{id}", state="scheduled")),
    View("customer-message", "cui", of_message("/messages/{id}", state="delivered", account="C1")),
    View("submission", "olga", of_message("/submissions/{submission}", account="C1", state="invalid")),
    View("scheduled", "olga", at("/scheduled")),
    View("refusals", "olga", at("/refusals")),
    View("replies", "olga", at("/replies")),
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
    program.send(c1, Mobile="13800000000,13800000001,13800000006,12345", Content="字" * 150 + "【测试】")
    program.send(c1, SendTime="20990101080000", Content=f"新年快乐{TEXT}")
    program.api("POST", "/keywords", json={"words": ["发票"]})
    program.send(c2, Content=f"代开发票{TEXT}")
    program.send(c2, Content="没有签名")
    for text in ("收到，谢谢", "TD"):
        program.api("POST", "/simulator/replies", json={"number": "13700000002", "to": "10690000", "text": text})
    program.wait_for("delivered", 2)
    program.wait_for("failed", 1)
