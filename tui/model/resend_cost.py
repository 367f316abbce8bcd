"""The resend cost of turns: the tokens that later requests sent again because of a turn.

A model has no memory: each request sends the conversation so far. The items of a turn, such as a long tool output, are
therefore sent again by every request of the turns after it.

    resend cost of turn t = tokens of t's items x requests of the turns after t

The provider counts requests and their input, but not the tokens of a turn's items. These are estimated:

1. Each turn is assumed to have one token for every four characters of its stored items.
2. Take two turns a and b, a before b, of which the input of the first request is known: the request is recorded, or the
   only one of its turn. If no such turn is between them, the turns from a to the one before b added the difference,
   which is `first input(b) - first input(a) + message(a) - message(b)`, since either input already includes the user
   message of its turn. If that is positive, it replaces the estimate of rule 1, in proportion to it. If not, the
   history was cut or rewritten, and the estimate of rule 1 remains.
3. So a turn is *measured* if the first input of both it and the next turn is known; the other turns are estimated, at
   least in part.

No request sends more than its counted input. If the items before a turn exceed the input of one of its requests,
because the history was cut or the estimate is too high, each item counts for that request only with the share that
fits. So the sum of all resend costs never exceeds the input of all requests. If only the sum of a turn's requests is
known, each of them counts with the mean.

The *cached* part of a resend cost adds up the same requests, each with the share of its input that was cached: these
tokens were sent again too, at the price of cached input.

Not included: requests of turns without stored usage; items that a later request of the same turn sends again; and all
that an agent sends besides the items, such as its instructions and tools.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.model.text_sizes import estimated_tokens

__all__ = ["ResendCost", "TurnInput", "TurnResendCost", "resend_cost"]


class TurnInput(NamedTuple):
    """The known sizes of a turn's items and requests.

    Attributes:
        characters: Number of characters of its stored items.
        message: Number of characters of its stored user message, which `characters` includes.
        requests: Number of requests; 0 if no usage is stored.
        input_tokens: Input of all its requests.
        cached_tokens: Cached part of the input; None if not reported.
        estimated: Whether the tokens are estimates.
        sent: Input and cached tokens of each of its requests; empty if only the sum of several is known.
    """

    characters: int = 0
    message: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int | None = None
    estimated: bool = False
    sent: Sequence[tuple[int, int | None]] = ()

    @property
    def equal_requests(self) -> Iterator[tuple[int, float, float]]:
        """Number, input and cached tokens of requests: of each one, or the means if only their sum is known."""
        if self.sent:
            yield from ((1, tokens, min(cached or 0, tokens)) for tokens, cached in self.sent)
        elif self.requests:
            cached = min(self.cached_tokens or 0, self.input_tokens)
            yield self.requests, self.input_tokens / self.requests, cached / self.requests

    @property
    def first_input(self) -> int | None:
        """Input of the first request; None if only the sum of several is known."""
        if self.sent:
            return self.sent[0][0]
        return self.input_tokens if self.requests == 1 else None


class TurnResendCost(NamedTuple):
    """The resend cost of a turn.

    Attributes:
        items: Tokens of its items; an estimate.
        measured: Whether they follow from the usage of this turn and the next turn alone.
        requests: Number of requests of the turns after it, each of which sent the items again.
        tokens: Tokens sent again: `items` times `requests`, or less if the requests sent fewer tokens.
        cached: Cached part of these tokens; None if no later turn reported any.
    """

    items: int
    measured: bool
    requests: int
    tokens: int
    cached: int | None


@dataclass(frozen=True, eq=False)
class ResendCost:
    """The resend costs of a branch's turns, in arrays, since a branch may have 100,000 turns.

    Attributes:
        tokens: Tokens sent again, for all turns.
        cached: Cached part of these tokens; None if not reported.
        items: Tokens of all items.
        input_tokens: Input of all requests of the path, which includes `tokens`.
        largest: The greatest resend cost of a turn.
    """

    branch_id: str
    tokens: int
    cached: int | None
    items: int
    input_tokens: int
    largest: int
    _items: array[int] = field(repr=False)
    _measured: bytearray = field(repr=False)
    _requests: array[int] = field(repr=False)
    _tokens: array[int] = field(repr=False)
    _cached: array[int] = field(repr=False)

    def __len__(self) -> int:
        return len(self._items)

    def turn(self, number: int) -> TurnResendCost | None:
        """Return the resend cost of a turn; None if the branch has no such turn."""
        if not 1 <= number <= len(self):
            return None
        index = number - 1
        cached = self._cached[index]
        return TurnResendCost(
            self._items[index],
            bool(self._measured[index]),
            self._requests[index],
            self._tokens[index],
            None if cached < 0 else cached,
        )


def resend_cost(branch_id: str, turns: Sequence[TurnInput]) -> ResendCost:
    """Compute the resend costs of a branch from the sizes of all its turns."""
    items, measured = _items(turns)
    # For each turn, the number of requests that sent the items before it, and the cached share of that number. Both are
    # lower if not all items fit.
    resends, cached_resends = (array("d", bytes(8 * len(turns))) for _ in range(2))
    before = 0
    for index, turn in enumerate(turns):
        for number, tokens, cached in turn.equal_requests:
            share = number * min(1, tokens / before) if before else number
            resends[index] += share
            cached_resends[index] += share * (cached / tokens) if tokens else 0
        before += items[index]

    later_requests, resent, resent_cached = (array("q", bytes(8 * len(turns))) for _ in range(3))
    requests = 0
    later_resends = later_cached_resends = 0.0
    reported = False
    for index in range(len(turns) - 1, -1, -1):
        later_requests[index] = requests
        resent[index] = int(items[index] * later_resends)
        resent_cached[index] = int(items[index] * later_cached_resends) if reported else -1
        turn = turns[index]
        requests += turn.requests
        later_resends += resends[index]
        later_cached_resends += cached_resends[index]
        reported = reported or turn.cached_tokens is not None
    return ResendCost(
        branch_id,
        tokens=sum(resent),
        cached=sum(part for part in resent_cached if part > 0) if any(part >= 0 for part in resent_cached) else None,
        items=sum(items),
        input_tokens=sum(turn.input_tokens for turn in turns),
        largest=max(resent, default=0),
        _items=items,
        _measured=measured,
        _requests=later_requests,
        _tokens=resent,
        _cached=resent_cached,
    )


def _items(turns: Sequence[TurnInput]) -> tuple[array[int], bytearray]:
    """Return the tokens of each turn's items, and whether they were measured."""
    tokens = array("q", (estimated_tokens(turn.characters) for turn in turns))
    measured = bytearray(len(turns))
    previous: int | None = None
    previous_input = 0
    for index, turn in enumerate(turns):
        first_input = turn.first_input
        if first_input is None or turn.estimated:
            continue
        if previous is not None:
            message = estimated_tokens(turns[previous].message)
            added = first_input - previous_input + message - estimated_tokens(turn.message)
            if added > 0:
                _distribute(tokens, previous, index, added)
                measured[previous] = index == previous + 1
        previous, previous_input = index, first_input
    return tokens, measured


def _distribute(tokens: array[int], first: int, stop: int, added: int) -> None:
    """Replace the tokens of turns by shares of `added` in the same proportion, without loss by rounding."""
    weights = tokens[first:stop] if any(tokens[first:stop]) else array("q", [1] * (stop - first))
    total, so_far, distributed = sum(weights), 0, 0
    for index, weight in enumerate(weights, first):
        so_far += weight
        share = added * so_far // total - distributed
        tokens[index] = share
        distributed += share
