"""Numbers and texts as logs and refusals may show them: enough to recognise, too little to read."""

import re

_DIGITS = re.compile(r"\d")


def mask_number(number: str) -> str:
    """``+8613800000000`` as ``+86138****0000``: the first digits say where, the last four say which."""
    return number if len(number) <= 7 else f"{number[:-8]}****{number[-4:]}"


def mask_text(text: str, keep: int = 6) -> str:
    """The first ``keep`` characters with their digits starred, and the length of the whole."""
    return _DIGITS.sub("*", text[:keep]) + (f"…({len(text)})" if len(text) > keep else "")
