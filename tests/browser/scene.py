"""A gateway with a little of everything in it, for what looks at every page; and the list of the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from river.program import TEXT, Program, eventually, running
from river.test_console import LISTEN, url_of
from river.test_console import Browser as Client

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
    View("customer-overview", "cui", at("/")),
    View("reports", "cui", at("/reports")),
    View("send", "cui", at("/send")),
    View("send-for-an-account", "ada", at("/send?account=C1")),
    View("sent", "cui", lambda program: f"/send/{program.messages(account='C1')[-1]['submission']}"),
    View("mailings", "cui", at("/mailings")),
    View("mailings-of-all", "ada", at("/mailings")),
    View("mailing-draft", "cui", lambda program: mailing(program, "draft.csv")),
    View("mailing-done", "cui", lambda program: mailing(program, "名单.csv")),
)


@contextmanager
def staged(folder: Path) -> Iterator[tuple[Program, str]]:
    """The gateway, and where its console is."""
    with running(folder / "data", "--demo", **LISTEN, **_CHANNEL) as program:
        _furnish(program)
        yield program, url_of(program)


def mailing(program: Program, file: str) -> str:
    """The page of a file that was sent or is to be."""
    ((id,),) = program.query(f"SELECT id FROM mailings WHERE file = '{file}'")
    return f"/mailings/{id}"


def _send_files(program: Program) -> None:
    rows = [
        "手机号,姓名,金额",
        "13800000010,王女士,128.00",
        "12345,李先生,66.00",
        "13900000011,赵先生,",
        "13800000012,钱女士,9.90",
    ]
    with Client(url_of(program)) as cui:
        cui.log_in("cui")
        for file in ("draft.csv", "名单.csv"):
            form = {"csrf": cui.secret(), "text": "{姓名}您好，您的订单金额为{金额}元，请及时支付。【测试】"}
            cui.post("/mailings", data=form, files={"file": (file, "\n".join(rows).encode())})
        cui.fill(mailing(program, "名单.csv"), step="send")
    eventually(lambda: program.query("SELECT 1 FROM mailings WHERE finished_at_ms IS NOT NULL"))


def _furnish(program: Program) -> None:
    c1, c2 = program.account("C1"), program.account("C2")
    for name, role in PEOPLE.items():
        account = {"account": "C1"} if role == "customer" else {}
        program.api("POST", "/people", json={"name": name, "role": role, "password": PASSWORD, **account})
    program.send(c1, Mobile="13800000000,13900000001,13700000002")
    program.send(c2, Mobile="13800000003", Content=f"订单已发货{TEXT}")
    program.wait_for("delivered", 1)
    _send_files(program)
