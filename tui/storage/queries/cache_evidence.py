"""True if a provider's cache served the requests of turns, from what they sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tui.items.codec import decode_or_none
from tui.items.sealed import unsealed
from tui.items.types import message_type
from tui.model import Session
from tui.model.cache_evidence import CacheEvidence, Change, Part
from tui.model.cache_judgement import Element, SentParts, judge_requests
from tui.model.requests import Request
from tui.storage.engine import Transaction
from tui.storage.queries.positions import PositionIndex
from tui.storage.queries.request_inputs import elements_of, is_group, read_texts

__all__ = ["with_cache_evidence"]

_COMPARED_ITEMS: Final = 256
"""Items that are read at most to compare the requests of a page of turns."""


def with_cache_evidence(
    tx: Transaction,
    session: Session,
    branch_id: str,
    requests: Mapping[int, tuple[Request, ...]],
    turns: Iterable[int],
    positions: PositionIndex,
) -> dict[int, tuple[Request, ...]]:
    """Return the requests of turns of a branch, each with its evidence.

    Args:
        tx: The transaction.
        session: The session.
        branch_id: The branch.
        requests: The known requests of these turns, and of the turn before each of them.
        turns: The turns.
        positions: Finds items of the branch.
    """
    sent = _RequestParts(tx, session, branch_id, requests, positions)
    found = {}
    for turn in turns:
        if of_turn := requests.get(turn):
            evidence = judge_requests(requests.get(turn - 1, ()), of_turn, sent.parts, sent.is_same)
            found[turn] = tuple(
                request._replace(cache=sent.with_type(request, of_request))
                for request, of_request in zip(of_turn, evidence, strict=True)
            )
    return found


class _RequestParts:
    """The inputs of requests.

    Attributes:
        parts: Content that each request sent, by id, as far as it is recorded, and the branch still has it.
    """

    def __init__(
        self,
        tx: Transaction,
        session: Session,
        branch_id: str,
        requests: Mapping[int, tuple[Request, ...]],
        positions: PositionIndex,
    ) -> None:
        self._tx, self._session, self._branch_id, self._positions = tx, session, branch_id, positions
        self._items: dict[int | str, Any] = {}
        turns = {request.id: turn for turn, of_turn in requests.items() for request in of_turn if request.has_input}
        self.parts = self._read_parts(turns) if turns else {}

    def is_same(self, before: int | str, after: int | str) -> bool:
        """Return whether two items are the same, given two positions or hashes that are not."""
        old, new = self._item(before), self._item(after)
        return old is not None and bool(old == new)

    def with_type(self, request: Request, evidence: CacheEvidence) -> CacheEvidence:
        """Name the type of the item that changed."""
        if not (evidence.changes and evidence.changes[0].part is Part.ITEMS):
            return evidence
        (change,) = evidence.changes
        elements = self.parts[request.id].items or ()
        key = _at(elements, (change.item or 1) - 1)
        item = None if key is None else self._item(key)
        name = message_type(item) if isinstance(item, dict) else None
        return evidence._replace(changes=(Change(Part.ITEMS, name, change.item),))

    def _read_parts(self, turns: Mapping[int, int]) -> dict[int, SentParts]:
        tx, values = self._tx, {"session_id": self._session.session_id, "branch_id": self._branch_id}
        rows = tx.execute(
            "SELECT id, instructions, tools, settings, input, last_message_id FROM convo_request_inputs"
            f" WHERE {tx.dialect.in_ids('id', 'ids')}",
            ids=json.dumps(list(turns)),
        ).fetchall()
        first, last = min(turns.values()) - 1, max(turns.values())
        with tx.narrowed(self._branch_id, turns=range(first, last + 1)):
            turn_of_message = dict(
                tx.execute(
                    f"SELECT message_id, user_turn_number FROM {tx.structure_table(self._session)}"
                    " WHERE session_id = :session_id AND branch_id = :branch_id"
                    " AND user_turn_number >= :first AND user_turn_number <= :last",
                    **values,
                    first=first,
                    last=last,
                )
            )
        inputs = {row[0]: elements_of(row[4]) for row in rows}
        groups = {element[0] for elements in inputs.values() for element in elements if is_group(element)}
        hashes = {key for row in rows for key in row[2:4]} | groups
        texts = read_texts(tx, self._session.session_id, hashes)
        decoded = {
            key: unsealed(decode_or_none(text), self._session.session_id)
            for key, text in texts.items()
            if key not in groups
        }
        parts = {}
        for request_id, instructions, tools, settings, stored, last_message_id in rows:
            turn = turns[request_id]
            # The positions are those of the branch as it was: its end may have been replaced since.
            is_current = last_message_id is None or turn_of_message.get(last_message_id) in (turn - 1, turn)
            offered, adjusted = decoded.get(tools), decoded.get(settings)
            parts[request_id] = SentParts(
                instructions,
                offered if isinstance(offered, list) else None,
                adjusted if isinstance(adjusted, dict) else None,
                _elements(inputs[request_id], texts) if stored is not None and is_current else None,
            )
        return parts

    def _item(self, key: int | str) -> Any:
        """Return an item by its position or hash; None if it cannot be read, or too many were read."""
        if key not in self._items:
            if len(self._items) >= _COMPARED_ITEMS:
                return None
            if isinstance(key, str):
                stored: str | bytes | None = read_texts(self._tx, self._session.session_id, [key]).get(key)
            else:
                stored = self._positions.message(self._tx, self._session, self._branch_id, key)
            self._items[key] = unsealed(decode_or_none(stored), self._session.session_id)
        return self._items[key]


def _elements(stored: Sequence[Any], texts: Mapping[str, str]) -> list[Element]:
    elements: list[Element] = []
    for element in stored:
        if is_group(element):
            elements += _elements(elements_of(texts.get(element[0])), {})
        else:
            elements.append(element if isinstance(element, str) else (element[0], element[1]))
    return elements


def _at(elements: Sequence[Element], index: int) -> int | str | None:
    """Return the position or hash of an item of a request."""
    for element in elements:
        count = 1 if isinstance(element, str) else element[1] - element[0] + 1
        if index < count:
            return element if isinstance(element, str) else element[0] + index
        index -= count
    return None
