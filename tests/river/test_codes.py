"""Every code of the contract's table (section 5), over HTTP and SOAP, leaves balance, ledger and messages untouched."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx
import pytest

from yizhan.kit.clock import BEIJING

from .program import TEXT, Customer, Program, eventually, form, md5, running

BLOCKED_ADDRESS = "127.0.0.66"
OTHER_ADDRESS = "127.0.0.77"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with an account for each kind of trouble."""
    data: Path = tmp_path_factory.mktemp("codes") / "data"
    with running(data, YIZHAN_POLICY__MAX_NUMBERS="600") as program:
        for corp_id, credit, settings in (
            ("good", 1000, {}),
            ("poor", 1, {}),
            ("disabled", 10, {}),
            ("elsewhere", 10, {"allow_ips": [OTHER_ADDRESS]}),
            ("bound", 10, {"signature_rule": "bound", "signature": "【甲】"}),
        ):
            program.account(corp_id, credit, **settings)
        program.api("POST", "/accounts/disabled/disable")
        program.api("POST", "/keywords", json={"words": ["视频"]})
        program.api("POST", "/addresses", json={"network": BLOCKED_ADDRESS})
        program.api("POST", "/numbers", json={"number": "13911111111"})
        yield program


def good(**changes: str) -> dict[str, str]:
    """A call that would be accepted, with ``changes``."""
    call = {"CorpID": "good", "Pwd": md5("secret of good"), "Mobile": "13800000000", "Content": TEXT}
    return {**call, "Cell": "", "SendTime": "", **changes}


def of(corp_id: str, **changes: str) -> dict[str, str]:
    """The same from another account."""
    return good(CorpID=corp_id, Pwd=md5(f"secret of {corp_id}"), **changes)


@dataclass(frozen=True)
class Case:
    """What a program sends, and the code that the manual promises."""

    code: int
    values: dict[str, str] = field(default_factory=dict)
    operation: str = "IntlSend"
    source: str | None = None


PAST = (datetime.now(BEIJING) - timedelta(minutes=6)).strftime("%Y%m%d%H%M%S")
BALANCE = {"CorpID": "good", "Pwd": md5("secret of good")}

CASES = {
    "-1 account not registered": Case(-1, good(CorpID="nobody")),
    "-2 cell is not digits": Case(-2, good(Cell="12a")),
    "-2 cell is too long for the access number": Case(-2, good(Cell="1234567890123")),
    "-2 too many numbers": Case(-2, good(Mobile=",".join(f"138{n:08d}" for n in range(601)))),
    "-2 every number blocked": Case(-2, good(Mobile="13911111111,+8613911111111")),
    "-3 wrong password": Case(-3, good(Pwd=md5("wrong"))),
    "-5 balance too low": Case(-5, of("poor", Mobile="13800000000,13800000009")),
    "-6 SendTime is no time": Case(-6, good(SendTime="20260230120000")),
    "-6 SendTime has 13 digits": Case(-6, good(SendTime="2026022012000")),
    "-7 no signature": Case(-7, good(Content="您的验证码是123456")),
    "-7 square brackets are no signature": Case(-7, good(Content="您的验证码是123456[测试]")),
    "-7 a foreign signature": Case(-7, of("bound", Content="您好【乙】")),
    "-8 301 characters": Case(-8, good(Content="字" * 297 + "【测试】")),
    "-9 no number": Case(-9, good(Mobile="")),
    "-9 no valid number": Case(-9, good(Mobile="12345,abc")),
    "-10 SendTime in the past": Case(-10, good(SendTime=PAST)),
    "-12 keyword": Case(-12, good(Content="看视频【测试】")),
    "-12 hidden keyword": Case(-12, good(Content="看視*頻【测试】")),
    "-20 account empty": Case(-20, good(CorpID="")),
    "-21 password empty": Case(-21, good(Pwd="")),
    "-22 content empty": Case(-22, good(Content="")),
    "-23 password is no MD5": Case(-23, good(Pwd="secret of good")),
    "-100 address blocked": Case(-100, good(), source=BLOCKED_ADDRESS),
    "-102 account disabled": Case(-102, of("disabled")),
    "-103 address not on the allow-list": Case(-103, of("elsewhere")),
    "GetBalance -1": Case(-1, {**BALANCE, "CorpID": "nobody"}, "GetBalance"),
    "GetBalance -3": Case(-3, {**BALANCE, "Pwd": md5("wrong")}, "GetBalance"),
    "GetBalance -3 for what is no MD5": Case(-3, {**BALANCE, "Pwd": "plain"}, "GetBalance"),
    "GetBalance -20": Case(-20, {**BALANCE, "CorpID": ""}, "GetBalance"),
    "GetBalance -21": Case(-21, {**BALANCE, "Pwd": ""}, "GetBalance"),
    "GetBalance -100": Case(-100, BALANCE, "GetBalance", BLOCKED_ADDRESS),
    "GetBalance -101": Case(-101, {**BALANCE, "CorpID": "poor", "Pwd": md5("secret of poor")}, "GetBalance"),
    "GetBalance -102": Case(-102, {**BALANCE, "CorpID": "disabled", "Pwd": md5("secret of disabled")}, "GetBalance"),
    "GetBalance -103": Case(-103, {**BALANCE, "CorpID": "elsewhere", "Pwd": md5("secret of elsewhere")}, "GetBalance"),
}


