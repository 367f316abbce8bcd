"""The carry cost: what the items of each turn cost again by being sent with every later request.

A model remembers nothing: each request sends the whole conversation so far. What a turn added, a long tool output say,
is therefore paid for again by every request of the turns after it.

    carry of turn t = tokens of t's items x requests of the turns after t

Requests and input are counted by the provider; how many tokens the items of a turn take is not, and is estimated:

1. Each turn is taken to have a token for every four characters that its items are stored in.
2. Between two turns of one request each, a before b, the input of the requests tells how much the turns from a to
   before b added: `input(b) - input(a)`, corrected by the users' messages of a and b, which are part of either input
   already: `+ message(a) - message(b)`. Where that is positive it takes the place of the characters: it is parted among
   these turns in proportion to them. Where it is not, the history was cut or rewritten, and the characters stand.
3. So a turn is *measured* where it has one request and the turn after it has one; all others are guessed, in part.

No request sends more than was counted as its input. Where the items before a turn take more than the mean input of its
requests, because the history was cut or the characters tell too much, each of them counts for that turn with the share
that fits; so the carries of all turns never add up to more than the input of all requests.

The *cached* part of a carry is the share of cached tokens in the input of the turns after t: these tokens were sent
again too, at the price of cached input.

What is left out: requests of turns without stored usage; that a turn's own later requests send its earlier items
again; and whatever the agent sends beside the items, as its instructions and tools.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["ResendCost", "TurnInput", "TurnResendCost", "resend_cost"]

_CHARACTERS: Final = 4
"""Characters that make a token, as a rule of thumb."""


class TurnInput(NamedTuple):
    """What is known of a turn.

    Attributes:
        characters: What its items are stored in.
        message: What its user message is stored in, of these.
        requests: Calls of the model; 0 where no usage is stored.
        input_tokens: Tokens that these calls sent, all together.
        cached_tokens: How many of them the provider had cached; None where that was not reported.
        estimated: Whether the tokens are estimates.
    """

    characters: int = 0
    message: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int | None = None
    estimated: bool = False


class TurnResendCost(NamedTuple):
    """What a turn cost again.

    Attributes:
        items: Tokens of its items; an estimate.
        measured: Whether that was worked out from the usage of this turn and the next alone.
        requests: How often they were sent again: requests of the turns after it.
        tokens: Tokens sent again: the product of both, or less where that is more than was sent.
        cached: How many of these were cached; None where no later turn reported that.
    """

    items: int
    measured: bool
    requests: int
    tokens: int
    cached: int | None


@dataclass(frozen=True, eq=False)
class ResendCost:
    """The carry costs of a branch's turns; a few numbers for each, and no object.

    Attributes:
        branch_id: The branch.
        tokens: Tokens sent again, all turns together.
        cached: How many of them were cached; None where that was not reported.
        items: Tokens of all items.
        input_tokens: Input of all requests of the path, of which `tokens` are a part.
        largest: The greatest carry of a turn.
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
        """What a turn cost again; None where the branch has no such turn."""
        if not 1 <= number <= len(self):
            return None
        place = number - 1
        cached = self._cached[place]
        return TurnResendCost(
            self._items[place],
            bool(self._measured[place]),
            self._requests[place],
            self._tokens[place],
            None if cached < 0 else cached,
        )


def resend_cost(branch_id: str, turns: Sequence[TurnInput]) -> ResendCost:
    """Work the carry costs of a branch out, from its first turn to its last; how is told above."""
    items, measured = _items(turns)
    # How much of the items before a turn its requests have sent again: their number, or less where not all fits.
    sent_again, before = array("d", bytes(8 * len(turns))), 0
    for place, turn in enumerate(turns):
        sent_again[place] = min(turn.requests, turn.input_tokens / before) if before else turn.requests
        before += items[place]

    later, tokens, cached = (array("q", bytes(8 * len(turns))) for _ in range(3))
    requests = sent = stored = 0
    again, reported = 0.0, False
    for place in range(len(turns) - 1, -1, -1):
        later[place] = requests
        tokens[place] = int(items[place] * again)
        cached[place] = -1 if not reported else tokens[place] * stored // sent if sent else 0
        turn = turns[place]
        again += sent_again[place]
        requests += turn.requests
        sent += turn.input_tokens
        stored += min(turn.cached_tokens or 0, turn.input_tokens)
        reported = reported or turn.cached_tokens is not None
    return ResendCost(
        branch_id,
        tokens=sum(tokens),
        cached=sum(part for part in cached if part > 0) if any(part >= 0 for part in cached) else None,
        items=sum(items),
        input_tokens=sent,
        largest=max(tokens, default=0),
        _items=items,
        _measured=measured,
        _requests=later,
        _tokens=tokens,
        _cached=cached,
    )


def _items(turns: Sequence[TurnInput]) -> tuple[array[int], bytearray]:
    """Tokens of each turn's items, and whether they were measured."""
    found = array("q", (_tokens(turn.characters) for turn in turns))
    measured = bytearray(len(turns))
    before: int | None = None
    for place, turn in enumerate(turns):
        if turn.requests != 1 or turn.estimated:
            continue
        if before is not None:
            start = turns[before]
            grown = turn.input_tokens - start.input_tokens + _tokens(start.message) - _tokens(turn.message)
            if grown > 0:
                _part(found, before, place, grown)
                measured[before] = place == before + 1
        before = place
    return found, measured


def _part(found: array[int], first: int, stop: int, tokens: int) -> None:
    """Part tokens among turns in proportion to what is found there, so that nothing is lost by rounding."""
    weights = found[first:stop] if any(found[first:stop]) else array("q", [1] * (stop - first))
    whole, weighed, given = sum(weights), 0, 0
    for place, weight in enumerate(weights, first):
        weighed += weight
        share = tokens * weighed // whole - given
        found[place] = share
        given += share


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS)
