"""The input of a model: the items that each request of a turn sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tui.items.types import item_type
from tui.model.requests import Request
from tui.model.usage import TurnUsage
from tui.model.view import Session
from tui.words import shorten

__all__ = [
    "BYTES_PER_TOKEN",
    "ComparedRequest",
    "InputSize",
    "ItemRange",
    "ModelInput",
    "OtherTurn",
    "Sibling",
    "request_ends",
]

BYTES_PER_TOKEN: Final = 4
"""Stored bytes for each token, by estimate; a letter that is not Latin may be stored in six bytes."""

_PREVIOUS: Final = "vs previous request"
_NAME_LENGTH: Final = 24


class ItemRange(NamedTuple):
    """Consecutive items of a branch.

    Attributes:
        start: Position of the first item.
        stop: Position after the last item.
    """

    branch_id: str
    start: int
    stop: int


class InputSize(NamedTuple):
    """The size of some items.

    Attributes:
        items: Number of items, without those that cannot be decoded, which are not sent.
        size: Bytes of their stored JSON.
    """

    items: int
    size: int

    @property
    def tokens(self) -> int:
        """The number of their tokens, by estimate."""
        return self.size // BYTES_PER_TOKEN


class Sibling(NamedTuple):
    """A branch that shares the beginning of another branch, but not the turn in question.

    Attributes:
        shared: Number of items at the beginning of both branches that are the same.
        stop: Number of its items that the first request of its turn of the same number, or of its last turn, sent.
    """

    branch_id: str
    shared: int
    stop: int


class OtherTurn(NamedTuple):
    """A turn with whose requests those of another turn can be compared.

    Attributes:
        branch_id: The branch that holds it; None for the turn before in the same branch.
        relation: Relation of the branch to the other, in one word; empty for the turn before.
        requests: Its requests; empty if they are not known one by one.
    """

    branch_id: str | None
    relation: str
    requests: tuple[Request, ...]


class ComparedRequest(NamedTuple):
    """A recorded request to compare another one with.

    Attributes:
        branch_id: A branch that holds its turn.
        name: Its relation to the other request, in a few words; may contain untrusted text.
    """

    branch_id: str
    request: Request
    name: str


class ModelInput(NamedTuple):
    """The input of a model in a turn.

    Attributes:
        requests: For each request of the turn, the number of items that it sent, from the branch's first item on.
        answered: Whether the answer to the last request is stored.
        before: Number of items that the last request of the turn before sent; 0 if there is none.
        usage: Usage of the turn; None if none is stored.
        sibling: A branch to compare with; None if no branch differs before the end of the turn.
        known: The requests of the turn, as far as they are known one by one; else empty.
        others: Turns whose requests those of this turn can be compared with: the turn before, then other branches'.
    """

    session: Session
    branch_id: str
    turn: int
    requests: tuple[int, ...]
    answered: bool
    before: int
    usage: TurnUsage | None = None
    sibling: Sibling | None = None
    known: tuple[Request, ...] = ()
    others: tuple[OtherTurn, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """True if the input of any of the requests is recorded."""
        return any(request.has_input for request in self.known)

    def compared_requests(self, index: int) -> list[ComparedRequest]:
        """Return the recorded requests to compare a known request with: the one before, then other branches'."""
        found = []
        if index:
            before = self.known[index - 1]
            found.append(ComparedRequest(self.branch_id, before, _PREVIOUS))
        for branch_id, relation, requests in self.others:
            if branch_id is None:
                if not index and requests:
                    found.append(ComparedRequest(self.branch_id, requests[-1], _PREVIOUS))
            elif requests:
                # The request of the same number, or the last one.
                request = requests[min(index, len(requests) - 1)]
                found.append(ComparedRequest(branch_id, request, f"vs {relation} '{shorten(branch_id, _NAME_LENGTH)}'"))
        return [compared for compared in found if compared.request.has_input]


def request_ends(start: int, types: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """Return the position after the input of each request of a turn, and whether the last request was answered.

    A request is made after the user's message, and after the outputs of tools.

    Args:
        start: Position of the turn's first item.
        types: The types of the turn's items, as the SDK files them.
    """
    inputs = [item_type(name).is_input for name in types]
    ends = [
        start + index for index, is_input in enumerate(inputs) if not is_input and (index == 0 or inputs[index - 1])
    ]
    answered = not inputs or not inputs[-1]
    return (tuple(ends) if answered else (*ends, start + len(types))) or (start,), answered
