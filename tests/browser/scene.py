"""A gateway with a little of everything in it, for what looks at every page; and the list of the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from river.program import TEXT, Program, eventually, running
from river.smsc import Smsc, smsc
from river.test_console import LISTEN, url_of
from river.test_console import Browser as Client

from .chromium import PASSWORD

# One with each role, and the account of the customer.
PEOPLE = {"ada": "admin", "olga": "operator", "ulf": "auditor", "cui": "customer"}
# Three parts.
_LONG = (
    "尊敬的会员，您好！您预订的中秋礼盒已经备齐，将于本周五上午九点起陆续送出，配送员会提前半小时与您联系，请保持电话畅通。"
    "如需更改收货地址或送达时间，请在周四晚八点之前登录商城，进入“我的订单”修改；逾期请直接联系客服。"
    "会员积分将在签收后二十四小时内到账，可用于下次购物。感谢您的支持，祝您和家人节日快乐！【测试】"
)
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
    View("phones", "ada", at("/phones")),
    View("password", "ada", at("/password")),
    View("second-factor", "ada", at("/second-factor")),
    View("customer-overview", "cui", at("/")),
    View("messages", "olga", at("/messages")),
    View("messages-none", "olga", at("/messages?number=13911111111&text=x&since=2020-01-01T00:00")),
    View("customer-messages", "cui", at("/messages")),
    View("message-delivered", "ulf", of_message("/messages/{id}", state="delivered")),
    View("message-failed", "olga", of_message("/messages/{id}", state="failed")),
    View("message-scheduled", "olga", of_message("/messages/{id}", state="scheduled")),
    View("release", "olga", of_message("/messages/{id}/release", state="failed")),
    View("customer-message", "cui", of_message("/messages/{id}", state="delivered", account="C1")),
    View("submission", "olga", of_message("/submissions/{submission}", account="C1", state="invalid")),
    View("scheduled", "olga", at("/scheduled")),
    View("refusals", "olga", at("/refusals")),
    View("replies", "olga", at("/replies")),
    View("channels", "olga", at("/channels")),
    View("channel", "olga", at("/channels/carrier")),
    View("channel-in-file", "ulf", at("/channels/simulator")),
    View("channel-new", "olga", at("/channels/new")),
    View("channel-settings", "olga", at("/channels/carrier/settings")),
    View("trace", "olga", at("/channels/carrier/trace?clear=yes&live=no")),
    View("routes", "olga", at("/routes")),
    View("routes-read", "ulf", at("/routes")),
    View("route-new", "olga", at("/routes/new")),
    View("explain", "olga", at("/explain")),
    View("customer-explain", "cui", at("/explain")),
    View("nodes", "ulf", at("/nodes")),
    View("health", "ulf", at("/health/checks")),
    View("audit", "ada", at("/audit")),
    View("settings", "ada", at("/settings?all=yes")),
    View("accounts", "ada", at("/accounts")),
    View("account-new", "olga", at("/accounts/new")),
    View("account", "olga", at("/accounts/C1")),
    View("account-read", "ulf", at("/accounts/C1")),
    View("customer-account", "cui", at("/account")),
    View("cards", "olga", at("/cards")),
    View("keywords", "olga", at("/keywords")),
    View("numbers", "olga", at("/numbers")),
    View("addresses", "olga", at("/addresses")),
    View("people", "ada", at("/people")),
    View("person", "ada", at("/people/cui")),
    View("tokens", "ada", at("/tokens")),
    View("reports", "cui", at("/reports")),
    View("send", "cui", at("/send")),
    View("send-for-an-account", "ada", at("/send?account=C1")),
    View("mailings", "cui", at("/mailings")),
    View("mailings-of-all", "ada", at("/mailings")),
    View("mailing-draft", "cui", lambda program: mailing(program, "draft.csv")),
    View("mailing-done", "cui", lambda program: mailing(program, "名单.csv")),
)


@contextmanager
def staged(folder: Path) -> Iterator[tuple[Program, str]]:
    """The gateway, and where its console is."""
    with (
        running(folder / "data", "--demo", **LISTEN, **_CHANNEL) as program,
        smsc(folder / "smsc") as carrier,
    ):
        _furnish(program)
        _furnish_carrier(program, carrier)
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
    program.send(c1, Mobile="13800000000,13800000001,13800000006,12345", Content=_LONG)
    program.send(c1, SendTime="20990101080000", Content=f"新年快乐{TEXT}")
    program.api("POST", "/keywords", json={"words": ["发票"]})
    program.send(c2, Content=f"代开发票{TEXT}")
    program.send(c2, Content="没有签名")
    for text in ("收到，谢谢", "TD"):
        program.api("POST", "/simulator/replies", json={"number": "13700000002", "to": "10690000", "text": text})
    program.wait_for("delivered", 2)
    program.wait_for("failed", 1)
    _furnish_rules(program)


def _furnish_carrier(program: Program, carrier: Smsc) -> None:
    settings = carrier.channel(enquire_link_s=1, rate_per_s=50, password="hunter2", binds=2)
    program.api("POST", "/channels", json={"name": settings.pop("name"), "settings": settings})
    for rule in (
        {"tiers": [{"carrier": 1}], "prefix": "86135", "note": "移动专线"},
        {"tiers": [{"simulator": 3, "carrier": 1}, {"carrier": 1}], "text_class": "marketing", "network": "cu"},
        {"tiers": [{"simulator": 1}]},
    ):
        program.api("POST", "/routes", json=rule)
    eventually(lambda: program.api("GET", "/channels/carrier")["channel"]["bound"])
    body = {"account": "C1", "to": ["13500000000"], "text": f"经由运营商{TEXT}"}
    program.api("POST", "/messages", json=body)
    program.wait_for("delivered", 1, number="13500000000")


def _furnish_rules(program: Program) -> None:
    program.api("PATCH", "/accounts/C1", json={"extension": "21", "allow_ips": ["127.0.0.0/8"]})
    program.api("POST", "/accounts/C1/topup", json={"amount": 500, "note": "合同 2026-11"})
    program.api("POST", "/accounts/C2/disable")
    program.api("PUT", "/webhooks", json={"account": "C1", "url": "https://127.0.0.1:9/events"})
    program.api("POST", "/cards", json={"count": 3, "credit": 100})
    program.api("POST", "/keywords", json={"words": ["发票代开", "免费贷款", "赌博", "casino"]})
    program.api("POST", "/numbers", json={"number": "13800000009", "account": "C1", "reason": "退订"})
    program.api("POST", "/numbers", json={"number": "13900000009", "reason": "投诉"})
    program.api("POST", "/addresses", json={"network": "198.51.100.0/24", "reason": "扫描", "minutes": 600})
    program.api("POST", "/addresses", json={"network": "203.0.113.7"})
    program.api("POST", "/tokens", json={"name": "erp", "role": "customer", "account": "C1"})
    program.api("POST", "/tokens", json={"name": "grafana", "role": "auditor", "until": "2030-01-01T00:00:00+08:00"})
    _send_files(program)
