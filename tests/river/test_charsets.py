"""One text in every way that programs are known to write it is stored as the same text (contract, section 2)."""

import shutil
import subprocess
from urllib.parse import quote

import pytest

from .program import TEXT, Program, md5

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

GB = TEXT.encode("gb2312")
HEAD = f"CorpID=demo&Pwd={md5('demo')}&Mobile=13800000000&Cell=&SendTime=&Content="
ESCAPED, RAW, UTF8 = quote(GB).encode(), GB, quote(TEXT).encode()
MIXED = quote("您的验证码是123456".encode("gb2312")).encode() + "【测试】".encode()
FORM = "Content-Type: application/x-www-form-urlencoded"

CASES = {
    "GET, GB2312 escaped": ("get", ESCAPED, []),
    "GET, raw GB2312 bytes in the URL": ("get", RAW, []),
    "GET, raw UTF-8 bytes in the URL": ("get", TEXT.encode(), []),
    "GET, escaped GB2312 with a raw UTF-8 signature": ("get", MIXED, []),
    "GET, escaped twice": ("get", quote(quote(GB)).encode(), []),
    "POST, GB2312 escaped": ("post", ESCAPED, ["-H", FORM]),
    "POST, raw GB2312 bytes": ("post", RAW, ["-H", FORM]),
    "POST, charset=gb2312": ("post", ESCAPED, ["-H", f"{FORM}; charset=gb2312"]),
    "POST, charset=utf-8": ("post", UTF8, ["-H", f"{FORM}; charset=utf-8"]),
    "POST, UTF-8 without saying so": ("post", UTF8, ["-H", FORM]),
    "POST, Expect: 100-continue": ("post", ESCAPED, ["-H", FORM, "-H", "Expect: 100-continue"]),
    "POST, HTTP/1.0": ("post", ESCAPED, ["-H", FORM, "--http1.0"]),
}


def curl(*arguments: str | bytes) -> bytes:
    """The whole answer, headers included."""
    done = subprocess.run(["curl", "-s", "-i", *arguments], capture_output=True, timeout=20, check=True)
    return done.stdout


@pytest.mark.parametrize(("method", "content", "options"), CASES.values(), ids=CASES.keys())
def test_the_same_text_is_stored(gateway: Program, method: str, content: bytes, options: list[str]) -> None:
    url = f"{gateway.url}IntlSend.aspx"
    if method == "get":
        answer = curl(url.encode() + b"?" + HEAD.encode() + content, *options)
    else:
        answer = curl("--data-binary", HEAD.encode() + content, *options, url)
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"content-type: text/html; charset=gb2312" in head
    assert body.isdigit()
    (message,) = gateway.messages(submission=int(body))
    assert message["text"] == TEXT
    assert message["number"] == "+8613800000000"


def test_the_utf8_path_means_utf8(gateway: Program) -> None:
    url = gateway.url.replace("/sdk2/", "/utf8/")
    answer = curl(
        "-F",
        f"Content={TEXT}",
        "-F",
        "CorpID=demo",
        "-F",
        f"Pwd={md5('demo')}",
        "-F",
        "Mobile=13800000000",
        f"{url}intlsend.ASPX",
    )
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"content-type: text/html; charset=utf-8" in head
    assert gateway.messages(submission=int(body))[0]["text"] == TEXT


def test_500_numbers_by_get(gateway: Program) -> None:
    numbers = ",".join(f"13{n:09d}" for n in range(500, 1000))
    url = gateway.url.encode() + b"IntlSend.aspx?" + HEAD.encode() + ESCAPED + b"&mobile=" + numbers.encode()
    body = curl(url.replace(b"Mobile=13800000000&", b"")).rpartition(b"\r\n\r\n")[2]
    assert body.isdigit(), body
    assert len(gateway.messages(submission=int(body))) == 500
