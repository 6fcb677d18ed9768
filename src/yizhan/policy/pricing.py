"""What one segment to a number costs (contract, section 8, Money)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from yizhan.model.money import MILLI, to_milli


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in 1/1000 条 by calling code or longer prefix; the longest match counts, 1 条 where none does."""

    by_prefix: Mapping[str, int]
    longest: int

    @classmethod
    def of(cls, prices: Mapping[str, Decimal]) -> "PriceList":
        """From the configuration's table, in 条."""
        table = {prefix: to_milli(price) for prefix, price in prices.items()}
        return cls(table, max(map(len, table), default=0))

    def segments_milli(self, numbers: Collection[str]) -> list[int]:
        """The price of one segment to each of ``numbers``, in their order."""
        return [self.segment_milli(number) for number in numbers] if self.by_prefix else [MILLI] * len(numbers)

    def segment_milli(self, number: str) -> int:
        """The price of one segment to ``number`` (E.164 with its plus)."""
        for end in range(self.longest + 1, 1, -1):
            price = self.by_prefix.get(number[1:end])
            if price is not None:
                return price
        return MILLI
