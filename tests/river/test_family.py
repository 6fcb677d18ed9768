"""The plain operations of the family over every transport, checked as their users check them (contract, section 4)."""

import json
import shutil
import subprocess
from collections.abc import Callable
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx
import pytest
from zeep import Client

from yizhan.model.operation import FAMILY, Action, Operation, find_operation

from .program import TEXT, Customer, Program, form, md5

NAMESPACE = "{http://tempuri.org/}"
SOAP = {
    "1.1": ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
    "1.2": ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
}


def by_aspx(program: Program, operation: str, values: dict[str, str]) -> str:
    """The bare value."""
    response = program.post(operation, form("gb18030", **values))
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=gb2312")
    return response.text


def by_asmx(method: str) -> Callable[[Program, str, dict[str, str]], str]:
    """The one element of the HTTP bindings of the web service."""

    def ask(program: Program, operation: str, values: dict[str, str]) -> str:
        body = form("gb18030", **values)
        url = f"{program.url}LinkWS.asmx/{operation}"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = (
            httpx.get(f"{url}?{body.decode()}") if method == "GET" else httpx.post(url, content=body, headers=headers)
        )
        assert (response.status_code, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        element = ET.fromstring(response.content)
        assert element.tag == f"{NAMESPACE}{row(operation).result}"
        return element.text or ""

    return ask


def by_soap(version: str) -> Callable[[Program, str, dict[str, str]], str]:
    """The result element, un-prefixed."""

    def ask(program: Program, operation: str, values: dict[str, str]) -> str:
        namespace, content_type = SOAP[version]
        fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
        envelope = (
            f'<s:Envelope xmlns:s="{namespace}"><s:Body><{operation} xmlns="http://tempuri.org/">{fields}'
            f"</{operation}></s:Body></s:Envelope>"
        )
        headers = {"content-type": content_type}
        response = httpx.post(f"{program.url}LinkWS.asmx", content=envelope.encode(), headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (200, content_type)
        assert f"<{operation}Result" in response.text
        result = ET.fromstring(response.content).find(f".//{NAMESPACE}{operation}Result")
        assert result is not None
        return result.text or ""

    return ask


def row(name: str) -> Operation:
    """The operation's row."""
    operation = find_operation(name)
    assert operation is not None
    return operation


WAYS = {
    "aspx": by_aspx,
    "asmx GET": by_asmx("GET"),
    "asmx POST": by_asmx("POST"),
    "SOAP 1.1": by_soap("1.1"),
    "SOAP 1.2": by_soap("1.2"),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=[way.replace(" ", "-") for way in WAYS])
Way = Callable[[Program, str, dict[str, str]], str]


def message(customer: Customer, **changes: str) -> dict[str, str]:
    """A call with the plain password."""
    call = {"CorpID": customer.corp_id, "Pwd": customer.password, "Mobile": "13800000000", "Content": TEXT}
    return {**call, "Cell": "", "SendTime": "", **changes}


@pytest.fixture(scope="module")
def plain(gateway: Program) -> Customer:
    """An account for many calls."""
    return gateway.account("plain", credit=1_000)


@every_way
@pytest.mark.parametrize("operation", ["Send", "BatchSend", "Send2", "BatchSend2"])
def test_sending(gateway: Program, plain: Customer, way: Way, operation: str) -> None:
    answer = way(gateway, operation, message(plain))
    newest = gateway.messages(account="plain")[0]
    assert answer == {"Send": "0", "BatchSend": "1"}.get(operation, str(newest["submission"]))
    assert newest["text"] == TEXT
    rows = gateway.query(f"SELECT operation FROM submissions WHERE client_id = {newest['submission']}")
    assert rows == [(operation,)]


@every_way
def test_batch_send_answers_the_id_where_the_account_wants_it(gateway: Program, way: Way) -> None:
    customer = gateway.account(f"batch-id-{id(way)}", credit=10)
    gateway.api("PATCH", f"/accounts/{customer.corp_id}", json={"batch_send_id": True})
    answer = way(gateway, "BatchSend", message(customer))
    assert int(answer) == gateway.messages(account=customer.corp_id)[0]["submission"]
    assert way(gateway, "Send", message(customer)) == "0", "the switch is BatchSend's alone"


PLAIN_CODES = {
    "no account": ({"CorpID": ""}, "-1"),
    "an unknown account": ({"CorpID": "nobody"}, "-1"),
    "no password": ({"Pwd": ""}, "-3"),
    "a wrong password": ({"Pwd": "wrong"}, "-3"),
    "the MD5 of a wrong password": ({"Pwd": md5("wrong")}, "-3"),
    "no number": ({"Mobile": ""}, "-9"),
    "no text": ({"Content": ""}, "-8"),
    "a long text": ({"Content": "字" * 297 + "【测试】"}, "-8"),
    "no signature": ({"Content": "无"}, "-7"),
    "a bad SendTime": ({"SendTime": "tomorrow"}, "-6"),
    "a SendTime in the past": ({"SendTime": "20200101000000"}, "-10"),
    "a bad Cell": ({"Cell": "x"}, "-2"),
    "only blocked numbers": ({"Mobile": "13700000099"}, "-11"),
}


@pytest.mark.parametrize("operation", ["Send", "BatchSend", "BatchSend2"])
@pytest.mark.parametrize("case", PLAIN_CODES.values(), ids=PLAIN_CODES.keys())
def test_plain_codes(gateway: Program, plain: Customer, operation: str, case: tuple[dict[str, str], str]) -> None:
    changes, code = case
    gateway.api("POST", "/numbers", json={"number": "13700000099", "account": "plain"})
    before = gateway.fingerprint()
    assert by_aspx(gateway, operation, message(plain, **changes)) == code
    assert by_soap("1.1")(gateway, operation, message(plain, **changes)) == code
    assert gateway.fingerprint() == before


def test_the_md5_is_accepted_in_place_of_the_password(gateway: Program, plain: Customer) -> None:
    assert by_aspx(gateway, "Send", message(plain, Pwd=md5(plain.password).upper())) == "0"


@every_way
def test_sel_sum_and_not_send(gateway: Program, way: Way) -> None:
    customer = gateway.account(f"sum-{id(way)}", credit=7)
    who = {"CorpID": customer.corp_id, "Pwd": customer.password}
    for number in ("13800000001", "+85291234567"):
        gateway.api("POST", "/numbers", json={"number": number, "account": customer.corp_id})
    assert way(gateway, "SelSum", who) == "7"
    assert way(gateway, "SelSum", who) == "-101"
    assert way(gateway, "NotSend", who) == "85291234567,13800000001", "an interval of its own"
    assert way(gateway, "NotSend", who) == "-101"


def test_nothing_blocked_is_an_empty_answer(gateway: Program) -> None:
    customer = gateway.account("unblocked", credit=7)
    who = {"CorpID": customer.corp_id, "Pwd": customer.password}
    assert by_soap("1.1")(gateway, "NotSend", who) == ""


@every_way
def test_hello_world(gateway: Program, way: Way) -> None:
    assert way(gateway, "HelloWorld", {}) == "Hello World"


@every_way
@pytest.mark.parametrize("operation", [row.name for row in FAMILY if row.action is Action.NOTHING])
def test_mms_and_voice_are_not_carried(gateway: Program, plain: Customer, way: Way, operation: str) -> None:
    assert way(gateway, operation, {"CorpID": plain.corp_id, "Pwd": plain.password}) == "-2"


@pytest.mark.parametrize("port", ["LinkWSSoap", "LinkWSSoap12"])
def test_zeep_sees_the_types(gateway: Program, plain: Customer, port: str) -> None:
    client = Client(f"{gateway.url}LinkWS.asmx?wsdl")  # type: ignore[no-untyped-call]
    service = client.bind("LinkWS", port)
    assert service.Send(**message(plain)) == 0
    assert service.BatchSend(**message(plain)) == 1
    assert int(service.BatchSend2(**message(plain))) > 100_000_000
    assert service.HelloWorld() == "Hello World"


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed (Debian: php-cli php-soap)")
def test_php_as_its_users_check(gateway: Program, plain: Customer) -> None:
    script = """
    $soap = new SoapClient($argv[1], ['cache_wsdl' => WSDL_CACHE_NONE]);
    $call = ['CorpID' => $argv[2], 'Pwd' => $argv[3], 'Mobile' => '13800000000', 'Content' => $argv[4]];
    $r = $soap->BatchSend2($call);
    $s = $soap->__soapCall('Send', [$call]);
    $x = file_get_contents($argv[5] . '/Send2?' . http_build_query($call));
    echo json_encode([intval($r->BatchSend2Result) > 0, $s->SendResult === 0,
        intval((string)simplexml_load_string($x)[0]) > 0]);
    """
    arguments = [f"{gateway.url}LinkWS.asmx?wsdl", plain.corp_id, plain.password, TEXT, f"{gateway.url}LinkWS.asmx"]
    done = subprocess.run(
        ["php", "-r", script, "--", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    if "undefined function simplexml" in done.stderr + done.stdout or 'Class "SoapClient" not found' in done.stderr:
        pytest.skip("PHP lacks an extension (Debian: php-soap php-xml)")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == [True, True, True]


def batch(customer: Customer, items: list[dict[str, str]], **changes: str) -> dict[str, str]:
    """A call of BatchContentSms."""
    call = {"CorpID": customer.corp_id, "Pwd": customer.password, "JsonString": json.dumps(items, ensure_ascii=False)}
    return {**call, **changes}


@every_way
def test_batch_content_sms(gateway: Program, way: Way) -> None:
    customer = gateway.account(f"content-{id(way)}", credit=3)
    items = [
        {"ID": "a", "Content": "一【测试】", "Mobile": "13800000000", "Cell": "", "SendTime": ""},
        {"ID": "b", "Content": "二【测试】", "Mobile": "", "Cell": "", "SendTime": ""},
        {"ID": "c", "Content": "三", "Mobile": "13800000000", "Cell": "", "SendTime": ""},
        {"ID": "d", "Content": "四【测试】", "Mobile": "13800000000,13900000000", "Cell": "7", "SendTime": ""},
        {"ID": "e", "Content": "五【测试】", "Mobile": "13800000000", "Cell": "", "SendTime": ""},
    ]
    answer = way(gateway, "BatchContentSms", batch(customer, items))
    assert " " not in answer
    results = {row["ID"]: row["Result"] for row in json.loads(answer)}
    assert list(results) == ["a", "b", "c", "d", "e"]
    assert (results["b"], results["c"], results["e"]) == ("-9", "-7", "-5"), "a and d have used the credit up"
    assert int(results["d"]) == int(results["a"]) + 1, "in order"
    assert [row["text"] for row in gateway.messages(submission=int(results["d"]))] == ["四【测试】"] * 2
    assert gateway.balance(customer) == 0


def test_batch_content_sms_fails_as_a_whole_at_the_gate_and_for_bad_json(gateway: Program, plain: Customer) -> None:
    items = [{"ID": "a", "Content": TEXT, "Mobile": "13800000000"}]
    before = gateway.fingerprint()
    assert by_aspx(gateway, "BatchContentSms", batch(plain, items, Pwd="wrong")) == "-3"
    assert by_aspx(gateway, "BatchContentSms", batch(plain, items, CorpID="")) == "-1"
    assert by_aspx(gateway, "BatchContentSms", batch(plain, items, JsonString="[{")) == "-2"
    assert by_aspx(gateway, "BatchContentSms", batch(plain, items * 1_001)) == "-2"
    assert gateway.fingerprint() == before
