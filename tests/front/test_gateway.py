"""The bindings of the contract, over real sockets: what comes in reaches the river, what it says comes out."""

from urllib.parse import quote_from_bytes

import pytest

from yizhan.model.call import Transport
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import ServerSettings

from .harness import NotebookRiver, Served, serving

TEXT = "您的验证码是1234，请勿告诉他人【驿站】"
GB = TEXT.encode("gb18030")
GB_ESCAPED = quote_from_bytes(GB).encode()
UTF8_ESCAPED = quote_from_bytes(TEXT.encode()).encode()

SOAP11 = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    '<soap:Body><{op} xmlns="http://tempuri.org/"><CorpID>LKSDK</CorpID><Content>' + TEXT + "</Content></{op}>"
    "</soap:Body></soap:Envelope>"
)
SOAP12 = SOAP11.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """A GET (or the like) of ``target``."""
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method, target), b"Host: sms.example:8080", *headers, b"", b""])


def post(target: bytes, body: bytes, content_type: bytes = b"application/x-www-form-urlencoded", *more: bytes) -> bytes:
    """A POST of ``body`` to ``target``."""
    length = b"Content-Length: %d" % len(body)
    return get(target, b"Content-Type: " + content_type, length, *more, method=b"POST") + body


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(get(b"/sdk2/IntlSend.aspx?CorpID=LKSDK&Content=" + GB_ESCAPED), id="get, escaped GB2312"),
        pytest.param(get(b"/sdk2/IntlSend.aspx?CorpID=LKSDK&Content=" + GB), id="get, raw GB2312"),
        pytest.param(get(b"/sdk2/IntlSend.aspx?CorpID=LKSDK&Content=" + TEXT.encode()), id="get, raw UTF-8"),
        pytest.param(
            get(b"/sdk2/IntlSend.aspx?CorpID=LKSDK&Content=" + GB_ESCAPED[:-24] + "【驿站】".encode()),
            id="get, escaped GB2312 and a raw UTF-8 signature",
        ),
        pytest.param(get(b"/utf8/IntlSend.aspx?CorpID=LKSDK&Content=" + UTF8_ESCAPED), id="get, utf8 path"),
        pytest.param(get(b"/INTLSEND.ASPX?corpid=LKSDK&CONTENT=" + GB_ESCAPED), id="any case, no prefix"),
        pytest.param(get(b"/a/b/c/intlsend.aspx??CorpID=LKSDK&Content=" + GB), id="deep prefix, two question marks"),
        pytest.param(get(b"http://h/ws/IntlSend.aspx?CorpID=LKSDK&Content=" + GB), id="absolute form"),
        pytest.param(post(b"/sdk2/IntlSend.aspx", b"CorpID=LKSDK&Content=" + GB_ESCAPED), id="post, escaped GB2312"),
        pytest.param(post(b"/sdk2/IntlSend.aspx", b"CorpID=LKSDK&Content=" + GB), id="post, raw GB2312"),
        pytest.param(
            post(
                b"/sdk2/IntlSend.aspx",
                b"CorpID=LKSDK&Content=" + UTF8_ESCAPED,
                b"application/x-www-form-urlencoded; charset=utf-8",
            ),
            id="post, charset=utf-8",
        ),
        pytest.param(post(b"/sdk2/IntlSend.aspx?CorpID=LKSDK&Content=" + GB, b""), id="post, all in the query"),
        pytest.param(post(b"/sdk2/IntlSend.aspx?CorpID=LKSDK", b"Content=" + GB), id="post, merged"),
        pytest.param(post(b"/sdk2/IntlSend.aspx?CorpID=LKSDK", b"CorpID=X&Content=" + GB), id="the query wins"),
        pytest.param(
            post(
                b"/sdk2/IntlSend.aspx",
                b'--B\r\nContent-Disposition: form-data; name="CorpID"\r\n\r\nLKSDK\r\n'
                b'--B\r\nContent-Disposition: form-data; name="Content"\r\n\r\n' + GB + b"\r\n--B--\r\n",
                b"multipart/form-data; boundary=B",
            ),
            id="multipart",
        ),
    ],
)
def test_aspx_reaches_the_river(served: Served, request_bytes: bytes) -> None:
    (answer,) = served.ask(request_bytes)
    charset = "utf-8" if b"/utf8/" in request_bytes else "gb2312"
    assert (answer.status, answer.body) == (200, b"100000001")
    assert answer.headers["content-type"] == f"text/html; charset={charset}"
    assert "server" not in answer.headers
    (call,) = served.river.calls
    assert (call.operation.name, call.transport, call.address) == ("IntlSend", Transport.ASPX, "127.0.0.1")
    assert (call.value("CorpID"), call.value("Content")) == ("LKSDK", TEXT)


