"""Cost in money."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

__all__ = ["Money"]


class Money(NamedTuple):
    """Cost of turns in money.

    Attributes:
        amount: US dollars for the turns that have a price.
        parts: The amounts of cached input, all other input, output without reasoning, and reasoning.
        turns: Number of turns with usage.
        unpriced: Number of these turns of which a request has no price, since its model or the model's price is not
            known; `amount` does not include such requests.
        estimated: Whether some of the tokens are estimates, or it is a guess how they were counted, or a mean decided
            on the price.
    """

    amount: Decimal
    turns: int
    unpriced: int = 0
    estimated: bool = False
    parts: tuple[Decimal, Decimal, Decimal, Decimal] = (Decimal(0),) * 4
