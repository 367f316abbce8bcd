"""The sizes of turns, estimated from their text where no provider counted their tokens.

A size is what a turn added to the conversation. The tokens that its requests sent are more, since each request sends
the conversation so far.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tui.model.usage import Scope

__all__ = ["CHARACTERS_PER_TOKEN", "TextSize", "TextSizes", "estimated_tokens"]

CHARACTERS_PER_TOKEN: Final = 4


def estimated_tokens(characters: int) -> int:
    """Return the estimated number of tokens of a text."""
    return -(-characters // CHARACTERS_PER_TOKEN)


class TextSize(NamedTuple):
    """Estimated tokens of stored items.

    Attributes:
        to_model: Tokens of the messages of users and the outputs of tools.
        from_model: Tokens of what the model wrote: its messages, reasoning and calls.
    """

    to_model: int = 0
    from_model: int = 0

    @property
    def total(self) -> int:
        return self.to_model + self.from_model


@dataclass(frozen=True, eq=False)
class TextSizes:
    """The estimated sizes of a branch's turns, in arrays, since a branch may have 100,000 turns.

    Attributes:
        totals: The sum of each scope.
        largest: The total of the largest turn.
    """

    branch_id: str
    totals: Mapping[Scope, TextSize]
    largest: int
    _to_model: array[int] = field(repr=False)
    _from_model: array[int] = field(repr=False)

    @classmethod
    def of_turns(
        cls, branch_id: str, to_model: array[int], from_model: array[int], own: int, all_: TextSize | None
    ) -> TextSizes:
        """Add up the sizes of a branch.

        Args:
            branch_id: The branch.
            to_model: The tokens that each turn sent to the model, from the first turn on.
            from_model: The tokens that the model wrote in each turn.
            own: The first turn that the branch does not share with an older one.
            all_: The size of all turns of the session; None if it has no other branches.
        """
        path = TextSize(sum(to_model), sum(from_model))
        totals = {
            Scope.OWN: TextSize(sum(to_model[own - 1 :]), sum(from_model[own - 1 :])),
            Scope.PATH: path,
            Scope.ALL: path if all_ is None else all_,
        }
        largest = max(map(int.__add__, to_model, from_model), default=0)
        return cls(branch_id, totals, largest, to_model, from_model)

    def turn(self, number: int) -> TextSize | None:
        """Return the size of a turn; None if the branch has no such turn."""
        if not 1 <= number <= len(self._to_model):
            return None
        return TextSize(self._to_model[number - 1], self._from_model[number - 1])
