"""What a text is for, by the words that carriers look at themselves."""

import re

from yizhan.model.route import TextClass

# Marketing texts must say how to opt out; verification codes say what they are.
_OPT_OUT = re.compile(r"退订|拒收|回\s*(?:复)?\s*(?:TD|T|N|R)\b|\bSTOP\b|unsubscribe", re.IGNORECASE)
_CODE = re.compile(
    r"验证码|驗證碼|校验码|校驗碼|动态码|動態碼|动态密码|確認碼|确认码|\bOTP\b|(?:verification|security|login|one.?time)\s+(?:pass)?code",
    re.IGNORECASE,
)


def text_class(text: str) -> TextClass:
    """A verification code, marketing (it says how to opt out), or a notice: whatever is neither."""
    if _OPT_OUT.search(text):
        return TextClass.MARKETING
    return TextClass.CODE if _CODE.search(text) else TextClass.NOTICE
