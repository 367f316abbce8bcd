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

No request sends more than its counted input. If the items before a turn exceed the mean input of its requests, because
the history was cut or the estimate is too high, each item counts for that turn only with the share that fits. So the
sum of all resend costs never exceeds the input of all requests.

The *cached* part of a resend cost is the share of cached tokens in the input of the turns after t: these tokens were
sent again too, at the price of cached input.

Not included: requests of turns without stored usage; items that a later request of the same turn sends again; and all
that an agent sends besides the items, such as its instructions and tools.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
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
        first_input: Input of its first request; None if only the sum of several is known.
    """

    characters: int = 0
    message: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int | None = None
    estimated: bool = False
    first_input: int | None = None


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
    # How often each turn's requests sent the items before it: the number of requests, or less if not all items fit.
    resends, before = array("d", bytes(8 * len(turns))), 0
    for index, turn in enumerate(turns):
        resends[index] = min(turn.requests, turn.input_tokens / before) if before else turn.requests
        before += items[index]

    later_requests, tokens, cached = (array("q", bytes(8 * len(turns))) for _ in range(3))
    requests = sent_tokens = cached_tokens = 0
    later_resends, reported = 0.0, False
    for index in range(len(turns) - 1, -1, -1):
        later_requests[index] = requests
        tokens[index] = int(items[index] * later_resends)
        cached[index] = -1 if not reported else tokens[index] * cached_tokens // sent_tokens if sent_tokens else 0
        turn = turns[index]
        later_resends += resends[index]
        requests += turn.requests
        sent_tokens += turn.input_tokens
        cached_tokens += min(turn.cached_tokens or 0, turn.input_tokens)
        reported = reported or turn.cached_tokens is not None
    return ResendCost(
        branch_id,
        tokens=sum(tokens),
        cached=sum(part for part in cached if part > 0) if any(part >= 0 for part in cached) else None,
        items=sum(items),
        input_tokens=sent_tokens,
        largest=max(tokens, default=0),
        _items=items,
        _measured=measured,
        _requests=later_requests,
        _tokens=tokens,
        _cached=cached,
    )


def _items(turns: Sequence[TurnInput]) -> tuple[array[int], bytearray]:
    """Return the tokens of each turn's items, and whether they were measured."""
    tokens = array("q", (estimated_tokens(turn.characters) for turn in turns))
    measured = bytearray(len(turns))
    previous: int | None = None
    previous_input = 0
    for index, turn in enumerate(turns):
        first_input = turn.input_tokens if turn.requests == 1 else turn.first_input
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
