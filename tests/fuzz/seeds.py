"""Good requests to start from: one per operation and transport, and the vectors of tests/vectors.

A seed keeps apart what a call says, its payload, and the head around it, so that a spoilt payload is framed rightly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from urllib.parse import quote_from_bytes
from xml.sax.saxutils import escape

TEXT = "您的验证码是123456【测试】"
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=XX"
NAMESPACES = {
    "SOAP-1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "SOAP-1.2": "http://www.w3.org/2003/05/soap-envelope",
}
TRANSPORTS = ("aspx-GET", "aspx-POST", "asmx-GET", "asmx-POST", *NAMESPACES)

# Accounts of the program under fire: one for everyday calls, the others for calls that spoil their account.
EVERYDAY, CHANGING, LEAVING, AGENT = "acme", "changing", "leaving", "agent"
ACCOUNTS = (EVERYDAY, CHANGING, LEAVING, AGENT)
_SPOILT_BY = {"UpdPwd": CHANGING, "UpdReg": CHANGING, "UnReg": LEAVING}


def password_of(account: str) -> str:
    """The plain password."""
    return f"Pa55-{account}"


def account_for(operation: str) -> str:
    """The account that an operation may be tried on."""
    return _SPOILT_BY.get(operation, EVERYDAY)


def hash_of(account: str) -> str:
    """What IntlSend and GetBalance send as the password."""
    return md5(password_of(account).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Seed:
    """A good call. ``head`` has ``{query}`` where the payload of a GET belongs, else ``{type}`` and ``{length}``."""

    transport: str
    operation: str
    head: bytes
    payload: bytes
    content_type: bytes = b""

    def framed(self) -> bytes:
        """The whole request, whose length is right whatever the payload holds."""
        if b"{query}" in self.head:
            # A line break would end the request line, and what follows would be headers.
            query = self.payload.replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b"\0", b"%00")
            return self.head.replace(b"{query}", query)
        length = b"%d" % len(self.payload)
        return self.head.replace(b"{type}", self.content_type).replace(b"{length}", length) + self.payload

    def framed_to_close(self) -> bytes:
        """The same as the last request of its connection."""
        return self.framed().replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


def calls() -> Iterator[tuple[str, dict[str, str]]]:
    """Every kind of call that has something to read, with good values."""
    who = {"CorpID": EVERYDAY, "Pwd": password_of(EVERYDAY)}
    hashed = {**who, "Pwd": hash_of(EVERYDAY)}
    message = {"Mobile": "13800000000,+85291234567", "Content": TEXT, "Cell": "12", "SendTime": ""}
    items = '[{"ID":"7","Content":"你好【测试】","Mobile":"13800000000","Cell":"","SendTime":""},{"ID":"8"}]'
    profile = {"CorpName": "甲公司", "LinkMan": "李", "Tel": "1", "Mobile": "2", "Email": "a@b", "Memo": ""}
    changing = {"CorpID": CHANGING, "Pwd": password_of(CHANGING)}
    agent = {"LoginName": AGENT, "LoginPwd": password_of(AGENT)}
    yield "IntlSend", {**hashed, **message}
    yield "GetBalance", hashed
    for name in ("BatchSend2", "Send", "BatchSend"):
        yield name, {**who, **message}
    yield (
        "BatchSend2",
        {**who, **message, "SendTime": "20991231235959.123", "Mobile": "0086138 00000000，013800000001"},
    )
    yield "BatchContentSms", {**who, "JsonString": items}
    for name in ("SelSum", "Get", "GetReportSMS", "NotSend"):
        yield name, who
    yield "GetReportFail", {**who, "cell": "12"}
    yield "UpdPwd", {**changing, "NewPwd": password_of(CHANGING)}
    yield "UpdReg", {**changing, **profile}
    yield "Reg", {"CorpID": "新户", "Pwd": "secret", **profile}
    yield "UnReg", {"CorpID": LEAVING, "Pwd": password_of(LEAVING)}
    yield "ChargeUp", {**who, "CardNo": "1", "CardPwd": "2"}
    yield "AgentMakeAccount", {**agent, **profile, "CorpID": "child", "Pass": "secret"}
    yield "AgentChangeAccount", {**agent, "CorpID": "child", "SmsBalance": "1", "MmsBalance": "0"}
    yield "HelloWorld", {}
    yield "SendMMS", who


def seeds(transport: str) -> Iterator[Seed]:
    """The calls as ``transport`` carries them."""
    for name, values in calls():
        path = b"/sdk2/%b.aspx" % name.encode() if transport.startswith("aspx") else b"/sdk2/LinkWS.asmx"
        path += b"/%b" % name.encode() if transport.startswith("asmx") else b""
        post = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: {type}\r\nContent-Length: {length}\r\n\r\n" % path
        if transport in NAMESPACES:
            kind = b"text/xml; charset=utf-8" if transport == "SOAP-1.1" else b"application/soap+xml; charset=utf-8"
            yield Seed(transport, name, post, envelope(NAMESPACES[transport], name, values), kind)
            continue
        head = b"GET %b?{query} HTTP/1.1\r\nHost: a\r\n\r\n" % path if transport.endswith("GET") else post
        for codec, raw in (("gb18030", False), ("utf-8", False), ("gb18030", True)):
            yield Seed(transport, name, head, urlencoded(values, codec, raw=raw), FORM)
        if transport == "aspx-POST":
            yield Seed(transport, name, head, multipart(values), MULTIPART)


def urlencoded(values: dict[str, str], codec: str, *, raw: bool) -> bytes:
    """A query or a form; ``raw``: never percent-encoded, as many programs send it."""
    encoded = ((name.encode(), value.encode(codec)) for name, value in values.items())
    return b"&".join(
        b"%b=%b" % (name, value.replace(b" ", b"+") if raw else quote_from_bytes(value, safe="").encode())
        for name, value in encoded
    )


def multipart(values: dict[str, str]) -> bytes:
    """A multipart body in GB18030, divided by ``XX``."""
    part = b'--XX\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return b"".join(part % (name.encode(), value.encode("gb18030")) for name, value in values.items()) + b"--XX--\r\n"


def envelope(namespace: str, name: str, values: dict[str, str]) -> bytes:
    """A SOAP envelope."""
    inside = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in values.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{namespace}"><s:Body>'
        f'<{name} xmlns="http://tempuri.org/">{inside}</{name}></s:Body></s:Envelope>'
    ).encode()
