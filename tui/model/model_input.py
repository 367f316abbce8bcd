"""What a model was sent with each request of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tui.items.types import item_type
from tui.model.usage import TurnUsage
from tui.model.view import Session

__all__ = ["BYTES_PER_TOKEN", "InputSize", "ItemRange", "ModelInput", "Sibling", "request_ends"]

BYTES_PER_TOKEN: Final = 4
"""Stored bytes that are about one token; more for other scripts than Latin, whose letters JSON stores in six."""


class ItemRange(NamedTuple):
    """Neighbouring items of a branch.

    Attributes:
        branch_id: The branch.
        start: Position of the first of them.
        stop: Position after the last.
    """

    branch_id: str
    start: int
    stop: int


class InputSize(NamedTuple):
    """How much some items are.

    Attributes:
        items: How many; those that cannot be decoded are not sent, and not counted.
        size: Bytes of their JSON as it is stored.
    """

    items: int
    size: int

    @property
    def tokens(self) -> int:
        """About how many tokens they are."""
        return self.size // BYTES_PER_TOKEN


class Sibling(NamedTuple):
    """A branch that parts from the one that is looked at, before the turn that is.

    Attributes:
        branch_id: The branch.
        shared: How many items both begin with.
        stop: How many of its items were sent with the first request of its turn of the same number, or its last turn.
    """

    branch_id: str
    shared: int
    stop: int


class ModelInput(NamedTuple):
    """What a model was sent in a turn.

    Attributes:
        session: The session.
        branch_id: The branch.
        turn: Number of the turn.
        requests: For each request of the turn how many items of the branch, from the first on, were sent.
        answered: Whether the answer to the last of them is stored.
        before: How many items were sent with the last request of the turn before; 0 where there is none.
        usage: What the turn cost; None where that is not stored.
        sibling: A branch to compare with; None where none parts before the turn's end.
    """

    session: Session
    branch_id: str
    turn: int
    requests: tuple[int, ...]
    answered: bool
    before: int
    usage: TurnUsage | None = None
    sibling: Sibling | None = None


def request_ends(start: int, kinds: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """Where the input of each request of a turn ends, and whether the last request was answered.

    A model is asked after what the user said, and again after tools have given their outputs.

    Args:
        start: Position of the turn's first item.
        kinds: The types of the turn's items, as the SDK files them.
    """
    sent = [item_type(kind).is_input for kind in kinds]
    ends = [start + place for place, here in enumerate(sent) if not here and (place == 0 or sent[place - 1])]
    answered = not sent or not sent[-1]
    return (tuple(ends) if answered else (*ends, start + len(kinds))) or (start,), answered
