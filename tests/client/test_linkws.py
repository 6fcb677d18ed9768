"""The client library on the wire: the exact bytes it writes, and what it makes of every kind of answer."""

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from yizhan.client.errors import MEANINGS, LinkWSError, NotLinkWS, Refused, Unreachable
from yizhan.client.linkws import Charset, Client, Fate, SliceResult

from .foreign import MD5_OF_SECRET, HangUp, Platform, Say, Stall

CREDENTIALS = f"CorpID=C1&Pwd={MD5_OF_SECRET}"


def connect(platform: Platform, **options: object) -> Client:
    return Client(platform.url, "C1", "secret", **options)  # type: ignore[arg-type]


def soap_answer(operation: str, value: str) -> bytes:
    """As ASMX writes it (contract, section 7)."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
        f'<{operation}Response xmlns="http://tempuri.org/"><{operation}Result>{value}</{operation}Result>'
        f"</{operation}Response></soap:Body></soap:Envelope>"
    ).encode()


def soap_fault(code: str) -> bytes:
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
        f"<faultcode>soap:{code}</faultcode><faultstring>出错了</faultstring><detail /></soap:Fault></soap:Body>"
        "</soap:Envelope>"
    ).encode()


class TestWritten:
    def test_a_send_in_gb2312(self, platform: Platform) -> None:
        platform.will_say(b"159653393")
        with connect(platform) as client:
            assert client.send(["13800000000", "+85212345678"], "您好 a&b=1+1【公司】", cell="7") == 159653393
        (heard,) = platform.heard
        assert heard.path == "/sdk2/IntlSend.aspx"
        assert heard.headers["content-type"] == "application/x-www-form-urlencoded; charset=gb2312"
        # 您 C4FA 好 BAC3 【 A1BE 公 B9AB 司 CBBE 】 A1BF in GB2312
        text = "%C4%FA%BA%C3+a%26b%3D1%2B1%A1%BE%B9%AB%CB%BE%A1%BF"
        assert heard.body.decode("ascii") == (
            f"{CREDENTIALS}&Mobile=13800000000%2C%2B85212345678&Content={text}&Cell=7&SendTime="
        )

    @pytest.mark.parametrize(
        "character, escaped",
        [
            pytest.param("中", "%D6%D0", id="GB2312"),
            pytest.param("镕", "%E9F", id="GBK, a second byte that is ASCII"),
            pytest.param("—", "%A1%AA", id="dash of code page 936"),
            pytest.param("·", "%A1%A4", id="dot of code page 936"),
            pytest.param("€", "%A2%E3", id="euro"),
            pytest.param("😀", "%949%FC6", id="outside GBK: GB18030"),
        ],
    )
    def test_characters_of_the_default_charset(self, platform: Platform, character: str, escaped: str) -> None:
        platform.will_say(b"1")
        with connect(platform) as client:
            client.send("13800000000", character)
        assert f"&Content={escaped}&".encode() in platform.heard[0].body

    def test_a_send_in_utf8(self, platform: Platform) -> None:
        platform.will_say(b"1")
        with connect(platform, charset=Charset.UTF8) as client:
            client.send(["13800000000"], "好", send_time="20300101000000")
        (heard,) = platform.heard
        assert heard.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
        assert heard.body == (
            f"{CREDENTIALS}&Mobile=13800000000&Content=%E5%A5%BD&Cell=&SendTime=20300101000000".encode()
        )

    def test_a_balance(self, platform: Platform) -> None:
        platform.will_say(b"0")
        with connect(platform) as client:
            assert client.balance() == 0
        assert platform.heard[0].path == "/sdk2/GetBalance.aspx"
        assert platform.heard[0].body == CREDENTIALS.encode()

    def test_a_send_by_soap(self, platform: Platform) -> None:
        platform.will_say(soap_answer("IntlSend", "159653394"))
        with connect(platform, soap=True) as client:
            assert client.send(["1", "2"], "<a> & 好\r\n【公司】", cell="7") == 159653394
        (heard,) = platform.heard
        assert heard.path == "/sdk2/LinkWS.asmx"
        assert heard.headers["content-type"] == "text/xml; charset=utf-8"
        assert heard.headers["soapaction"] == '"http://tempuri.org/IntlSend"'
        assert heard.body.decode() == (
            '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
            f'<soap:Body><IntlSend xmlns="http://tempuri.org/"><CorpID>C1</CorpID><Pwd>{MD5_OF_SECRET}</Pwd>'
            "<Mobile>1,2</Mobile><Content>&lt;a&gt; &amp; 好&#13;\n【公司】</Content><Cell>7</Cell>"
            "<SendTime></SendTime>"
            "</IntlSend></soap:Body></soap:Envelope>"
        )

    def test_a_balance_by_soap(self, platform: Platform) -> None:
        platform.will_say(soap_answer("GetBalance", "12"))
        with connect(platform, soap=True) as client:
            assert client.balance() == 12
        assert b"<GetBalance xmlns=" in platform.heard[0].body

    @pytest.mark.parametrize("soap", [False, True])
    def test_the_password_is_md5_of_utf8(self, platform: Platform, soap: bool) -> None:
        platform.will_say(soap_answer("GetBalance", "1") if soap else b"1")
        with Client(platform.url, "C1", "密码", soap=soap) as client:
            client.balance()
        assert b"a8105204604a0b11e916f3879aae3b0b" in platform.heard[0].body

    @pytest.mark.parametrize(
        "text", [pytest.param("\ud800", id="lone surrogate"), pytest.param("\x00", id="NUL, SOAP")]
    )
    def test_what_cannot_be_written_is_not_sent(self, platform: Platform, text: str) -> None:
        with (
            connect(platform, soap=text == "\x00") as client,
            pytest.raises(ValueError, match=r"surrogate|U\+0000|can't"),
        ):
            client.send(["13800000000"], text)
        assert platform.heard == []


@pytest.mark.parametrize(
    "tail, root",
    [
        pytest.param("/sdk2/", "/sdk2/", id="folder"),
        pytest.param("/sdk2", "/sdk2/", id="folder without slash"),
        pytest.param("/sdk2/LinkWS.asmx", "/sdk2/", id="web service"),
        pytest.param("/WS/linkws.ASMX?wsdl", "/WS/", id="WSDL, any case"),
        pytest.param("/sdk2/LinkWS.asmx/IntlSend", "/sdk2/", id="binding"),
        pytest.param("/sdk2/GetBalance.aspx", "/sdk2/", id="function"),
        pytest.param("", "/", id="bare host"),
        pytest.param("/a/b/utf8/", "/a/b/utf8/", id="longer prefix"),
    ],
)
@pytest.mark.parametrize("soap", [False, True])
def test_every_form_of_the_address(platform: Platform, tail: str, root: str, soap: bool) -> None:
    platform.will_say(soap_answer("GetBalance", "5") if soap else b"5")
    with Client(platform.url.removesuffix("/sdk2/") + tail, "C1", "secret", soap=soap) as client:
        assert client.balance() == 5
    assert platform.heard[0].path == root + ("LinkWS.asmx" if soap else "GetBalance.aspx")


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8080/sdk2/", "ftp://127.0.0.1/", "http://", "http://[::1/", "http://h:99999/"]
)
def test_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Client(url, "C1", "secret")


class TestAnswers:
    @pytest.mark.parametrize("code", sorted(MEANINGS))
    @pytest.mark.parametrize("soap", [False, True])
    def test_every_code_is_a_refusal_with_its_meaning(self, platform: Platform, code: int, soap: bool) -> None:
        platform.will_say(soap_answer("IntlSend", str(code)) if soap else str(code).encode())
        with connect(platform, soap=soap) as client, pytest.raises(Refused) as caught:
            client.send(["13800000000"], "x")
        assert (caught.value.code, caught.value.uncertain) == (code, False)
        assert str(caught.value) == f"{code} {MEANINGS[code].chinese} ({MEANINGS[code].english})"
        assert len(platform.heard) == 1

    def test_a_code_that_the_manual_does_not_name(self, platform: Platform) -> None:
        platform.will_say(b"-77")
        with connect(platform) as client, pytest.raises(Refused, match=r"^-77 "):
            client.balance()

    @pytest.mark.parametrize("body", [b"12\r\n", b" 12", b"\xef\xbb\xbf12"])
    def test_white_space_and_a_bom_are_forgiven(self, platform: Platform, body: bytes) -> None:
        platform.will_say(body)
        with connect(platform) as client:
            assert client.balance() == 12

    @pytest.mark.parametrize(
        "answer, uncertain, excerpt",
        [
            pytest.param(Say("<html>维护中</html>".encode("gb18030")), True, "<html>维护中</html>", id="a page"),
            pytest.param(Say(b""), True, "", id="nothing"),
            pytest.param(Say(b"1.5"), True, "1.5", id="a fraction"),
            pytest.param(Say("１２".encode()), True, "１２", id="digits that are not ASCII"),
            pytest.param(Say(b"0"), True, "0", id="zero, neither id nor code"),
            pytest.param(Say(b"1" * 11), True, "1" * 11, id="too large"),
            pytest.param(Say(b"x" * 70_000), True, "", id="endless"),
            pytest.param(Say(b"gone", 404), False, "gone", id="404"),
            pytest.param(Say(b"1", 502), True, "1", id="502"),
            pytest.param(Say(b"", 301, (("Location", "https://x.invalid/"),)), False, "", id="redirect"),
        ],
    )
    def test_what_no_platform_says(self, platform: Platform, answer: Say, uncertain: bool, excerpt: str) -> None:
        platform.will_say(answer)
        with connect(platform) as client, pytest.raises(NotLinkWS) as caught:
            client.send(["13800000000"], "x")
        assert (caught.value.uncertain, caught.value.excerpt) == (uncertain, excerpt)
        assert len(platform.heard) == 1

    @pytest.mark.parametrize(
        "answer, uncertain",
        [
            pytest.param(Say(soap_fault("Client"), 500), False, id="our fault"),
            pytest.param(Say(soap_fault("Server"), 500), True, id="their fault"),
            pytest.param(Say(b"<a><b></a>"), True, id="not well-formed"),
            pytest.param(Say(b"<a/>"), True, id="no result"),
            pytest.param(Say(soap_answer("GetBalance", "5")), True, id="another operation's result"),
            pytest.param(Say(soap_answer("IntlSend", "")), True, id="empty result"),
            pytest.param(Say(b'<!DOCTYPE a [<!ENTITY e "1">]><IntlSendResult>&e;</IntlSendResult>'), True, id="entity"),
            pytest.param(Say(b"<a>" * 5_000), True, id="deep"),
            pytest.param(
                Say(b'<?xml version="1.0" encoding="nope"?><IntlSendResult>1</IntlSendResult>'), True, id="charset"
            ),
            pytest.param(Say(b"12"), True, id="a bare number"),
            pytest.param(Say(b"x", 400), False, id="400"),
        ],
    )
    def test_what_no_web_service_says(self, platform: Platform, answer: Say, uncertain: bool) -> None:
        platform.will_say(answer)
        with connect(platform, soap=True) as client, pytest.raises(NotLinkWS) as caught:
            client.send(["13800000000"], "x")
        assert caught.value.uncertain is uncertain

    def test_any_prefix_and_soap12(self, platform: Platform) -> None:
        platform.will_say(
            b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><n:IntlSendResponse xmlns:n="x">'
            b"<n:IntlSendResult> 7 </n:IntlSendResult></n:IntlSendResponse></e:Body></e:Envelope>"
        )
        with connect(platform, soap=True) as client:
            assert client.send(["1"], "x") == 7


def read_request(client: socket.socket) -> None:
    """All of it: to close a connection with something unread resets it, and the answer may be lost."""
    data = b""
    while piece := client.recv(65_536):
        data += piece
        head, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            return


@contextlib.contextmanager
def talking_tls(cert: Path, key: Path) -> Iterator[str]:
    """The address of a platform behind TLS that answers 7 to everything."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = server.accept()
                    with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as client:
                        read_request(client)
                        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


