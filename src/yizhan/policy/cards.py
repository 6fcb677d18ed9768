"""Recharge cards: how their numbers and passwords are made and kept."""

import hashlib
from collections.abc import Callable

NUMBER_DIGITS = 12
PASSWORD_DIGITS = 16  # random, so that a plain digest of it cannot be turned back


def draw(digits: int, below: Callable[[int], int]) -> str:
    """So many random digits; ``below(n)`` is a random number under ``n``."""
    return "".join(str(below(10)) for _ in range(digits))


def digest_of(number: str, password: str) -> str:
    """What is stored of a card's password: SHA-256 of it together with its number."""
    return hashlib.sha256(f"{number}:{password}".encode()).hexdigest()
