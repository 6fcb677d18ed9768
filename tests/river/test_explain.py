"""What explain foretells is what happens: the same answer, price and fate of each number, and nothing is kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from .program import TEXT, Customer, Program, form, md5, run_cli, running


@pytest.fixture(scope="module")
def us(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with an account, a keyword and a blocked number."""
    with running(tmp_path_factory.mktemp("explain") / "data", YIZHAN_PRICES='{"852": 2}') as program:
        program.account("C1", credit=100)
        program.account("poor", credit=0)
        program.account("off")
        program.api("POST", "/accounts/off/disable")
        program.api("POST", "/keywords", json={"words": ["视频"]})
        program.api("POST", "/numbers", json={"number": "13900000000"})
        yield program


def ask(program: Program, account: str, **wanted: Any) -> dict[str, Any]:
    """Of one message."""
    body = {"account": account, "to": ["13800000000"], "text": TEXT, **wanted}
    told: dict[str, Any] = program.api("POST", "/explain", json=body)
    return told


def send(program: Program, account: str, operation: str = "IntlSend", **wanted: Any) -> int:
    """The same message for good: its answer."""
    password = f"secret of {account}"
    body = form(
        "gb18030",
        CorpID=account,
        Pwd=md5(password),
        Mobile=",".join(wanted.get("to", ["13800000000"])),
        Content=wanted.get("text", TEXT),
        Cell=wanted.get("cell", ""),
        SendTime=wanted.get("send_time", ""),
    )
    return int(program.post(operation, body).text)


@pytest.mark.parametrize(
    ("account", "wanted", "code", "hit"),
    [
        pytest.param("C1", {}, None, "", id="accepted"),
        pytest.param("off", {}, -102, "", id="disabled"),
        pytest.param("C1", {"to": ["12345"]}, -9, "12345", id="no number"),
        pytest.param("C1", {"text": ""}, -22, "", id="no text"),
        pytest.param("C1", {"text": "", "operation": "Send2"}, -8, "", id="no text, a plain operation"),
        pytest.param("C1", {"text": "长" * 301}, -8, "301", id="too long"),
        pytest.param("C1", {"text": "您好"}, -7, "", id="no signature"),
        pytest.param("C1", {"send_time": "tomorrow"}, -6, "tomorrow", id="no time"),
        pytest.param("C1", {"send_time": "20200101000000"}, -10, "20200101000000", id="past"),
        pytest.param("C1", {"cell": "x"}, -2, "x", id="cell"),
        pytest.param("C1", {"text": "看視-頻【测试】"}, -12, "视频", id="keyword"),
        pytest.param("C1", {"to": ["13900000000"]}, -2, "+8613900000000", id="blocked"),
        pytest.param("C1", {"to": ["13900000000"], "operation": "Send2"}, -11, "+8613900000000", id="blocked, plain"),
        pytest.param("poor", {}, -5, "price 1", id="balance"),
    ],
)
def test_the_answer_is_foretold(us: Program, account: str, wanted: dict[str, Any], code: int | None, hit: str) -> None:
    before = us.balance(Customer(account, "")), len(us.messages())
    told = ask(us, account, **wanted)
    assert (told["accepted"], told["code"], told["hit"]) == (code is None, code, hit)
    assert (us.balance(Customer(account, "")), len(us.messages())) == before
    answer = send(us, account, **wanted)
    assert answer == code if code is not None else answer > 0


def test_price_parts_and_fates(us: Program) -> None:
    wanted: dict[str, Any] = {
        "to": ["13800000000", "85251234567", "13900000000", "12345"],
        "text": "长" * 80 + "【测试】",
    }
    told = ask(us, "C1", **wanted)
    assert (told["parts"], told["encoding"], told["signature"], told["lane"]) == (2, "ucs2", "at_end", "urgent")
    fates = [(one["written"], one["number"], one["state"], one["price"]) for one in told["numbers"]]
    assert fates == [
        ("13800000000", "+8613800000000", "queued", 2),
        ("85251234567", "+85251234567", "queued", 4),
        ("13900000000", "+8613900000000", "blocked", 0),
        ("12345", None, "invalid", 0),
    ]
    assert [(one["number"], one["open"]) for one in told["routes"]] == [
        ("+8613800000000", {"simulator": 1}),
        ("+85251234567", {"simulator": 1}),
    ]
    before = us.balance(Customer("C1", ""))
    answer = send(us, "C1", **wanted)
    assert told["price"] == 6 == before - us.balance(Customer("C1", ""))
    sent = {(one["written"], one["price"]) for one in us.messages(submission=answer)}
    assert sent == {(written, price) for written, _, _, price in fates}


def test_every_keyword_with_its_place(us: Program) -> None:
    us.api("POST", "/keywords", json={"words": ["贷款"]})
    told = ask(us, "C1", text="视*频和贷款【测试】")
    assert [(hit["keyword"], hit["start"], hit["end"]) for hit in told["keywords"]] == [("视频", 0, 3), ("贷款", 4, 6)]


def test_the_command_and_what_cannot_be_explained(us: Program) -> None:
    told = run_cli(us.data, "message", "explain", "--account", "C1", "--to", "13800000000", "--text", "视频【测试】")
    assert told.returncode == 0 and "-12" in told.stdout and "视频 at characters 1 to 2" in told.stdout, told.stderr
    unknown = run_cli(us.data, "message", "explain", "--account", "nobody", "--to", "1", "--text", "x")
    assert unknown.returncode == 1 and "no account nobody" in unknown.stderr
    wrong = run_cli(
        us.data, "message", "explain", "--account", "C1", "--to", "1", "--text", "x", "--operation", "GetBalance"
    )
    assert wrong.returncode == 1 and "not an operation that sends" in wrong.stderr
