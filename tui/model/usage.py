"""What turns cost, and the runs that spent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["BranchUsage", "Money", "Outcome", "RunRecord", "Scope", "Spending", "TurnUsage", "Usage", "usage_page"]

_PAGE: Final = 64
"""How many turns are read at once."""


def usage_page(turn: int) -> tuple[int, int]:
    """The first and the last turn of the page with a turn."""
    first = turn - (turn - 1) % _PAGE
    return first, first + _PAGE - 1


class Usage(NamedTuple):
    """Tokens and requests.

    Attributes:
        requests: Calls of the model.
        input_tokens: Tokens sent, `cached_tokens` included.
        output_tokens: Tokens received, `reasoning_tokens` included.
        total_tokens: Input and output together.
        cached_tokens: Part of the input that the provider had cached; None where that was not reported.
        reasoning_tokens: Part of the output that was reasoning; None where that was not reported.
        cache_write_tokens: Part of the input that the provider put into its cache; None where that was not reported.
        estimated: True where some of these are estimates and no provider's count.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None
    estimated: bool = False

    @property
    def context(self) -> tuple[int, bool] | None:
        """Input of the last request, and whether that is known or the least it can be; None without requests.

        Of several requests only the sum is stored. A conversation grows from one to the next, so that the last has at
        least the mean.
        """
        if not self.requests:
            return None
        return -(-self.input_tokens // self.requests), self.requests == 1

    @classmethod
    def total(cls, parts: Iterable[Usage | None]) -> Usage | None:
        """The sum of what was stored and reported; None where nothing was."""
        stored = [part for part in parts if part is not None]
        if not stored:
            return None
        return cls(
            sum(part.requests for part in stored),
            sum(part.input_tokens for part in stored),
            sum(part.output_tokens for part in stored),
            sum(part.total_tokens for part in stored),
            _sum_known(part.cached_tokens for part in stored),
            _sum_known(part.reasoning_tokens for part in stored),
            _sum_known(part.cache_write_tokens for part in stored),
            any(part.estimated for part in stored),
        )


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


class Scope(StrEnum):
    """What a sum of tokens stands for."""

    OWN = "own"
    """The turns that this branch ran."""
    PATH = "path"
    """All turns of this branch, inherited ones included, each once."""
    ALL = "all"
    """All that was spent in the session, each turn once."""


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class RunRecord(NamedTuple):
    """A run that ended, as the file keeps it.

    Attributes:
        turn: The turn it made or went on with.
        branch_id: The branch that ran it.
        outcome: How it ended.
        model: Name of the model; None where it is not known.
        agent: Name of the agent that answered last; None where it is not known.
        started_at: When it began: UTC, naive.
        seconds: How long it took.
        error: What went wrong, one line without secrets; None where nothing did.
        estimated: True where the tokens are estimates and no provider's count.
        reported: False where the provider reported no tokens.
    """

    turn: int
    branch_id: str
    outcome: Outcome
    model: str | None = None
    agent: str | None = None
    started_at: str | None = None
    seconds: float | None = None
    error: str | None = None
    estimated: bool = False
    reported: bool = True


class TurnUsage(NamedTuple):
    """What one turn of a branch cost.

    Attributes:
        turn: Number of the turn.
        usage: Its tokens; None where nothing was stored.
        branch_id: The branch whose run spent them; the turn is inherited where that is another one than shown.
        run: The last run that made it or went on with it, where one is recorded.
        tools: Name and calls of each tool, in the order in which they were first called.
        cost: What the tokens cost; None where nothing was stored, and while prices are not asked for.
        window: How many tokens the model that ran it takes at once, where that is known.
        model: Name of the model that counted the tokens, where one is recorded.
        hour: When they were stored: UTC, to the hour, as `2026-03-04 05`.
    """

    turn: int
    usage: Usage | None = None
    branch_id: str | None = None
    run: RunRecord | None = None
    tools: tuple[tuple[str, int], ...] = ()
    cost: Money | None = None
    window: int | None = None
    model: str | None = None
    hour: str = ""


class BranchUsage(NamedTuple):
    """What a branch cost; its turns one by one come by page, as `TurnUsage`.

    Attributes:
        branch_id: The branch.
        totals: The sum of each scope; None where nothing was stored.
        turns: How many turns its path has.
        turns_with_usage: How many of them have stored usage; the sum of the path leaves out the others.
        largest: Input and output tokens of the turn of the path that has most.
        tools: Name and calls on the path of each tool, the one called most first.
        models: Names of the models that ran turns of the session, as far as they are recorded.
        money: What each scope cost; None where nothing was stored. Empty while no price is known or asked for.
        page: A page of its turns that was read along with the sums: what is looked at first.
    """

    branch_id: str
    totals: Mapping[Scope, Usage | None]
    turns: int = 0
    turns_with_usage: int = 0
    largest: int = 0
    tools: tuple[tuple[str, int], ...] = ()
    models: tuple[str, ...] = ()
    money: Mapping[Scope, Money | None] = MappingProxyType({})
    page: tuple[TurnUsage, ...] = ()


class Spending(NamedTuple):
    """Tokens that have one price list.

    Attributes:
        usage: The tokens.
        turns: How many turns spent them.
        model: The model that counted them, as the run's record names it; None where none is recorded.
        hour: When they were spent: UTC, to the hour, as `2026-03-04 05`; empty where that is not known.
        price_tier: The limit that the mean input tokens of their requests exceed; 0 for none. Some models cost more
            beyond one.
    """

    usage: Usage
    turns: int
    model: str | None = None
    hour: str = ""
    price_tier: int = 0


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
