"""Texts and numbers as logs, refusals and traces may show them: enough to recognise, too little to use."""

import re

_DIGITS = re.compile(r"\d")


def mask_text(text: str, keep: int = 6) -> str:
    """The first ``keep`` characters with their digits starred, and the length of the whole."""
    return _DIGITS.sub("*", text[:keep]) + (f"…({len(text)})" if len(text) > keep else "")


def mask_number(number: str) -> str:
    """``+8613812345678`` as ``+86138****5678``; of a short one only its length is left."""
    return f"{number[:-8]}****{number[-4:]}" if len(number) > 8 else "*" * len(number)