@pytest.mark.parametrize(
    ("request_bytes", "transport", "body"),
    [
        pytest.param(get(b"/GetBalance.aspx?CorpID=1"), Transport.ASPX, b"12345", id="aspx"),
        pytest.param(
            get(b"/sdk2/linkWS.asmx/getbalance?CorpID=1"),
            Transport.ASMX,
            b'<?xml version="1.0" encoding="utf-8"?>\r\n<string xmlns="http://tempuri.org/">12345</string>',
            id="asmx get",
        ),
        pytest.param(
            post(b"/sdk2/LinkWS.asmx/GetBalance?CorpID=X", b"CorpID=1"),
            Transport.ASMX,
            b'<?xml version="1.0" encoding="utf-8"?>\r\n<string xmlns="http://tempuri.org/">12345</string>',
            id="asmx post, the form wins",
        ),
    ],
)
def test_balance_is_whole(served: Served, request_bytes: bytes, transport: Transport, body: bytes) -> None:
    (answer,) = served.ask(request_bytes)
    assert (answer.status, answer.body) == (200, body)
    (call,) = served.river.calls
    assert (call.operation.name, call.transport, call.value("corpid")) == ("GetBalance", transport, "1")


@pytest.mark.parametrize(
    ("envelope", "content_type", "transport"),
    [
        pytest.param(SOAP11, b"text/xml; charset=utf-8", Transport.SOAP11, id="1.1"),
        pytest.param(SOAP12, b"application/soap+xml; charset=utf-8", Transport.SOAP12, id="1.2"),
        pytest.param(SOAP11, b"text/plain", Transport.SOAP11, id="1.1 under an odd type"),
    ],
)
def test_soap_reaches_the_river(served: Served, envelope: str, content_type: bytes, transport: Transport) -> None:
    body = envelope.format(op="IntlSend").encode()
    (answer,) = served.ask(post(b"/sdk2/LinkWS.asmx?wsdl", body, content_type, b'SOAPAction: ""'))
    assert answer.status == 200
    assert b"<IntlSendResult>100000001</IntlSendResult>" in answer.body
    wanted = "application/soap+xml" if transport is Transport.SOAP12 else "text/xml"
    assert answer.headers["content-type"] == f"{wanted}; charset=utf-8"
    (call,) = served.river.calls
    assert (call.transport, call.value("CorpID"), call.value("Content")) == (transport, "LKSDK", TEXT)


def test_the_action_decides_when_the_body_does_not(served: Served) -> None:
    body = SOAP11.format(op="Whatever").encode()
    (answer,) = served.ask(post(b"/LinkWS.asmx", body, b"text/xml", b'SOAPAction: "http://tempuri.org/GetBalance"'))
    assert b"<GetBalanceResult>12345</GetBalanceResult>" in answer.body


