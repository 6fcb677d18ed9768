"""What may go wrong when a program calls a LinkWS platform, by who has to act."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code of the manual in its own words and in English."""

    chinese: str
    english: str


# The manual's tables of IntlSend and GetBalance, and -11 from the rest of the family (contract, section 5). The manual
# prints -22 as 内空为空, a slip of the pen for 内容为空.
MEANINGS: dict[int, Meaning] = {
    -1: Meaning("账号未注册", "no such account"),
    -2: Meaning("其他错误", "another error, or the platform cannot take the call now"),
    -3: Meaning("帐号或密码错误", "wrong account or password"),
    -5: Meaning("余额不足,请充值", "the balance is too low for this call"),
    -6: Meaning("定时发送时间不是有效的时间格式", "the send time is not a valid yyyyMMddHHmmss"),
    -7: Meaning("提交信息末尾未加签名,请添加中文的企业签名【 】", "no Chinese signature in 【】 at the end"),
    -8: Meaning("发送内容需在1到300字之间", "the text must have 1 to 300 characters"),
    -9: Meaning("发送号码为空", "no number, or none that is valid"),
    -10: Meaning("定时时间不能小于系统当前时间", "the send time has passed"),
    -11: Meaning("屏蔽手机号码", "every number is blocked"),
    -12: Meaning("关键字", "the text holds a forbidden keyword"),
    -20: Meaning("账号为空", "the account is empty"),
    -21: Meaning("密码为空", "the password is empty"),
    -22: Meaning("内容为空", "the text is empty"),
    -23: Meaning("密码异常(请确认是否为32位MD5加密)", "the password did not arrive as 32 MD5 hex digits"),
    -100: Meaning("IP黑名单", "this address is on the platform's blacklist"),
    -101: Meaning("调用接口速度太快(大于30s)", "called too soon, wait 30 seconds between two calls"),
    -102: Meaning("账号黑名单", "the account is disabled"),
    -103: Meaning("IP未导白", "this address is not on the account's allow-list"),
}
_UNKNOWN = Meaning("未知代码", "a code that the manual does not name")


class LinkWSError(Exception):
    """A call that brought no success.

    ``uncertain`` is True when the platform may have taken the call all the same: then sending again may reach people
    twice, and only the platform's own list can tell.
    """

    uncertain: bool = False


class Refused(LinkWSError):
    """The platform answered with a code of the manual; nothing was sent and nothing charged."""

    def __init__(self, code: int) -> None:
        """``code`` is negative."""
        self.code = code
        self.meaning = MEANINGS.get(code, _UNKNOWN)
        super().__init__(f"{code} {self.meaning.chinese} ({self.meaning.english})")


class UnknownAccount(Refused):
    """-1, and -20 for an empty one."""


class WrongPassword(Refused):
    """-3, and -21 and -23 for an empty or a malformed one."""


class BalanceTooLow(Refused):
    """-5."""


class BadText(Refused):
    """-7, -8 and -22: no signature, too long, empty."""


class BadNumber(Refused):
    """-9 and -11: none that is valid, or all of them blocked."""


class BadSendTime(Refused):
    """-6 and -10."""


class KeywordFound(Refused):
    """-12."""


class TooSoon(Refused):
    """-101: wait 30 seconds."""


class NotAllowed(Refused):
    """-100, -102 and -103: the address or the account may not call."""


class OtherRefusal(Refused):
    """-2, and every code that the manual does not name."""


_BY_CODE: dict[int, type[Refused]] = {
    **dict.fromkeys((-1, -20), UnknownAccount),
    **dict.fromkeys((-3, -21, -23), WrongPassword),
    -5: BalanceTooLow,
    **dict.fromkeys((-7, -8, -22), BadText),
    **dict.fromkeys((-9, -11), BadNumber),
    **dict.fromkeys((-6, -10), BadSendTime),
    -12: KeywordFound,
    -101: TooSoon,
    **dict.fromkeys((-100, -102, -103), NotAllowed),
}


def refusal(code: int) -> Refused:
    """The exception for a code."""
    return _BY_CODE.get(code, OtherRefusal)(code)


class Unreachable(LinkWSError):
    """No answer came: no connection (certain), or it broke or timed out after the call was written (uncertain)."""

    def __init__(self, reason: str, *, uncertain: bool) -> None:
        """``reason`` is what the network said."""
        self.uncertain = uncertain
        super().__init__(f"no answer: {reason}" if uncertain else f"cannot be reached: {reason}")


class NotLinkWS(LinkWSError):
    """Something answered, but not as a LinkWS platform does; ``excerpt`` is the beginning of what it said."""

    def __init__(self, said: str, excerpt: str, *, uncertain: bool) -> None:
        """``said`` tells the kind of the answer, for example ``HTTP 404``."""
        self.excerpt = excerpt
        self.uncertain = uncertain
        super().__init__(f"not the answer of a LinkWS platform: {said}" + (f": {excerpt}" if excerpt else ""))
