"""The country of a number: its calling code (ITU-T E.164, list of assigned country codes)."""

# Zones 1 and 7 have one code; these have two digits; all others three.
_NUMBERS = (20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67))
_TWO_DIGITS = frozenset(map(str, (*_NUMBERS, 81, 82, 84, 86, *range(90, 96), 98)))


def calling_code(number: str) -> str:
    """The calling code of ``number`` (E.164 with its plus).

    >>> calling_code("+8613800000000"), calling_code("+85291234567"), calling_code("+13125550000")
    ('86', '852', '1')
    """
    digits = number[1:4]
    if digits[:1] in ("1", "7"):
        return digits[0]
    return digits[:2] if digits[:2] in _TWO_DIGITS else digits