@pytest.mark.parametrize(
    "reject", [pytest.param(Reject.KEYWORD, id="keyword"), pytest.param(Reject.BALANCE_TOO_LOW, id="balance")]
)
def test_a_refusal_is_a_code_in_every_binding(served: Served, reject: Reject) -> None:
    code = {Reject.KEYWORD: b"-12", Reject.BALANCE_TOO_LOW: b"-5"}[reject]
    served.river.submission = Refusal(reject)
    answers = served.ask(
        get(b"/IntlSend.aspx?CorpID=1"),
        get(b"/LinkWS.asmx/IntlSend?CorpID=1"),
        post(b"/LinkWS.asmx", SOAP11.format(op="IntlSend").encode(), b"text/xml"),
        count=3,
    )
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].body == code
    assert b">%b</string>" % code in answers[1].body
    assert b"<IntlSendResult>%b</IntlSendResult>" % code in answers[2].body


def test_an_error_of_ours_is_minus_two_and_one_masked_log_line(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    served.river.error = RuntimeError("could not store 13800000000 您的验证码")
    answers = served.ask(
        get(b"/IntlSend.aspx?CorpID=1&Pwd=secret"),
        get(b"/LinkWS.asmx/GetBalance?CorpID=1"),
        post(b"/LinkWS.asmx", SOAP11.format(op="GetBalance").encode(), b"text/xml"),
        count=3,
    )
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].body == b"-2"
    assert b">-2<" in answers[1].body
    assert b"<GetBalanceResult>-2</GetBalanceResult>" in answers[2].body
    captured = capfd.readouterr()
    lines = [line for line in (captured.out + captured.err).splitlines() if "call_failed" in line]
    assert len(lines) == 3
    assert all("RuntimeError" in line and "harness.py" in line for line in lines)
    assert not any(secret in line for line in lines for secret in ("13800000000", "验证码", "secret"))


