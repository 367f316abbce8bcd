"""Usage of turns, and what it costs in money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tui.model.money import Money, Price

if TYPE_CHECKING:
    from tui.model.requests import Request

__all__ = [
    "BranchUsage",
    "Counting",
    "Outcome",
    "RunRecord",
    "Scope",
    "Spending",
    "TurnUsage",
    "Unpriced",
    "Usage",
    "usage_page",
]

_PAGE_TURNS: Final = 64


def usage_page(turn: int) -> tuple[int, int]:
    """Return the first and the last turn of the page that holds a turn."""
    first = turn - (turn - 1) % _PAGE_TURNS
    return first, first + _PAGE_TURNS - 1


class Usage(NamedTuple):
    """Tokens and requests.

    Attributes:
        input_tokens: Tokens sent, including `cached_tokens`.
        output_tokens: Tokens received, including `reasoning_tokens`.
        total_tokens: Input and output together.
        cached_tokens: Part of the input that the provider read from its cache; None if not reported.
        cache_write_tokens: Part of the input that the provider wrote to its cache; None if not reported.
        reasoning_tokens: Part of the output that was reasoning; None if not reported.
        estimated: Whether some of the numbers are estimates, and not counted by the provider.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False

    @property
    def context(self) -> tuple[int, bool] | None:
        """Input of the last request, and whether it is exact or a minimum; None without requests.

        For several requests only the sum is stored. The conversation grows from one request to the next, so the input
        of the last is at least the mean.
        """
        if not self.requests:
            return None
        return -(-self.input_tokens // self.requests), self.requests == 1

    @classmethod
    def total(cls, parts: Iterable[Usage | None]) -> Usage | None:
        """Return the sum of usages; None if no usage is stored."""
        stored = [part for part in parts if part is not None]
        if not stored:
            return None
        columns = dict(zip(cls._fields, zip(*stored, strict=True), strict=True))
        estimated = any(columns.pop("estimated"))
        sums: dict[str, Any] = {name: _sum_known(numbers) for name, numbers in columns.items()}
        return cls(**sums, estimated=estimated)


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


class Scope(StrEnum):
    """The turns whose usage is summed up."""

    OWN = "own"
    """The turns that the branch ran."""
    PATH = "path"
    """All turns of the branch, including inherited ones."""
    ALL = "all"
    """All turns of the session, each once."""


class Counting(StrEnum):
    """The way in which a provider counted the input tokens of a turn."""

    INCLUSIVE = ""
    """With the tokens that it read from its cache or wrote to it, as OpenAI does."""
    EXCLUSIVE = "exclusive"
    """Without these, as Anthropic does; so far as it can be seen, as there are more of these."""
    UNKNOWN = "unknown"
    """Input or output is not stored."""


class Outcome(StrEnum):
    """The outcome of a run."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    PAUSED = "paused"
    """It waits for approval, or did so last."""


class RunRecord(NamedTuple):
    """The stored record of a run that ended or paused.

    Attributes:
        model: Name of the model; None if it is not known.
        agent: Name of the agent that answered last; None if it is not known.
        started_at: Time at which the run started: UTC, naive.
        error: The error, one line without secrets; None if nothing did.
        estimated: Whether the tokens are estimates, and not counted by the provider.
        reported: Whether the provider reported tokens.
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


class Unpriced(StrEnum):
    """The reason for which a turn with usage has no complete cost."""

    NO_TOKENS = "tokens_not_stored"
    NO_MODEL = "model_not_recorded"
    NO_PRICE = "model_without_price"


class TurnUsage(NamedTuple):
    """Usage of a turn.

    Attributes:
        branch_id: The branch that ran the turn; other branches that hold the turn inherited it.
        run: The last run that made or continued the turn, if one is recorded.
        tools: Name and number of calls of each tool, in the order of their first calls.
        cost: The cost in money; None if no usage is stored, and while no prices are shown.
        window: Size of the context window of the model, if it is known.
        model: Name of the model that counted the tokens, if it is recorded.
        hour: Time at which the usage was stored: UTC, to the hour, as `2026-03-04 05`.
        counting: The way in which the input was counted.
        requests: Its requests, in order; empty if they are not all known, or were not read.
        compacted: Whether a compaction made the turn, and its usage is that of the compaction.
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
    counting: Counting = Counting.INCLUSIVE
    requests: tuple[Request, ...] = ()
    compacted: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are recorded of the turn or of its requests, each once."""
        names = [request.model or self.model for request in self.requests] or [self.model]
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def unpriced(self) -> Unpriced | None:
        """The reason for which the turn has no complete cost; None if it has one, or no usage is stored."""
        if self.usage is None or (self.cost is not None and not self.cost.unpriced):
            return None
        if self.counting is Counting.UNKNOWN:
            return Unpriced.NO_TOKENS
        return Unpriced.NO_PRICE if self.models else Unpriced.NO_MODEL

    @property
    def context(self) -> tuple[int, bool] | None:
        """Input of the last request, and whether it is exact or a minimum; None if no usage is stored.

        None for a compaction, too: the next request sends less.
        """
        if self.usage is None or self.compacted:
            return None
        counted = [request for request in self.requests if request.usage is not None]
        return (counted[-1].prompt_tokens, True) if counted else self.usage.context


class BranchUsage(NamedTuple):
    """Usage of a branch. The usage of its turns is read page by page, as `TurnUsage`.

    Attributes:
        totals: The sum of each scope; None if no usage is stored.
        turns: Number of turns of the path.
        turns_with_usage: Number of turns of the path with stored usage; the sum of the path covers only these.
        largest: Input and output tokens of the turn of the path with the most tokens.
        tools: Name and number of calls of each tool in each scope, the tool with the most calls first; without
            `Scope.ALL` until that is read.
        models: Names of the models that ran turns of the session, as far as they are recorded.
        money: The cost of each scope in money; None if no usage is stored. Empty while no prices are shown.
        prices: The price of each model in `money`.
        page: The page of turns that is shown first, read together with the sums.
    """

    branch_id: str
    totals: Mapping[Scope, Usage | None]
    turns: int = 0
    turns_with_usage: int = 0
    largest: int = 0
    tools: Mapping[Scope, tuple[tuple[str, int], ...]] = MappingProxyType({})
    models: tuple[str, ...] = ()
    money: Mapping[Scope, Money | None] = MappingProxyType({})
    prices: tuple[Price, ...] = ()
    page: tuple[TurnUsage, ...] = ()

    @property
    def is_uncounted(self) -> bool:
        """True if the path has turns, but no stored usage."""
        return self.turns > 0 and self.totals.get(Scope.PATH) is None


class Spending(NamedTuple):
    """Usage to which the same prices apply.

    Attributes:
        turns: Number of turns with this usage.
        model: The model that counted the tokens, as the record of the run names it; None if none is recorded.
        hour: Time at which the usage was stored: UTC, to the hour, as `2026-03-04 05`; empty if that is not known.
        price_tier: The largest tier limit that the input of a request exceeds, or the mean input of several; 0 for
            none. Some models cost more above a limit.
        counting: The way in which the input was counted.
        by_mean: Whether a mean decided on the tier.
        part_of: Branch and first message of a turn of which this is a part, as its requests differ in model or tier;
            None for all of a turn or of several turns.
    """

    usage: Usage
    turns: int
    model: str | None = None
    hour: str = ""
    price_tier: int = 0
    counting: Counting = Counting.INCLUSIVE
    by_mean: bool = False
    part_of: tuple[str, int] | None = None
