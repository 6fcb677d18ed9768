"""Texts as logs and refusals may show them: enough to recognise, too little to read. Numbers are not logged at all."""

import re

_DIGITS = re.compile(r"\d")


def mask_text(text: str, keep: int = 6) -> str:
    """The first ``keep`` characters with their digits starred, and the length of the whole."""
    return _DIGITS.sub("*", text[:keep]) + (f"…({len(text)})" if len(text) > keep else "")
