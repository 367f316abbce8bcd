"""The evidence whether a provider's prompt cache served a request, and if not, why."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tui.model.money import Money

__all__ = ["CacheEvidence", "Change", "Part", "Unknown", "Verdict"]


class Verdict(StrEnum):
    """The verdict on whether the expected prefix of a request was cached."""

    HIT = "hit"
    """It was read from the cache."""
    PREFIX_CHANGED = "prefix_changed"
    """It was not read from the cache, as the request does not begin with it."""
    NOT_SERVED = "not_served"
    """It was sent again, and not read from the cache: it had expired, or the provider did not find it."""
    UNKNOWN = "unknown"


class Unknown(StrEnum):
    """The reason for which there is no verdict."""

    FIRST_REQUEST = "first_request"
    """There is no request before."""
    NOT_RECORDED = "not_recorded"
    """This request, or the turn before it, is not recorded."""
    NOT_REPORTED = "not_reported"
    """The provider reported no tokens, or no cached tokens."""
    TOO_SHORT = "too_short"
    """The expected prefix is too short for a cache."""
    NO_CACHE_SEEN = "no_cache_seen"
    """Nothing was read from a cache nearby: the provider may have none, or not report it."""
    INPUT_SHRANK = "input_shrank"
    """The provider counted fewer tokens than before for more items: it left some out."""


class Part(StrEnum):
    """A part of a request."""

    MODEL = "model"
    INSTRUCTIONS = "instructions"
    TOOLS = "tools"
    SETTINGS = "settings"
    ITEMS = "items"


class Change(NamedTuple):
    """A part of a request that differs from the request before.

    Attributes:
        name: The model, the first tool or setting that differs, or the type of the item; None if it has no name.
        item: The number of the first item that differs, from 1; None for other parts.
    """

    part: Part
    name: str | None = None
    item: int | None = None


class CacheEvidence(NamedTuple):
    """A verdict, and what it is based on.

    Attributes:
        unknown: Reason why there is no verdict; None if there is one.
        changes: Differences from the request before, where the prefix changed: the items only if nothing else does.
        expected_tokens: Tokens that a cache could have served, in steps of `CACHE_STEP`; 0 without a verdict.
        lost_tokens: Those of them that were not read from the cache; 0 for a hit.
        lost_cost: Additional cost of these; None while no prices are shown.
        compared: Turn and number of the request before; None if there is none.
    """

    verdict: Verdict
    unknown: Unknown | None = None
    changes: tuple[Change, ...] = ()
    expected_tokens: int = 0
    lost_tokens: int = 0
    lost_cost: Money | None = None
    compared: tuple[int, int] | None = None