@pytest.mark.parametrize(
    ("request_bytes", "status", "part"),
    [
        pytest.param(get(b"/sdk2/Nothing.aspx"), 404, b"", id="unknown aspx"),
        pytest.param(get(b"/"), 404, b"", id="root"),
        pytest.param(get(b"/sdk2/LinkWS2.asmx"), 404, b"", id="another service"),
        pytest.param(get(b"/sdk2/LinkWS.asmx/a/b"), 404, b"", id="below a method"),
        pytest.param(get(b"/" + b"a" * 2000 + b"/IntlSend.aspx"), 404, b"", id="endless path"),
        pytest.param(get(b"/%C4%E3%", b"X: y"), 404, b"", id="broken escape in the path"),
        pytest.param(get(b"/x.aspx", method=b"DELETE"), 405, b"GET, HEAD or POST", id="delete, unknown path"),
        pytest.param(get(b"/IntlSend.aspx", method=b"DELETE"), 405, b"GET, HEAD or POST", id="delete"),
        pytest.param(get(b"/LinkWS.asmx", method=b"OPTIONS"), 405, b"GET, HEAD or POST", id="options"),
        pytest.param(get(b"/IntlSend.aspx", method=b"BREW"), 405, b"GET, HEAD or POST", id="unknown method"),
        pytest.param(get(b"h:1", method=b"CONNECT"), 405, b"GET, HEAD or POST", id="connect"),
        pytest.param(
            get(b"/LinkWS.asmx/Nothing"), 500, b"Nothing Web Service method name is not valid.", id="unknown method"
        ),
        pytest.param(get(b"/LinkWS.asmx"), 200, b"GetBalance", id="help page"),
        pytest.param(get(b"/LinkWS.asmx/"), 200, b"GetBalance", id="help page with a slash"),
        pytest.param(get(b"/LinkWS.asmx?OP=intlsend"), 200, b"SendTime", id="operation page"),
        pytest.param(get(b"/LinkWS.asmx?op=Nothing"), 200, b"GetBalance", id="unknown operation page"),
        pytest.param(get(b"/LinkWS.asmx?op=%C4%"), 200, b"GetBalance", id="broken operation page"),
        pytest.param(get(b"/LinkWS.asmx?disco"), 200, b"discovery", id="discovery"),
        pytest.param(get(b"/LinkWS.asmx?WSDL"), 200, b"definitions", id="wsdl"),
        pytest.param(post(b"/LinkWS.asmx", b"<a>"), 400, b"soap:Client", id="malformed SOAP"),
        pytest.param(post(b"/LinkWS.asmx", b""), 400, b"soap:Client", id="empty SOAP"),
        pytest.param(
            post(b"/LinkWS.asmx", SOAP11.format(op="Nothing").encode()),
            500,
            b"soap:Client",
            id="unknown SOAP operation",
        ),
    ],
)
def test_paths_and_methods(served: Served, request_bytes: bytes, status: int, part: bytes) -> None:
    (answer,) = served.ask(request_bytes)
    assert answer.status == status
    assert part in answer.body
    assert ("allow" in answer.headers) == (status == 405)
    assert served.river.calls == []


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(b"/IntlSend.aspx?CorpID=1", id="aspx"),
        pytest.param(b"/LinkWS.asmx/IntlSend?CorpID=1", id="method"),
        pytest.param(b"/LinkWS.asmx?wsdl", id="wsdl"),
    ],
)
def test_head_executes_nothing(served: Served, target: bytes) -> None:
    # The GET behind it shows that the connection stayed in step: HEAD has no body, whatever its length says.
    with served.connect() as client:
        client.sendall(get(target, method=b"HEAD") + get(b"/none", b"Connection: close"))
        received = client.makefile("rb").read()
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: " in head
    assert rest.startswith(b"HTTP/1.1 404")
    assert served.river.calls == []


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        pytest.param([b"Host: sms.example:8080"], b"http://sms.example:8080", id="host"),
        pytest.param([b"Host: [::1]:8080"], b"http://[::1]:8080", id="IPv6 host"),
        pytest.param([b'Host: a"><script>'], b"http://127.0.0.1:", id="injected host"),
        pytest.param([b"Host: a b"], b"http://127.0.0.1:", id="host with a space"),
        pytest.param([], b"http://127.0.0.1:", id="no host"),
        pytest.param(
            [b"Host: a", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: b"], b"http://a", id="no trusted proxy"
        ),
    ],
)
def test_the_wsdl_names_the_address_that_was_called(served: Served, headers: list[bytes], address: bytes) -> None:
    (answer,) = served.ask(b"\r\n".join([b"GET /Some/ws/linkws.asmx?wsdl HTTP/1.1", *headers, b"", b""]))
    assert answer.status == 200
    assert b'location="' + address in answer.body
    assert b"/Some/ws/linkws.asmx" in answer.body
    assert b"script" not in answer.body


def test_behind_a_trusted_proxy() -> None:
    settings = ServerSettings.model_validate({"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]})
    forwarded = (
        b"X-Forwarded-For: 192.0.2.1, 198.51.100.7:4711",
        b"X-Forwarded-For: 10.1.1.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: sms.example",
    )
    with serving(settings) as served:
        answers = served.ask(get(b"/GetBalance.aspx", *forwarded), get(b"/ws/LinkWS.asmx?wsdl", *forwarded), count=2)
        assert isinstance(served.river, NotebookRiver)
        assert served.river.calls[0].address == "198.51.100.7"
    assert b'location="https://sms.example/ws/LinkWS.asmx' in answers[1].body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_leaves_in_one_piece(served: Served, method: str) -> None:
    with served.connect() as client:
        client.sendall(f"{method} /sdk2/GetBalance.aspx?CorpID=a&Pwd=b HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == (b"12345" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/livez", "ok", id="alive"),
        pytest.param("/readyz", "ok", id="ready"),
        pytest.param("/readyz?verbose", "ok", id="nothing to tell"),
    ],
)
def test_probes(served: Served, path: str, body: str) -> None:
    (answer,) = served.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (answer.status, answer.body.decode().strip()) == (200, body)
    assert served.river.calls == []
