"""What tokens cost, and how much a model takes at once, from the lists that genai-prices brings along.

That library is imported when the first price is asked for: it takes a third of a second and 30 MB, and is never on the
way to the first screen. No network is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.errors import ConfigError
from tui.model import Money, Spending, TurnUsage, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation

__all__ = ["Prices"]

_MANY: Final = 1_000_000
"""Tokens that a price for one is worked out from."""

_ROUTERS: Final = ("litellm", "any-llm")
"""What the SDK takes before the name of a provider and a model."""


class _Rates(NamedTuple):
    """US dollars for one token of each kind, and for a request."""

    input: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal
    reasoning: Decimal
    request: Decimal

    def cost(self, usage: Usage) -> Decimal:
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        written = min(usage.cache_write_tokens or 0, usage.input_tokens - cached)
        reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
        return (
            self.input * (usage.input_tokens - cached - written)
            + self.cached * cached
            + self.written * written
            + self.output * (usage.output_tokens - reasoning)
            + self.reasoning * reasoning
            + self.request * usage.requests
        )


class Prices:
    """The price lists."""

    def __init__(self, price_as: str | None = None) -> None:
        """Load them.

        Args:
            price_as: The model whose prices hold for turns whose own model is not recorded, or has no price.

        Raises:
            ConfigError: There is no price for that model.
        """
        self.price_as = price_as
        self._models: dict[tuple[str, str], PriceCalculation | None] = {}
        self._rates: dict[tuple[str, str, int], _Rates | None] = {}
        if price_as is not None and self._model(price_as, "") is None:
            raise ConfigError(
                f"There is no price for a model '{price_as}'.",
                "Write it as its provider does, for example gpt-5-mini, or as provider/model.",
            )

    @cached_property
    def limits(self) -> tuple[int, ...]:
        """The numbers of input tokens from which some model costs more per token, ascending."""
        from genai_prices.data import providers
        from genai_prices.types import ModelPrice, TieredPrices

        def tiers() -> Iterator[int]:
            for provider in providers:
                for model in provider.models:
                    lists = [model.prices] if isinstance(model.prices, ModelPrice) else [
                        conditional.prices for conditional in model.prices
                    ]  # fmt: skip
                    for prices in lists:
                        for price in vars(prices).values():
                            if isinstance(price, TieredPrices):
                                yield from (tier.start for tier in price.tiers)

        return tuple(sorted(set(tiers())))

    def spending(self, turn: TurnUsage) -> Spending | None:
        """The tokens of a turn as they are priced; None where nothing was stored."""
        usage = turn.usage
        if usage is None:
            return None
        over = max((limit for limit in self.limits if usage.input_tokens > limit * max(usage.requests, 1)), default=0)
        return Spending(usage, 1, turn.model, turn.hour, over)

    def names(self) -> list[str]:
        """The models that have a price, as `provider/model`."""
        from genai_prices.data import providers

        return [f"{provider.id}/{model.id}" for provider in providers for model in provider.models]

    def cost(self, spendings: Iterable[Spending]) -> Money | None:
        """What some turns cost; None where they spent nothing that is known."""
        amount, turns, unpriced, estimated = Decimal(0), 0, 0, False
        for spending in spendings:
            rates = self._rates_of(spending)
            turns += spending.turns
            if rates is None:
                unpriced += spending.turns
            else:
                amount += rates.cost(spending.usage)
                estimated = estimated or spending.usage.estimated
        return Money(amount, turns, unpriced, estimated) if turns else None

    def window(self, model: str | None) -> int | None:
        """How many tokens a model takes at once, where that is known; of the model that is priced as for None."""
        found = self._model(model, "") if model else None
        if found is None and self.price_as is not None:
            found = self._model(self.price_as, "")
        return found.model.context_window if found else None

    def _rates_of(self, spending: Spending) -> _Rates | None:
        for model in (spending.model, self.price_as):
            if model is not None:
                key = model, spending.hour, spending.price_tier
                if key not in self._rates:
                    found = self._model(model, spending.hour)
                    self._rates[key] = _rates(found.model_price, spending.price_tier) if found else None
                if rates := self._rates[key]:
                    return rates
        return None

    def _model(self, name: str, hour: str) -> PriceCalculation | None:
        """A model and its prices at a time; None where there is no such model in the lists."""
        if (name, hour) not in self._models:
            self._models[name, hour] = _find(name, hour)
        return self._models[name, hour]


def _find(name: str, hour: str) -> PriceCalculation | None:
    import genai_prices

    try:
        moment = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC) if hour else None
    except ValueError:
        moment = None
    for provider, model in _readings(name):
        try:
            return genai_prices.calc_price(
                genai_prices.Usage(), model, provider_id=provider, genai_request_timestamp=moment
            )
        except LookupError:
            continue
    return None


def _readings(name: str) -> Iterator[tuple[str | None, str]]:
    """What a name may mean: a model, or a provider and a model."""
    first, _, rest = name.partition("/")
    if first in _ROUTERS and rest:
        name = rest
    yield None, name
    provider, _, model = name.partition("/")
    if model:
        yield provider, model
        yield from _readings(model)


def _rates(prices: ModelPrice, over: int) -> _Rates:
    """The price of each kind of token: a list is linear once it is known beyond which limit a request is."""
    from genai_prices import Usage as Spent
    from genai_prices.types import ModelPrice, TieredPrices

    flat = ModelPrice(
        **{
            name: next((tier.price for tier in reversed(price.tiers) if over >= tier.start), price.base)
            if isinstance(price, TieredPrices)
            else price
            for name, price in vars(prices).items()
        }
    )
    request = flat.calc_price(Spent())["total_price"]

    def each(**spent: int) -> Decimal:
        return (flat.calc_price(Spent(**spent))["total_price"] - request) / _MANY

    return _Rates(
        each(input_tokens=_MANY),
        each(input_tokens=_MANY, cache_read_tokens=_MANY),
        each(input_tokens=_MANY, cache_write_tokens=_MANY),
        each(output_tokens=_MANY),
        each(output_tokens=_MANY, output_reasoning_tokens=_MANY),
        request,
    )
