"""Cost in money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

__all__ = ["Money", "Price"]


class Price(NamedTuple):
    """The price of a model in US dollars for a million tokens.

    Attributes:
        source: Its origin: a price list, or a configuration file.
    """

    model: str
    input: Decimal
    cached_input: Decimal
    output: Decimal
    source: str


class Money(NamedTuple):
    """Cost of turns in money.

    Attributes:
        amount: US dollars for the turns that have a price.
        parts: The amounts of cached input, all other input, output without reasoning, and reasoning.
        turns: Number of turns with usage.
        unpriced: Number of these turns of which a request has no price, since its model or the model's price is not
            known; `amount` does not include such requests, so that it is a lower bound.
        estimated: Whether some of the tokens are estimates, or it is a guess how they were counted, or a mean decided
            on the price.
    """

    amount: Decimal
    turns: int
    unpriced: int = 0
    estimated: bool = False
    parts: tuple[Decimal, Decimal, Decimal, Decimal] = (Decimal(0),) * 4

    @property
    def has_price(self) -> bool:
        """True if any part of it has a price; otherwise `amount` is meaningless."""
        return self.turns > self.unpriced or self.amount > 0

    @classmethod
    def total(cls, costs: Sequence[Money]) -> Money | None:
        """Return the sum of costs; None if there are none."""
        if not costs:
            return None
        cached, others, output, reasoning = map(sum, zip(*(cost.parts for cost in costs), strict=True))
        return cls(
            sum((cost.amount for cost in costs), Decimal(0)),
            sum(cost.turns for cost in costs),
            sum(cost.unpriced for cost in costs),
            any(cost.estimated for cost in costs),
            (Decimal(cached), Decimal(others), Decimal(output), Decimal(reasoning)),
        )
