"""Prices by the longest prefix (contract, section 8, Money)."""

from decimal import Decimal

import pytest

from yizhan.policy.pricing import PriceList

PRICES = PriceList.of(
    {"852": Decimal(2), "1": Decimal("1.5"), "1246": Decimal("3.125"), "86": Decimal("0.9"), "7": Decimal(0)}
)


@pytest.mark.parametrize(
    ("number", "milli"),
    [
        pytest.param("+85291234567", 2_000, id="three digits"),
        pytest.param("+12125550123", 1_500, id="one digit"),
        pytest.param("+12465550123", 3_125, id="the longest counts"),
        pytest.param("+8613800000000", 900, id="mainland"),
        pytest.param("+79991234567", 0, id="free"),
        pytest.param("+33612345678", 1_000, id="not listed: 1"),
        pytest.param("+85312345678", 1_000, id="a neighbour of a listed one"),
    ],
)
def test_price(number: str, milli: int) -> None:
    assert PRICES.segment_milli(number) == milli


def test_no_prices() -> None:
    assert PriceList.of({}).segment_milli("+8613800000000") == 1_000