class TestNetwork:
    def test_nobody_listens(self) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
            with Client(f"http://127.0.0.1:{reserved.getsockname()[1]}/", "C1", "secret") as client:
                with pytest.raises(Unreachable, match=r"cannot be reached: 127\.0\.0\.1:") as caught:
                    client.send(["1"], "x")
                assert not caught.value.uncertain

    def test_https_where_http_is_spoken(self, platform: Platform) -> None:
        words = "does not speak TLS there; http:// may be meant"
        url = platform.url.replace("http://", "https://")
        with Client(url, "C1", "secret") as client, pytest.raises(Unreachable, match=words) as caught:
            client.send(["1"], "x")
        assert not caught.value.uncertain

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with the openssl command")
    def test_a_certificate_that_nobody_signed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=here"
        names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
        subprocess.run([*command.split(), *names], check=True, capture_output=True)
        with talking_tls(cert, key) as url:
            with Client(url, "C1", "secret") as client, pytest.raises(Unreachable) as caught:
                client.send(["1"], "x")
            assert "its certificate is not trusted: self" in str(caught.value)
            assert "SSL_CERT_FILE" in str(caught.value)
            assert not caught.value.uncertain
            monkeypatch.setenv("SSL_CERT_FILE", str(cert))
            with Client(url, "C1", "secret") as client:
                assert client.balance() == 7

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            pytest.param("SSL_CERT_FILE", "does-not-exist.pem", id="certificates"),
            pytest.param("HTTP_PROXY", "nonsense://127.0.0.1:1", id="proxy"),
            pytest.param("HTTP_PROXY", "http://127.0.0.1:port", id="proxy that is no address"),
        ],
    )
    def test_an_environment_that_cannot_be_used(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(Unreachable, match=name) as caught:
            Client("http://127.0.0.1:1/", "C1", "secret")
        assert not caught.value.uncertain

    @pytest.mark.parametrize("silence", [HangUp(), Stall()])
    def test_a_lost_answer_is_uncertain_and_never_tried_again(
        self, platform: Platform, silence: HangUp | Stall
    ) -> None:
        platform.will_say(silence, b"159653393")
        with connect(platform, timeout_s=0.3) as client, pytest.raises(Unreachable) as caught:
            client.send(["13800000000"], "x")
        assert caught.value.uncertain
        assert len(platform.heard) == 1

    @pytest.mark.parametrize("operation, tries", [("balance", 2), ("send", 1)])
    def test_only_a_balance_is_tried_again_without_a_connection(self, operation: str, tries: int) -> None:
        """A port that hangs up in the middle of the TLS handshake: nothing of a call can have been heard."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            accepted = []

            def hang_up() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        accepted.append(connection.recv(1))
                        connection.close()

            thread = threading.Thread(target=hang_up)
            thread.start()
            with Client(f"https://127.0.0.1:{server.getsockname()[1]}/", "C1", "secret") as client:
                with pytest.raises(Unreachable) as caught:
                    client.balance() if operation == "balance" else client.send(["1"], "x")
                assert not caught.value.uncertain
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
        assert len(accepted) == tries


class TestSendAll:
    NUMBERS = tuple(f"138{n:08d}" for n in range(12))

    def run(self, platform: Platform, *answers: bytes | Say | HangUp) -> list[SliceResult]:
        platform.will_say(*answers)
        seen: list[SliceResult] = []
        with connect(platform) as client:
            results = client.send_all(self.NUMBERS, "x", cell="9", slice=5, progress=seen.append)
        assert seen == [result for result in results if result.fate is not Fate.NOT_TRIED]
        assert [number for result in results for number in result.numbers] == list(self.NUMBERS)
        return results

    def test_every_slice_is_one_call(self, platform: Platform) -> None:
        results = self.run(platform, b"11", b"12", b"13")
        assert [(result.fate, result.id, len(result.numbers)) for result in results] == [
            (Fate.ACCEPTED, 11, 5),
            (Fate.ACCEPTED, 12, 5),
            (Fate.ACCEPTED, 13, 2),
        ]
        forms = [parse_qs(heard.body.decode()) for heard in platform.heard]
        assert [form["Mobile"][0] for form in forms] == [",".join(self.NUMBERS[n : n + 5]) for n in (0, 5, 10)]
        assert {form["Cell"][0] for form in forms} == {"9"}

    @pytest.mark.parametrize(
        "failure, fate, error",
        [
            pytest.param(b"-5", Fate.REFUSED, Refused, id="refused"),
            pytest.param(Say(b"", 404), Fate.REFUSED, NotLinkWS, id="not taken"),
            pytest.param(HangUp(), Fate.UNCERTAIN, Unreachable, id="answer lost"),
            pytest.param(Say(b"", 502), Fate.UNCERTAIN, NotLinkWS, id="gateway trouble"),
        ],
    )
    def test_a_failure_in_the_middle_stops(
        self, platform: Platform, failure: bytes | Say | HangUp, fate: Fate, error: type[LinkWSError]
    ) -> None:
        results = self.run(platform, b"11", failure, b"13")
        assert [result.fate for result in results] == [Fate.ACCEPTED, fate, Fate.NOT_TRIED]
        assert isinstance(results[1].error, error)
        assert len(platform.heard) == 2

    def test_five_hundred_a_call(self, platform: Platform) -> None:
        platform.will_say(b"1", b"2")
        with connect(platform) as client:
            results = client.send_all([f"138{n:08d}" for n in range(501)], "x")
        assert [len(result.numbers) for result in results] == [500, 1]

    def test_a_slice_holds_something(self, platform: Platform) -> None:
        with connect(platform) as client, pytest.raises(ValueError, match="at least 1"):
            client.send_all(["1"], "x", slice=0)
