"""Codes that change with time (RFC 6238): six digits every 30 seconds, made of a secret that a phone's app has, too.

A recovery code stands in for one when the phone is gone: random, and good once.
"""

import hmac
import re
from base64 import b32decode, b32encode
from urllib.parse import quote

SECRET_BYTES = 20  # as long as the hash: RFC 4226, section 4, R6
RECOVERY_BYTES = 10
RECOVERY_CODES = 10
_STEP_MS = 30_000
_DIGITS = 6
_DRIFT = 1  # steps that a clock may be off, either way: RFC 6238, section 5.2
_SECRET = re.compile(r"[A-Z2-7]{32}")
_BLANKS = re.compile(r"[\s-]+")


def write_secret(random: bytes) -> str:
    """So many random bytes as apps take them: base32."""
    return b32encode(random).decode()


def is_secret(text: str) -> bool:
    """Whether this is a secret as ``write_secret`` writes it."""
    return _SECRET.fullmatch(text) is not None


def write_recovery_code(random: bytes) -> str:
    """So many random bytes as a person copies them: four groups of four letters and digits."""
    text = b32encode(random).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def as_typed(code: str) -> str:
    """A code of either kind without what people put between its digits, in lower case."""
    return _BLANKS.sub("", code).lower()


def code_at(secret: str, step: int) -> str:
    """The code of one step (RFC 4226, section 5.3)."""
    digest = hmac.digest(b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number)[-_DIGITS:].zfill(_DIGITS)


def step_of(secret: str, code: str, now_ms: int, last_step: int = 0) -> int | None:
    """The step that a typed code belongs to; None when it is not good now, or not any more after ``last_step``."""
    typed, now = as_typed(code).encode(), now_ms // _STEP_MS
    for step in range(max(now - _DRIFT, last_step + 1), now + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed):
            return step
    return None


def otpauth_uri(secret: str, person: str, issuer: str) -> str:
    """What apps read from a QR code (Key URI format); the hash, digits and period are those that it means by itself."""
    return f"otpauth://totp/{quote(issuer)}:{quote(person)}?secret={secret}&issuer={quote(issuer)}"
