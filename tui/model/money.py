"""Tokens as they are priced, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tui.model.usage import Usage

__all__ = ["Money", "Spending"]


class Spending(NamedTuple):
    """Tokens that have one price list.

    Attributes:
        usage: The tokens.
        turns: How many turns spent them.
        model: The model that counted them, as the run's record names it; None where none is recorded.
        hour: When they were spent: UTC, to the hour, as `2026-03-04 05`; empty where that is not known.
        over: A limit that their requests exceed, in input tokens of a request on the average; 0 for none. Some models
            cost more beyond one.
    """

    usage: Usage
    turns: int
    model: str | None = None
    hour: str = ""
    over: int = 0


class Money(NamedTuple):
    """What some turns cost.

    Attributes:
        amount: US dollars, of the turns that have a price.
        turns: How many turns spent something.
        unpriced: How many of them have no price, as their model is not known, or its price is not: then `amount` is
            not their cost.
        estimated: True where some of the tokens are estimates.
    """

    amount: Decimal
    turns: int
    unpriced: int = 0
    estimated: bool = False
