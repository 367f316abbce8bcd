"""Prices of tokens, the user's own and those of genai-prices, and context windows of models; without network requests.

That library is imported for the first price, as its import is slow and the first screen shows no prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.errors import ConfigError
from tui.model import Counting, Money, Price, Spending, TurnUsage, Usage
from tui.model.requests import RequestUsage

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation

    from tui.model.requests import Request

__all__ = ["Prices"]

_MILLION: Final = 1_000_000

_LISTS: Final = "genai-prices"
"""The source of the prices that are not the user's own."""

_ROUTERS: Final = ("litellm", "any-llm")
"""Prefixes that the SDK accepts before `provider/model`."""


class _Rates(NamedTuple):
    """Prices in US dollars of one token of each kind, and of a request."""

    input: Decimal
    cached: Decimal
    cache_write: Decimal
    output: Decimal
    reasoning: Decimal
    request: Decimal
    has_tiers: bool

    def parts(self, usage: Usage) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return the cost of usage as `Money.parts`."""
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        cache_write = min(usage.cache_write_tokens or 0, usage.input_tokens - cached)
        reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
        return (
            self.cached * cached,
            self.input * (usage.input_tokens - cached - cache_write)
            + self.cache_write * cache_write
            + self.request * usage.requests,
            self.output * (usage.output_tokens - reasoning),
            self.reasoning * reasoning,
        )


class Prices:
    """The price lists, and the user's own prices, which come first."""

    def __init__(self, price_as: str | None = None, own: Mapping[str, Price] = MappingProxyType({})) -> None:
        """Load the price lists.

        Args:
            price_as: The model whose prices apply to turns whose own model is not recorded, or has no price.
            own: The user's own prices, by model.

        Raises:
            ConfigError: There is no price for that model.
        """
        self.price_as = price_as
        self._own = own
        self._models: dict[tuple[str, str], PriceCalculation | None] = {}
        self._rates: dict[tuple[str, str, int], _Rates | None] = {}
        if price_as is not None and self._model_rates(price_as, "", 0) is None:
            raise ConfigError(
                f"There is no price for a model '{price_as}'.",
                "Write it as its provider does, as gpt-5-mini or provider/model, or set its price in config.toml.",
            )

    @cached_property
    def limits(self) -> tuple[int, ...]:
        """The numbers of input tokens above which tokens of some model have another price, ascending."""
        from genai_prices.data import providers
        from genai_prices.types import ModelPrice, TieredPrices

        limits: set[int] = set()
        for model in (model for provider in providers for model in provider.models):
            prices = model.prices
            for price_list in [prices] if isinstance(prices, ModelPrice) else [part.prices for part in prices]:
                for price in vars(price_list).values():
                    if isinstance(price, TieredPrices):
                        limits.update(tier.start for tier in price.tiers)
        return tuple(sorted(limits))

    def cost_of_turn(self, turn: TurnUsage) -> Money | None:
        """Return the cost of a turn: the sum of its requests if they are known; None if no usage is stored."""
        if turn.usage is None:
            return None
        requests = [request for request in turn.requests if request.usage is not None]
        if not requests:
            return self.cost([self._spending(turn, turn.usage, turn.model)])
        part_of = turn.branch_id or "", turn.turn
        parts = [self._spending(turn, _usage(request, turn), request.model) for request in requests]
        return self.cost(part._replace(part_of=part_of) for part in parts)

    def _spending(self, turn: TurnUsage, usage: Usage, model: str | None) -> Spending:
        """Return usage of a turn with all that its price depends on."""
        mean = usage.input_tokens / max(usage.requests, 1)
        tier = max((limit for limit in self.limits if mean > limit), default=0)
        # A request cannot exceed a limit that the sum does not exceed.
        by_mean = usage.requests > 1 and usage.input_tokens > self.limits[0]
        return Spending(usage, 1, model or turn.model, turn.hour, tier, turn.counting, by_mean)

    def names(self) -> list[str]:
        """Return the models that have a price: the user's own, and those of the lists as `provider/model`."""
        from genai_prices.data import providers

        listed = (f"{provider.id}/{model.id}" for provider in providers for model in provider.models)
        return [*self._own, *(name for name in listed if name not in self._own)]

    def used(self, spendings: Iterable[Spending]) -> tuple[Price, ...]:
        """Return the price of each model in the cost of usage: the last one in time, below all tiers."""
        hours: dict[str, str] = {}
        for spending in spendings:
            if spending.counting is not Counting.UNKNOWN and (found := self._priced_model(spending)):
                model, _ = found
                hours[model] = max(spending.hour, hours.get(model, ""))
        return tuple(price for model, hour in hours.items() if (price := self._price(model, hour)))

    def _price(self, model: str, hour: str) -> Price | None:
        if own := self._own_price(model):
            return own._replace(model=model)
        rates = self._model_rates(model, hour, 0)
        if rates is None:
            return None
        of_input, cached, output = ((_MILLION * rate).normalize() for rate in (rates.input, rates.cached, rates.output))
        return Price(model, of_input, cached, output, _LISTS)

    def cost(self, spendings: Iterable[Spending]) -> Money | None:
        """Return the cost of usage; None if there is none."""
        parts, turns, unpriced_turns, estimated = (Decimal(0),) * 4, 0, 0, False
        has_price: dict[tuple[str, int], bool] = {}
        for spending in spendings:
            usage, is_exclusive = spending.usage, spending.counting is Counting.EXCLUSIVE
            if is_exclusive:
                cache = (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0)
                usage = usage._replace(input_tokens=usage.input_tokens + cache)
            found = None if spending.counting is Counting.UNKNOWN else self._priced_model(spending)
            rates = found and found[1]
            if spending.part_of is not None:
                has_price[spending.part_of] = rates is not None and has_price.get(spending.part_of, True)
            else:
                turns += spending.turns
                unpriced_turns += spending.turns if rates is None else 0
            if rates is not None:
                cached, others, output, reasoning = map(Decimal.__add__, parts, rates.parts(usage))
                parts = cached, others, output, reasoning
                # It is a guess how the input was counted.
                estimated |= usage.estimated or is_exclusive or (spending.by_mean and rates.has_tiers)
        turns += len(has_price)
        unpriced_turns += list(has_price.values()).count(False)
        return Money(sum(parts, Decimal(0)), turns, unpriced_turns, estimated, parts) if turns else None

    def priced_request(self, request: Request, turn: TurnUsage) -> Request:
        """Return a request of a turn with its cost, and with what the tokens cost that its cache did not serve."""
        if request.usage is None:
            return request
        usage = _usage(request, turn)
        cost = self.cost([self._spending(turn, usage, request.model)])
        cache = request.cache
        if cache is not None and cache.lost_tokens and cost is not None and not cost.unpriced:
            cached = (usage.cached_tokens or 0) + cache.lost_tokens
            served = self.cost([self._spending(turn, usage._replace(cached_tokens=cached), request.model)])
            # Of a provider that counts the tokens of its cache apart, it is not known what it would have counted.
            if served is not None and cached <= usage.input_tokens:
                lost = Money(max(cost.amount - served.amount, Decimal(0)), 1, estimated=cost.estimated)
                cache = cache._replace(lost_cost=lost)
        return request._replace(cost=cost, cache=cache)

    def window(self, model: str | None) -> int | None:
        """Return the context window of a model, or else of the model in `price_as`; None if neither is known."""
        found = self._model(model, "") if model else None
        if found is None and self.price_as is not None:
            found = self._model(self.price_as, "")
        return found.model.context_window if found else None

    def _priced_model(self, spending: Spending) -> tuple[str, _Rates] | None:
        """Return the model whose prices apply to usage, and these prices."""
        for model in (spending.model, self.price_as):
            if model is not None and (rates := self._model_rates(model, spending.hour, spending.price_tier)):
                return model, rates
        return None

    def _model_rates(self, model: str, hour: str, tier: int) -> _Rates | None:
        key = model, hour, tier
        if key not in self._rates:
            if own := self._own_price(model):
                self._rates[key] = _own_rates(own)
            else:
                found = self._model(model, hour)
                self._rates[key] = _rates(found.model_price, tier) if found else None
        return self._rates[key]

    def _own_price(self, model: str) -> Price | None:
        if not self._own:
            return None
        names = (name if provider is None else f"{provider}/{name}" for provider, name in _split_names(model))
        return next((self._own[name] for name in (model, *names) if name in self._own), None)

    def _model(self, name: str, hour: str) -> PriceCalculation | None:
        """Return a model and its prices at a time; None if the lists do not have the model."""
        if (name, hour) not in self._models:
            self._models[name, hour] = _find(name, hour)
        return self._models[name, hour]


