"""The signature 【…】 that a text must carry (contract, section 8)."""

import re

from yizhan.model.account import SignatureRule
from yizhan.model.submission import SignatureFound

# 1 to 20 characters inside, at least one of them Chinese. 【 and 】 themselves cannot be inside: at the end the last
# 【 opens the pair, at the start the first 】 closes it.
_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PAIR = f"【(?=[^【】]*[{_CHINESE}])[^【】]{{1,20}}】"
_AT_END = re.compile(_PAIR + r"\s*\Z")
_AT_START = re.compile(r"\s*" + _PAIR)
_WHOLE = re.compile(_PAIR)


def is_signature(text: str) -> bool:
    """Whether ``text`` is exactly one well-formed signature, brackets included."""
    return _WHOLE.fullmatch(text) is not None


def find_signature(content: str) -> tuple[str, SignatureFound] | None:
    """The signature at the end of ``content``, else the one at its start, with its place; None when it has neither."""
    if "】" not in content:
        return None
    start = content.rfind("【")
    if start >= 0 and (match := _AT_END.match(content, start)):
        return match[0].rstrip(), SignatureFound.AT_END
    if match := _AT_START.match(content):
        return match[0].lstrip(), SignatureFound.AT_START
    return None


def sign(content: str, rule: SignatureRule, registered: str) -> tuple[str, SignatureFound] | None:
    """The text to send under ``rule`` and how the rule was met; None when it is not met (-7)."""
    if rule is SignatureRule.FREE:
        return content, SignatureFound.NONE_NEEDED
    found = find_signature(content)
    if rule is SignatureRule.REQUIRED:
        return (content, found[1]) if found else None
    if found is None:
        return content + registered, SignatureFound.APPENDED
    if found[0] == registered:
        return content, found[1]
    # The registered one may stand at the start of a text that ends in another bracketed word.
    if content.lstrip().startswith(registered):
        return content, SignatureFound.AT_START
    return None
