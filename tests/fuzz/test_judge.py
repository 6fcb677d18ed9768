"""The judge itself: what it lets through and, since a judge that nods proves nothing, what it must not."""

import pytest

from .framing import Outside
from .judge import judge_stream

SPACE = "http://schemas.xmlsoap.org/soap/envelope/"
PLAIN = "text/plain; charset=utf-8"
CLOSE = "connection: close\r\n"
BARE_LF = "Lines must end with CR LF.\n"


def answer(body: str, kind: str = "text/html; charset=gb2312", status: str = "200 OK", more: str = "") -> bytes:
    """One answer, framed rightly."""
    raw = body.encode("gbk" if kind.endswith("gb2312") else "utf-8")
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\n{more}\r\n".encode() + raw


def soap(inner: str, status: str = "200 OK") -> bytes:
    """A SOAP 1.1 answer or fault."""
    return answer(
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SPACE}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>",
        "text/xml; charset=utf-8",
        status,
    )


def element(kind: str, value: str) -> bytes:
    """An answer of the asmx GET/POST binding."""
    return answer(
        f'<?xml version="1.0" encoding="utf-8"?>\r\n<{kind} xmlns="http://tempuri.org/">{value}</{kind}>',
        "text/xml; charset=utf-8",
    )


def fault(code: str, status: str) -> bytes:
    """A SOAP 1.1 fault."""
    inner = f"<faultcode>soap:{code}</faultcode><faultstring>why</faultstring><detail />"
    return soap(f"<soap:Fault>{inner}</soap:Fault>", status)


def result(operation: str, value: str) -> bytes:
    """A SOAP 1.1 answer."""
    inner = f"<{operation}Result>{value}</{operation}Result>"
    return soap(f'<{operation}Response xmlns="http://tempuri.org/">{inner}</{operation}Response>')


REPORT = "100000001$$$$$13800000000$$$$$2026-01-01 00:00:00$$$$$1$$$$$DELIVRD$$$$$2026-01-01 00:00:01|||"
GOOD = {
    "an id": ("IntlSend", answer("100000001")),
    "a code": ("IntlSend", answer("-23")),
    "an int element": ("Send", element("int", "0")),
    "a SOAP result": ("Send", result("BatchSend2", "100000001")),
    "a reply": ("Get", answer("||13800000000#好#2026-01-01 00:00:00#12")),
    "a report": ("GetReportSMS", answer(REPORT * 2)),
    "no failures": ("GetReportFail", answer("全部正确提交,无错误返回报告")),
    "results": ("BatchContentSms", answer('[{"ID":"7","Result":"-9"},{"ID":"","Result":"100000001"}]')),
    "nothing": ("Get", answer("")),
    "two answers": ("Send", answer("0") + answer("-1")),
    "a refusal": ("Send", answer(BARE_LF, PLAIN, "400 Bad Request", CLOSE)),
    "a fault": ("Send", fault("Client", "400 Bad Request")),
    "a fault of 500": ("Send", fault("MustUnderstand", "500 Internal Server Error")),
    "no such page": ("Send", answer("There is no such operation.\n", PLAIN, "404 Not Found")),
}
BAD = {
    "no code of ours": ("IntlSend", answer("-4")),
    "a code of the other dialect": ("BatchSend2", answer("-22")),
    "no -11 for IntlSend": ("IntlSend", answer("-11")),
    "a typographic minus": ("IntlSend", answer("–1", "text/html; charset=utf-8")),
    "a leading zero": ("IntlSend", answer("0100000001")),
    "a plus": ("IntlSend", answer("+100000001")),
    "beyond int32": ("IntlSend", answer("2147483648")),
    "no id": ("IntlSend", answer("0")),
    "an id for Send": ("Send", answer("100000001")),
    "a newline behind the value": ("Send", answer("0\n")),
    "empty for a count": ("SelSum", answer("")),
    "a string where an int belongs": ("Send", element("string", "0")),
    "a reply of three fields": ("Get", answer("||13800000000#好#2026-01-01 00:00:00")),
    "a report cut short": ("GetReportSMS", answer(REPORT[:-1])),
    "JSON with spaces": ("BatchContentSms", answer('[{"ID": "7", "Result": "-9"}]')),
    "JSON with a strange code": ("BatchContentSms", answer('[{"ID":"7","Result":"-4"}]')),
    "an unescaped mark": ("Get", result("Get", "||13800000000#&#2026-01-01 00:00:00#")),
    "a forbidden character": ("Get", result("Get", "||13800000000#\x01#2026-01-01 00:00:00#")),
    "an unknown operation": ("Send", result("Nothing", "0")),
    "a fault of the server's": ("Send", fault("Server", "500 Internal Server Error")),
    "a fault with 200": ("Send", fault("Client", "200 OK")),
    "a mismatch with 400": ("Send", fault("VersionMismatch", "400 Bad Request")),
    "something behind the end": ("Send", answer("0", more=CLOSE) + answer("0")),
    "a body too long": ("Send", answer("0") + b"0"),
    "a body too short": ("Send", answer("0")[:-1]),
    "two lengths": ("Send", answer("0", more="content-length: 1\r\n")),
    "chunks": ("Send", answer("0", more="transfer-encoding: chunked\r\n")),
    "a strange status": ("Send", answer("Bad Gateway\n", PLAIN, "502 Bad Gateway")),
    "a strange 500": (
        "Send",
        answer("Internal Server Error", PLAIN, "500 Internal Server Error"),
    ),
    "a refusal in other words": ("Send", answer("Invalid request.\n", PLAIN, "400 Bad Request", CLOSE)),
    "a refusal that goes on": (
        "Send",
        answer(BARE_LF, PLAIN, "400 Bad Request"),
    ),
    "a page with a script": (
        "Send",
        answer('<!DOCTYPE html>\n<html lang="en"><script></html>\n', "text/html; charset=utf-8"),
    ),
    "not in its charset": (
        "Get",
        answer("x").replace(b"x", b"\xff"),
    ),
    "an interim answer nobody asked for": ("Send", b"HTTP/1.1 100 Continue\r\n\r\n" + answer("0")),
}


@pytest.mark.parametrize(("operation", "stream"), GOOD.values(), ids=GOOD.keys())
def test_the_closed_set(operation: str, stream: bytes) -> None:
    judge_stream(stream, {operation})


@pytest.mark.parametrize(("operation", "stream"), BAD.values(), ids=BAD.keys())
def test_outside(operation: str, stream: bytes) -> None:
    with pytest.raises(Outside):
        judge_stream(stream, {operation})