def _usage(request: Request, turn: TurnUsage) -> Usage:
    """Return the usage of a request of a turn whose tokens were reported."""
    used = request.usage or RequestUsage()
    return Usage(1, *used[:2], sum(used[:2]), *used[2:], estimated=bool(turn.usage and turn.usage.estimated))


def _find(name: str, hour: str) -> PriceCalculation | None:
    import genai_prices

    try:
        moment = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC) if hour else None
    except ValueError:
        moment = None
    for provider, model in _split_names(name):
        try:
            return genai_prices.calc_price(
                genai_prices.Usage(), model, provider_id=provider, genai_request_timestamp=moment
            )
        except LookupError:
            continue
    return None


def _split_names(name: str) -> Iterator[tuple[str | None, str]]:
    """Yield each provider and model that a name may mean: the name is a model, or begins with a provider."""
    first, _, rest = name.partition("/")
    if first in _ROUTERS and rest:
        name = rest
    yield None, name
    provider, _, model = name.partition("/")
    if model:
        yield provider, model
        yield from _split_names(model)


def _own_rates(price: Price) -> _Rates:
    of_input, cached, output = price.input / _MILLION, price.cached_input / _MILLION, price.output / _MILLION
    return _Rates(of_input, cached, of_input, output, output, Decimal(0), has_tiers=False)


def _rates(prices: ModelPrice, tier: int) -> _Rates:
    """Return the price of one token of each kind; within a tier, prices are proportional to the tokens."""
    from genai_prices import Usage as PricedUsage
    from genai_prices.types import ModelPrice, TieredPrices

    flat = ModelPrice(
        **{
            name: next((step.price for step in reversed(price.tiers) if tier >= step.start), price.base)
            if isinstance(price, TieredPrices)
            else price
            for name, price in vars(prices).items()
        }
    )
    request = flat.calc_price(PricedUsage())["total_price"]

    def price_of_one(**tokens: int) -> Decimal:
        return (flat.calc_price(PricedUsage(**tokens))["total_price"] - request) / _MILLION

    return _Rates(
        price_of_one(input_tokens=_MILLION),
        price_of_one(input_tokens=_MILLION, cache_read_tokens=_MILLION),
        price_of_one(input_tokens=_MILLION, cache_write_tokens=_MILLION),
        price_of_one(output_tokens=_MILLION),
        price_of_one(output_tokens=_MILLION, output_reasoning_tokens=_MILLION),
        request,
        any(isinstance(price, TieredPrices) for price in vars(prices).values()),
    )
