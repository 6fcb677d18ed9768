"""The pytest plugin, as a program's own tests use it."""

import time

import httpx
import pytest

from yizhan.testing import SmsInbox

from .program import form, md5, run_cli


def send(inbox: SmsInbox, to: str, text: str) -> None:
    """What the program under test does."""
    body = form(
        "gb18030", CorpID=inbox.account, Pwd=md5(inbox.password), Mobile=to, Content=text, Cell="77", SendTime=""
    )
    answer = httpx.post(
        f"{inbox.url}IntlSend.aspx", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert int(answer.text) > 0, answer.text


def test_a_code_arrives(sms_inbox: SmsInbox) -> None:
    send(sms_inbox, "13800000000", "您的验证码是804213【测试】")
    assert sms_inbox.wait_for_code("13800000000") == "804213"


def test_each_message_is_given_out_once_and_in_order(sms_inbox: SmsInbox) -> None:
    for code in ("1111", "2222", "3333"):
        send(sms_inbox, "13800000010", f"验证码{code}【测试】")
    assert sms_inbox.wait_for_code("+86 138 0000 0010", match="2222") == "2222"
    assert [sms_inbox.wait_for_code("13800000010") for _ in range(2)] == ["1111", "3333"]
    begun_s = time.monotonic()
    with pytest.raises(AssertionError, match=r"no message for 13800000010 came within 0\.2 s"):
        sms_inbox.wait_for("13800000010", timeout_s=0.2)
    assert time.monotonic() - begun_s >= 0.2


def test_a_long_message_is_joined(sms_inbox: SmsInbox) -> None:
    text = "长" * 140 + "【测试】"
    send(sms_inbox, "13800000011", text)
    message = sms_inbox.wait_for("13800000011")
    assert (message.to, message.text, message.sender[-2:], message.code) == ("+8613800000011", text, "77", None)
    with pytest.raises(AssertionError, match="there is no code in"):
        send(sms_inbox, "13800000011", "您好【测试】")
        sms_inbox.wait_for_code("13800000011")


@pytest.mark.parametrize(
    ("ending", "arrives"),
    [
        pytest.param("0001", False, id="undeliverable"),
        pytest.param("0004", True, id="never reported"),
        pytest.param("0005", False, id="refused"),
        pytest.param("0008", True, id="its answer was lost: sent again"),
    ],
)
def test_which_fates_arrive(sms_inbox: SmsInbox, ending: str, arrives: bool) -> None:
    send(sms_inbox, f"1380001{ending}", "验证码1234【测试】")
    if arrives:
        assert sms_inbox.wait_for(f"1380001{ending}").text.startswith("验证码1234")
    else:
        with pytest.raises(AssertionError, match="no message"):
            sms_inbox.wait_for(f"1380001{ending}", timeout_s=0.5)


def test_the_command_line_shows_phones(sms_inbox: SmsInbox) -> None:
    send(sms_inbox, "13800000012", "您的验证码是556677【测试】")
    waited = run_cli(sms_inbox.data, "simulate", "inbox", "--to", "13800000012", "--wait", "10")
    assert waited.returncode == 0 and "556677" in waited.stdout, waited.stderr
    listed = run_cli(sms_inbox.data, "simulate", "inbox")
    assert "+8613800000012" in listed.stdout
    nothing = run_cli(sms_inbox.data, "simulate", "inbox", "--to", "13800000012", "--wait", "0.1")
    assert nothing.returncode == 1 and "no message" in nothing.stderr
