"""Passwords that nobody has thought of."""

import secrets
import string

_LENGTH = 24
_ALPHABET = string.ascii_letters + string.digits


def new_password() -> str:
    """A random one, of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
