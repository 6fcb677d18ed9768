"""The code in a text that is sent to prove who somebody is, as a phone offers it to be copied."""

import re

_NAME = (
    r"验证码|驗證碼|校验码|校驗碼|动态码|動態碼|动态密码|動態密碼|确认码|確認碼|激活码|随机码|密码|密碼"
    r"|\b(?:pass)?code\b|\bOTP\b|\bPIN\b|\bpassword\b"
)
# 4 to 8 digits, two groups of three as some write them, or capitals with a digit among them.
_CODE = (
    r"(?<![0-9A-Za-z])(?<![0-9][.,-])"
    r"([0-9]{4,8}|[0-9]{3}[- ][0-9]{3}|(?=[A-Z]*[0-9])[A-Z0-9]{4,8})"
    r"(?![0-9A-Za-z]|[.,-][0-9]|[年月日元])"
)
_BEHIND = re.compile(rf"(?:{_NAME})[^0-9]{{0,24}}?{_CODE}", re.IGNORECASE)
_BEFORE = re.compile(rf"{_CODE}[^0-9]{{0,32}}?(?:{_NAME})", re.IGNORECASE)
_ALONE = re.compile(_CODE)


def code_in(text: str) -> str | None:
    """The code behind its name, else before it, else the only thing in the text that could be one."""
    for known in (_BEHIND, _BEFORE):
        if found := known.search(text):
            return _digits(found[1])
    alone = {_digits(found[1]) for found in _ALONE.finditer(text)}
    return alone.pop() if len(alone) == 1 else None


def _digits(code: str) -> str:
    return code.replace(" ", "").replace("-", "")