def by_http(program: Program, case: Case) -> str:
    """The bare value of the .aspx function."""
    response = program.post(case.operation, form("gb18030", **case.values), case.source)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=gb2312"
    return response.text


def by_asmx(program: Program, case: Case) -> str:
    """The element of the asmx HTTP GET binding."""
    transport = httpx.HTTPTransport(local_address=case.source) if case.source else None
    with httpx.Client(transport=transport) as client:
        query = form("gb18030", **case.values).decode()
        response = client.get(f"{program.url}LinkWS.asmx/{case.operation}?{query}")
    assert response.status_code == 200
    element = ET.fromstring(response.content)
    assert element.tag == "{http://tempuri.org/}string"
    return element.text or ""


def by_soap(program: Program, case: Case) -> str:
    """The result element of SOAP 1.1."""
    fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in case.values.items())
    envelope = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<{case.operation} xmlns="http://tempuri.org/">{fields}</{case.operation}></soap:Body></soap:Envelope>'
    )
    transport = httpx.HTTPTransport(local_address=case.source) if case.source else None
    with httpx.Client(transport=transport) as client:
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"http://tempuri.org/{case.operation}"'}
        response = client.post(f"{program.url}LinkWS.asmx", content=envelope.encode(), headers=headers)
    assert response.status_code == 200, response.text
    result = ET.fromstring(response.content).find(f".//{{http://tempuri.org/}}{case.operation}Result")
    assert result is not None
    return result.text or ""


@pytest.mark.parametrize("ask", [by_http, by_asmx, by_soap])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_refused_call_costs_nothing_and_changes_nothing(guarded: Program, case: Case, ask: object) -> None:
    if case.code == -101:  # an answered call starts the interval; each transport counts for the same account
        by_http(guarded, case)
    before = guarded.fingerprint()
    assert callable(ask)
    assert ask(guarded, case) == str(case.code)
    assert guarded.fingerprint() == before


@pytest.mark.parametrize("ask", [by_http, by_asmx, by_soap])
def test_the_call_behind_all_cases_would_be_accepted(guarded: Program, ask: object) -> None:
    customer = Customer("good", "secret of good")
    before = guarded.balance(customer)
    assert callable(ask)
    assert int(ask(guarded, Case(0, good()))) >= 100_000_000
    assert guarded.balance(customer) == before - 1


def test_why_was_it_refused_has_an_answer(guarded: Program) -> None:
    by_http(guarded, CASES["-12 hidden keyword"])

    def keyword_refusals() -> list[dict[str, Any]]:
        refusals = guarded.api("GET", "/refusals", params={"limit": 1000})
        return [row for row in refusals if row["reject"] == "keyword"]

    found = eventually(keyword_refusals)
    assert found[0]["code"] == -12
    assert found[0]["hit"] == "视频"
    assert found[0]["account"] == "good"
    assert found[0]["address"] == "127.0.0.1"


def test_the_interval_is_the_accounts_own_and_a_refused_call_does_not_restart_it(guarded: Program) -> None:
    values = {"CorpID": "bound", "Pwd": md5("secret of bound")}
    assert by_http(guarded, Case(0, values, "GetBalance")) == "10"
    assert by_soap(guarded, Case(0, values, "GetBalance")) == "-101"
    assert by_asmx(guarded, Case(0, values, "GetBalance")) == "-101"
