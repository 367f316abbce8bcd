"""Costs, compared with prices from the lists of genai-prices."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.types import TieredPrices

from tui.errors import ConfigError
from tui.model import Counting, Money, Price, Spending, TurnUsage, Usage
from tui.prices import Prices

USAGE = Usage(3, input_tokens=1_000_000, output_tokens=200_000, total_tokens=1_200_000, cached_tokens=400_000)


def list_price(name: str, model: str = "gpt-5-mini") -> Decimal:
    """Return the price of a million tokens in US dollars."""
    price = getattr(genai_prices.calc_price(genai_prices.Usage(), model).model_price, name)
    assert isinstance(price, Decimal)
    return price


@pytest.fixture(scope="module")
def prices() -> Prices:
    return Prices()


def test_cached_input_other_input_and_output_have_their_own_prices(prices: Prices) -> None:
    money = prices.cost([Spending(USAGE, 4, "gpt-5-mini")])
    assert money is not None
    expected = (
        Decimal("0.6") * list_price("input_mtok")
        + Decimal("0.4") * list_price("cache_read_mtok")
        + Decimal("0.2") * list_price("output_mtok")
    )
    assert (money.amount, money.turns, money.unpriced) == (expected, 4, 0)


def test_cache_writes_have_their_own_price(prices: Prices) -> None:
    usage = Usage(1, 1_000_000, 0, 1_000_000, cached_tokens=0, cache_write_tokens=1_000_000)
    money = prices.cost([Spending(usage, 1, "claude-sonnet-4-0")])
    assert money is not None
    written = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=100_000, cache_write_tokens=100_000), "claude-sonnet-4-0"
    )
    assert money.amount == 10 * written.total_price
    assert money.amount > 0


def test_input_that_was_counted_without_the_cache_is_billed_with_it_and_marked(prices: Prices) -> None:
    inclusive = Usage(1, 1_000_000, 0, 1_000_000, cached_tokens=800_000, cache_write_tokens=100_000)
    exclusive = inclusive._replace(input_tokens=100_000, total_tokens=100_000)
    model = "claude-sonnet-4-0"
    plain = prices.cost([Spending(inclusive, 1, model)])
    money = prices.cost([Spending(exclusive, 1, model, counting=Counting.EXCLUSIVE)])
    assert plain is not None
    assert money == plain._replace(estimated=True)


def test_a_turn_without_stored_tokens_has_no_known_cost(prices: Prices) -> None:
    money = prices.cost([Spending(Usage(), 1, "gpt-5-mini", counting=Counting.UNKNOWN)])
    assert money == Money(Decimal(0), 1, unpriced=1)


def test_turns_without_a_price_are_counted(prices: Prices) -> None:
    spendings = [Spending(USAGE, 3, "gpt-5-mini"), Spending(USAGE, 2, None), Spending(USAGE, 1, "nobody-knows-it")]
    money = prices.cost(spendings)
    assert money is not None
    assert (money.turns, money.unpriced) == (6, 3)
    assert prices.cost([]) is None


def test_price_as_applies_to_turns_without_a_price_of_their_own() -> None:
    chosen = Prices("gpt-5-mini")
    spendings = [Spending(USAGE, 1, "gpt-5"), Spending(USAGE, 1, None), Spending(USAGE, 1, "nobody-knows-it")]
    money, recorded, other = chosen.cost(spendings), chosen.cost(spendings[:1]), chosen.cost(spendings[1:2])
    assert money is not None
    assert recorded is not None
    assert other is not None
    assert money.unpriced == 0
    assert money.amount == recorded.amount + 2 * other.amount
    assert recorded.amount != other.amount
    assert chosen.window(None) == chosen.window("gpt-5-mini") == 400_000
    with pytest.raises(ConfigError, match="no price for a model 'gpt-99'"):
        Prices("gpt-99")


@pytest.mark.parametrize(
    "name", ["gpt-5-mini", "openai/gpt-5-mini", "litellm/openai/gpt-5-mini", "any-llm/openai/gpt-5-mini"]
)
def test_models_have_the_names_of_the_sdk(prices: Prices, name: str) -> None:
    assert prices.cost([Spending(USAGE, 1, name)]) == prices.cost([Spending(USAGE, 1, "gpt-5-mini")])


def test_the_users_own_prices_come_first_and_are_named_with_their_source() -> None:
    price = Price("of-our-own", Decimal(1), Decimal("0.1"), Decimal(5), "config.toml")
    own = Prices("of-our-own", {"of-our-own": price, "gpt-5-mini": price})
    expected = Decimal("0.6") * 1 + Decimal("0.4") * Decimal("0.1") + Decimal("0.2") * 5
    names = ("of-our-own", "azure/of-our-own", "litellm/azure/of-our-own", "gpt-5-mini", None, "nobody-knows-it")
    spendings = [Spending(USAGE, 1, name) for name in names]
    money = own.cost(spendings)
    assert money is not None
    assert (money.amount, money.unpriced, money.estimated) == (6 * expected, 0, False)
    assert own.names()[:2] == ["of-our-own", "gpt-5-mini"]
    used = own.used([*spendings, Spending(USAGE, 1, "gpt-5")])
    assert [(price.model, price.source) for price in used] == [
        ("of-our-own", "config.toml"),
        ("azure/of-our-own", "config.toml"),
        ("litellm/azure/of-our-own", "config.toml"),
        ("gpt-5-mini", "config.toml"),
        ("gpt-5", "genai-prices"),
    ]
    listed = used[-1]
    assert (listed.input, listed.output) == (list_price("input_mtok", "gpt-5"), list_price("output_mtok", "gpt-5"))


def test_long_requests_cost_more_with_tiered_prices(prices: Prices) -> None:
    tiered = genai_prices.calc_price(genai_prices.Usage(), "gemini-2.5-pro").model_price.input_mtok
    assert isinstance(tiered, TieredPrices)
    limit = tiered.tiers[0].start
    assert limit in prices.limits
    # Two requests of 150,000 tokens are in the lower tier, although their sum is not.
    short, long = (
        prices.cost_of_turn(TurnUsage(1, Usage(requests, 300_000, 0, 300_000), model="gemini-2.5-pro"))
        for requests in (2, 1)
    )
    # The mean of several is a guess.
    assert [money and (money.amount, money.estimated) for money in (short, long)] == [
        (tiered.base * 3 / 10, True),
        (tiered.tiers[0].price * 3 / 10, False),
    ]


def test_prices_depend_on_the_day(prices: Prices) -> None:
    model = genai_prices.calc_price(genai_prices.Usage(), "o3").model
    dates = [price.constraint.start_date for price in model.prices if price.constraint]  # type: ignore[union-attr]
    day = f"{dates[0]:%Y-%m-%d} 05"
    before, after = (prices.cost([Spending(USAGE, 1, "o3", hour)]) for hour in ("2025-05-01 05", day))
    assert before is not None
    assert after is not None
    assert before.amount > after.amount
    assert prices.cost([Spending(USAGE, 1, "o3", "no time")]) == prices.cost([Spending(USAGE, 1, "o3")])


def test_estimated_tokens_give_an_estimated_cost(prices: Prices) -> None:
    money = prices.cost([Spending(Usage(1, 10, 10, 20, estimated=True), 1, "gpt-5-mini")])
    assert money is not None
    assert money.estimated


def test_the_lists_are_not_loaded_by_the_import() -> None:
    code = "import sys, tui.prices, tui.app; print('genai_prices' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
