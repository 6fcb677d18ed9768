"""Money is an integer of 1/1000 条 (one segment to one number); people see 条."""

from decimal import Decimal

MILLI = 1000
# GetBalance answers an int32 (contract, section 8), so no balance needs to exceed it.
MAX_CREDITS = 2_147_483_647


def to_milli(credits: Decimal) -> int:
    """``credits`` 条 in 1/1000 条. ValueError for more than three decimals or out of range."""
    milli = credits * MILLI
    if milli != milli.to_integral_value():
        raise ValueError("at most three decimals")
    if abs(milli) > MAX_CREDITS * MILLI:
        raise ValueError(f"at most {MAX_CREDITS}")
    return int(milli)


def whole_credits(milli: int) -> int:
    """What GetBalance answers: whole 条, rounded down, within 0 .. 2147483647 (contract, section 8)."""
    return max(0, min(milli // MILLI, MAX_CREDITS))


def show_credits(milli: int) -> str:
    """``milli`` as a person reads it: no decimals unless there are any."""
    sign, milli = ("-", -milli) if milli < 0 else ("", milli)
    whole, rest = divmod(milli, MILLI)
    return f"{sign}{whole}.{rest:03d}".rstrip("0") if rest else f"{sign}{whole}"


def as_number(milli: int) -> int | float:
    """条 as a JSON number: an integer unless there are decimals (three at most, exact in a double)."""
    return milli // MILLI if milli % MILLI == 0 else milli / MILLI
