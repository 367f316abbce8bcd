"""Requests to a model: what each of them used, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tui.model.cache_evidence import CacheEvidence
    from tui.model.money import Money

__all__ = ["Request", "RequestInput", "RequestUsage", "SentRequest", "adds_up"]


class RequestUsage(NamedTuple):
    """Tokens of a request.

    Attributes:
        input_tokens: Tokens sent, including `cached_tokens`.
        output_tokens: Tokens received, including `reasoning_tokens`.
        cached_tokens: Part of the input that the provider read from its cache; None if not reported.
        cache_write_tokens: Part of the input that the provider wrote to its cache; None if not reported.
        reasoning_tokens: Part of the output that was reasoning; None if not reported.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def prompt_tokens(self) -> int:
        """All tokens that were sent, also if the provider counts those of its cache apart from the input."""
        cache = (self.cached_tokens or 0) + (self.cache_write_tokens or 0)
        return self.input_tokens + cache if cache > self.input_tokens else self.input_tokens

    @property
    def used_cache(self) -> bool:
        """True if tokens were read from a cache or written to it."""
        return bool(self.cached_tokens or self.cache_write_tokens)


class SentRequest(NamedTuple):
    """A request that has ended, as a recorder hands it over.

    Attributes:
        usage: Tokens, as the provider counted them; None if it reported none, or did not answer.
        agent: Name of the agent.
        model: Name of the model.
        started_at: Time at which it was sent: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
        seconds: Time until the answer was complete.
        first_token_seconds: Time until the answer began; None if it was not streamed.
        response_id: The id that the server gave the response.
        instructions: The instructions that were sent; None if there were none.
        tools: The tools that the model was offered, as JSON; None if they are not known.
        settings: The settings of the model, as JSON; None if they are not known.
        items: The items that were sent, as JSON; None if they are not known.
    """

    usage: RequestUsage | None = None
    agent: str | None = None
    model: str | None = None
    started_at: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    response_id: str | None = None
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    items: list[dict[str, Any]] | None = None


class Request(NamedTuple):
    """A request of a turn, as far as it is recorded.

    Attributes:
        id: Its id in the file.
        branch_id: The branch that ran the turn; other branches that hold the turn inherited it.
        number: Its number in the turn, from 1.
        started_at: Time at which it was sent: UTC, naive.
        seconds: Time until the answer was complete.
        first_token_seconds: Time until the answer began.
        usage: Tokens; None if none were reported. Such a request does not count in the usage of the turn.
        response_id: The id that the server gave the response.
        input_items: Number of items that were sent; None if they were not recorded.
        has_input: Whether anything of what was sent was recorded.
        cost: The cost in money; None while no prices are shown.
        cache: Whether the provider's cache served it; None if that was not read.
    """

    id: int
    branch_id: str
    turn: int
    number: int
    agent: str | None = None
    model: str | None = None
    started_at: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    usage: RequestUsage | None = None
    response_id: str | None = None
    input_items: int | None = None
    has_input: bool = False
    cost: Money | None = None
    cache: CacheEvidence | None = None

    @property
    def prompt_tokens(self) -> int:
        """All tokens that were sent; 0 if none were reported."""
        return self.usage.prompt_tokens if self.usage else 0


class RequestInput(NamedTuple):
    """The recorded input of a request.

    Attributes:
        request: The request.
        instructions: The instructions; None if there were none or they were not recorded.
        tools: The tools; None if they were not recorded.
        settings: The settings of the model; None if they were not recorded.
        items: The items; None if they were not recorded, or were changed since.
        encrypted_parts: Names of the parts that are None as they are encrypted, and cannot be decrypted.
    """

    request: Request
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    items: list[Any] | None = None
    encrypted_parts: tuple[str, ...] = ()


def adds_up(usages: Sequence[RequestUsage | None], requests: int, total: RequestUsage) -> bool:
    """Return whether usages are those of all `requests`, whose sum is `total`; a number not reported counts as 0.

    A request without usage may be among those that are counted.
    """
    reported = [usage for usage in usages if usage is not None]
    sums = [sum(usage[column] or 0 for usage in reported) for column in range(len(total))]
    return len(reported) <= requests <= len(usages) and sums == [number or 0 for number in total]
