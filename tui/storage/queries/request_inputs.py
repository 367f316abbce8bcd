"""The input of a request: instructions, tools, settings and items.

A text is stored once in a session, by its hash. An item that is stored in the branch is not stored again, but referred
to by its position.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from tui.items.codec import decode_or_none, to_json
from tui.items.sealed import UNREADABLE, Seal, is_sealed, unsealed
from tui.model import Session
from tui.model.requests import Request, RequestInput, SentRequest
from tui.storage.engine import Rows, Transaction
from tui.storage.schema import CONVO_REQUEST_INPUTS, CONVO_TEXTS
from tui.storage.sql import insert_into

__all__ = [
    "INPUT_COLUMNS",
    "EncodedInput",
    "MatchMemory",
    "MatchedItems",
    "delete_inputs",
    "elements_of",
    "encode_input",
    "is_group",
    "read_request_input",
    "read_texts",
    "store_input",
    "store_texts",
    "text_hashes",
    "unused_texts",
]

_HASH_BYTES: Final = 16
_GROUP: Final = 64
"""Elements of an input that are stored as a text of their own, which later requests share."""

_MAX_ITEMS: Final = 10**9
"""No branch has as many items; a greater position is damaged."""

_NEARBY: Final = 4
"""Positions around the expected one where an item is looked for."""

_FAR: Final = 24
"""Positions where the first items are looked for that are not found: the branch may have got some since."""

_BATCH: Final = 512
"""Stored items that are read at once."""

_UNREADABLE: Final = object()

_TEXTS: Final = ("instructions", "tools", "settings")

INPUT_COLUMNS: Final = ("response_id", *_TEXTS, "input_items", "input", "last_message_id")
"""The columns of `convo_request_inputs` without its id and the session."""


class EncodedInput(NamedTuple):
    """The values of `INPUT_COLUMNS`, and the texts that they refer to, by hash."""

    columns: dict[str, Any]
    texts: dict[str, str]


class MatchedItems(NamedTuple):
    """The position in the branch of each item that a request sent; None if the item is not stored.

    Attributes:
        last_message_id: The message at the greatest of the positions.
    """

    places: list[int | None]
    last_message_id: int | None


def encode_input(
    tx: Transaction,
    session_id: str,
    branch_id: str,
    request: SentRequest,
    seal: Seal | None,
    memory: MatchMemory,
) -> EncodedInput:
    """Return what a request for a branch sent as it is stored, with the texts encrypted if there is a seal."""
    texts: dict[str, str] = {}
    hash_key = b"" if seal is None else seal.hash_key

    def add(value: object, *, is_secret: bool = True) -> str:
        text = to_json(value)
        digest = blake2b(text.encode(), digest_size=_HASH_BYTES, key=hash_key).digest()
        key = urlsafe_b64encode(digest).decode().rstrip("=")
        texts[key] = text if seal is None or not is_secret else seal.json(text)
        return key

    columns: dict[str, Any] = dict.fromkeys(INPUT_COLUMNS)
    columns["response_id"] = request.response_id
    for name in _TEXTS:
        if (value := getattr(request, name)) is not None:
            columns[name] = add(value)
    if request.items is not None:
        matched = memory.match(tx, session_id, branch_id, request.items, seal)
        elements: list[Any] = []
        for item, position in zip(request.items, matched.places, strict=True):
            if position is None:
                elements.append(add(item))
            elif elements and isinstance(elements[-1], list) and elements[-1][1] == position - 1:
                elements[-1][1] = position
            else:
                elements.append([position, position])
        # The last group may be completed by the next request.
        groups = [elements[start : start + _GROUP] for start in range(0, len(elements), _GROUP)]
        last = groups.pop() if groups else []
        columns |= {
            "input_items": len(request.items),
            "input": json.dumps([*([add(group, is_secret=False)] for group in groups), *last]),
            "last_message_id": matched.last_message_id,
        }
    return EncodedInput(columns, texts)


def store_input(tx: Transaction, session_id: str, request_id: int, encoded: EncodedInput) -> None:
    """Store what a request sent; store nothing if nothing is known."""
    if all(value is None for value in encoded.columns.values()):
        return
    CONVO_REQUEST_INPUTS.create(tx)
    tx.execute(
        insert_into("convo_request_inputs", ("id", "session_id", *INPUT_COLUMNS)),
        id=request_id,
        session_id=session_id,
        **encoded.columns,
    )
    store_texts(tx, session_id, encoded.texts.items())


def store_texts(tx: Transaction, session_id: str, texts: Iterable[tuple[str, str]]) -> None:
    """Store the texts that are not stored yet, each given with its hash."""
    CONVO_TEXTS.create(tx)
    sql = f"{insert_into('convo_texts', ('session_id', 'hash', 'text'))} ON CONFLICT (session_id, hash) DO NOTHING"
    tx.executemany(sql, [{"session_id": session_id, "hash": key, "text": text} for key, text in texts])


def delete_inputs(tx: Transaction, session_id: str, ids: Sequence[int]) -> None:
    """Delete the inputs of requests, and the texts that no other request sent."""
    if not tx.has_table(CONVO_REQUEST_INPUTS.name):
        return
    sql = f"DELETE FROM convo_request_inputs WHERE {tx.dialect.in_ids('id', 'ids')}"
    if tx.execute(sql, ids=json.dumps(ids)).rowcount:
        sql = f"DELETE FROM convo_texts WHERE session_id = :session_id AND {tx.dialect.in_list('hash', 'hashes')}"
        tx.execute(sql, session_id=session_id, hashes=json.dumps(unused_texts(tx, session_id)))


def unused_texts(tx: Transaction, session_id: str) -> list[str]:
    """Return the hashes of the texts of a session that no request sent."""
    if not tx.has_table(CONVO_TEXTS.name):
        return []
    columns = (*_TEXTS, "input")
    sql = f"SELECT {', '.join(columns)} FROM convo_request_inputs WHERE session_id = :session_id"
    inputs = (dict(zip(columns, row, strict=True)) for row in tx.execute(sql, session_id=session_id))
    used = text_hashes(tx, session_id, inputs)
    rows = tx.execute("SELECT hash FROM convo_texts WHERE session_id = :session_id", session_id=session_id)
    return [key for (key,) in rows if key not in used]


def text_hashes(tx: Transaction, session_id: str, inputs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the hashes of all texts that inputs of a session refer to, each given as the values of its columns."""
    used: set[object] = set()
    elements: list[Any] = []
    for columns in inputs:
        used.update(columns.get(name) for name in _TEXTS)
        elements += elements_of(columns.get("input"))
    groups = [element[0] for element in elements if is_group(element)]
    for text in read_texts(tx, session_id, groups).values():
        elements += elements_of(text)
    used.update(groups, (element for element in elements if isinstance(element, str)))
    return {key for key in used if isinstance(key, str)}


def read_request_input(tx: Transaction, session: Session, branch_id: str, request: Request) -> RequestInput:
    """Return what a request of a branch sent, as far as it was recorded."""
    if not request.has_input:
        return RequestInput(request)
    sql = f"SELECT {', '.join(_TEXTS)}, input, last_message_id FROM convo_request_inputs WHERE id = :id"
    *hashes, stored, last_message_id = tx.execute(sql, id=request.id).fetchone()
    elements = elements_of(stored)
    groups = [element[0] for element in elements if is_group(element)]
    texts = read_texts(tx, session.session_id, [*hashes, *groups])
    opened = [unsealed(decode_or_none(texts.get(key)), session.session_id) for key in hashes]
    encrypted = tuple(name for name, value in zip(_TEXTS, opened, strict=True) if value is UNREADABLE)
    instructions, tools, settings = (None if value is UNREADABLE else value for value in opened)
    elements = [
        inner
        for element in elements
        for inner in (_elements_of_group(texts.get(element[0])) if is_group(element) else [element])
    ]
    items = _read_items(tx, session, branch_id, elements, last_message_id)
    return RequestInput(
        request,
        instructions if isinstance(instructions, str) else None,
        tools if isinstance(tools, list) else None,
        settings if isinstance(settings, dict) else None,
        items if stored is not None and items is not None and len(items) == request.input_items else None,
        encrypted,
    )


def _read_items(
    tx: Transaction, session: Session, branch_id: str, elements: Sequence[Any], last_message_id: int | None
) -> list[Any] | None:
    """Return the items that the elements of an input describe; None if the branch was changed since."""
    last = max((element[1] for element in elements if isinstance(element, list)), default=-1)
    stored: Sequence[Any] = ()
    if last >= 0:
        values = {"session_id": session.session_id, "branch_id": branch_id, "message_id": last_message_id}
        sql = (
            f"SELECT branch_id FROM {tx.layout.rows_sql(tx, session.session_id)} AS s"
            " WHERE session_id = :session_id AND message_id = :message_id"
            " ORDER BY branch_id <> :branch_id LIMIT 1"
        )
        if (holder := tx.execute(sql, **values).fetchone()) is None:
            return None
        sql = f"{_rows(tx, session.session_id, holder[0])} ORDER BY s.sequence_number LIMIT :count"
        stored = tx.execute(sql, session_id=session.session_id, branch_id=holder[0], count=last + 1).fetchall()
    texts = read_texts(tx, session.session_id, [element for element in elements if isinstance(element, str)])
    items: list[Any] = []
    for element in elements:
        if isinstance(element, str):
            items.append(decode_or_none(texts.get(element)))
        else:
            items += (decode_or_none(row[-1]) for row in stored[element[0] : element[1] + 1])
    return [unsealed(item, session.session_id) for item in items]


def elements_of(stored: str | None) -> list[Any]:
    """Return the elements of an input or of a group; none if there are others than the format has."""
    elements = decode_or_none(stored)
    return elements if isinstance(elements, list) and all(map(_is_element, elements)) else []


def _elements_of_group(stored: str | None) -> list[Any]:
    """Return the elements of a group; none if it holds another group, which this program does not write."""
    elements = elements_of(stored)
    return [] if any(map(is_group, elements)) else elements


def _is_element(element: object) -> bool:
    match element:
        case str() | [str()]:
            return True
        case [int(first), int(last)]:
            return 0 <= first <= last < _MAX_ITEMS
    return False


def is_group(element: object) -> bool:
    """Return whether an element is the hash of a list of elements."""
    return isinstance(element, list) and len(element) == 1


def read_texts(tx: Transaction, session_id: str, keys: Iterable[object]) -> dict[str, str]:
    """Return texts of a session by their hashes."""
    hashes = [key for key in keys if isinstance(key, str)]
    if not hashes or not tx.has_table(CONVO_TEXTS.name):
        return {}
    is_wanted = tx.dialect.in_list("hash", "hashes")
    sql = f"SELECT hash, text FROM convo_texts WHERE session_id = :session_id AND {is_wanted}"
    return dict(tx.execute(sql, session_id=session_id, hashes=json.dumps(hashes)).fetchall())


def _rows(tx: Transaction, session_id: str, branch_id: str) -> str:
    """Return a query for message id and content of the items of a branch."""
    return (
        f"SELECT s.message_id, {tx.dialect.as_utf8('m.message_data')}"
        f" FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s"
        f" LEFT JOIN {tx.layout.messages_sql(tx, branch_id)} AS m ON m.id = s.message_id"
        " WHERE s.session_id = :session_id AND s.branch_id = :branch_id"
    )


class MatchMemory:
    """Finds where the items of requests are stored in the branch that they were sent for.

    Most requests send what the request before sent, and more. That is remembered for one branch, so that only the items
    after it are read: if the branch has the row of an item, it has the same items before it.
    """

    def __init__(self) -> None:
        self._branch: tuple[str, str] | None = None
        # As they are stored: nobody else changes these objects.
        self._items: list[Any] = []
        self._places: list[int | None] = []
        self._row_ids: list[int | None] = []

    def match(
        self, tx: Transaction, session_id: str, branch_id: str, items: Sequence[Any], seal: Seal | None
    ) -> MatchedItems:
        """Return where each item of a request is stored; the branch is read from its end as far as is necessary."""
        values = {"session_id": session_id, "branch_id": branch_id}
        start, sequence, message_id = self._known(tx, values, items)
        known, places, row_ids = self._items[:start], self._places[:start], self._row_ids[:start]
        first = 0 if not start else (places[-1] or 0) + 1
        branch = tx.layout.rows_sql(tx, session_id, branch_id)
        condition = "s.session_id = :session_id AND s.branch_id = :branch_id AND s.sequence_number > :sequence"
        sql = f"SELECT COUNT(*) FROM {branch} AS s WHERE {condition}"
        (count,) = tx.execute(sql, **values, sequence=sequence).fetchone()
        sql = (
            f"SELECT s.id, s.message_id, {tx.dialect.as_utf8('m.message_data')} FROM {branch} AS s"
            f" LEFT JOIN {tx.layout.messages_sql(tx, branch_id)} AS m ON m.id = s.message_id"
            f" WHERE {condition} ORDER BY s.sequence_number DESC"
        )
        with closing(tx.execute(sql, **values, sequence=sequence)) as rows:
            stored = _StoredItems(rows, count, seal)
            for item, place in zip(items[start:], _find(items[start:], stored), strict=True):
                known.append(json.loads(to_json(item)) if place is None else stored.item(place))
                places.append(None if place is None else first + place)
                row_ids.append(None if place is None else stored.row_id(place))
                if place is not None:
                    message_id = stored.message_id(place)
        self._branch, self._items, self._places, self._row_ids = (session_id, branch_id), known, places, row_ids
        return MatchedItems(places, message_id)

    def _known(self, tx: Transaction, values: Mapping[str, str], items: Sequence[Any]) -> tuple[int, int, int | None]:
        """Return how many of the first items are known, and sequence number and message of the last of them."""
        if self._branch == (values["session_id"], values["branch_id"]):
            pairs = enumerate(zip(items, self._items, strict=False))
            number = next((index for index, (item, known) in pairs if item != known), min(len(items), len(self._items)))
            while number and self._row_ids[number - 1] is None:
                number -= 1
            branch = tx.layout.rows_sql(tx, values["session_id"], values["branch_id"])
            sql = (
                f"SELECT sequence_number, message_id FROM {branch} AS s"
                " WHERE id = :id AND session_id = :session_id AND branch_id = :branch_id"
            )
            row = tx.execute(sql, **values, id=self._row_ids[number - 1]).fetchone() if number else None
            # Where the rows of `main` are derived, others may have changed it before the item.
            if row and (not tx.layout.derives_main or row[0] == (self._places[number - 1] or 0) + 1):
                return number, *row
        return 0, -1, None


class _StoredItems:
    """The items of a branch by position, read from the end as far as they are needed.

    Attributes:
        count: Number of items.
    """

    def __init__(self, rows: Rows, count: int, seal: Seal | None) -> None:
        self.count = count
        self._rows = rows
        self._seal = seal
        self._ids: list[tuple[int, int]] = []
        self._items: list[Any] = []

    def message_id(self, position: int) -> int:
        """Return the id of the message at a position."""
        return self._ids_at(position)[1]

    def row_id(self, position: int) -> int:
        """Return the id of the row at a position."""
        return self._ids_at(position)[0]

    def item(self, position: int) -> Any:
        """Return the item at a position."""
        self._read(position)
        return self._items[self.count - 1 - position]

    def before(self, stop: int, number: int) -> list[Any]:
        """Return the `number` items before the position `stop`, the last one first."""
        self._read(stop - number)
        first = self.count - stop
        return self._items[first : first + number]

    def _ids_at(self, position: int) -> tuple[int, int]:
        self._read(position)
        return self._ids[self.count - 1 - position]

    def _read(self, position: int) -> None:
        while self.count - len(self._items) > position:
            batch = self._rows.fetchmany(_BATCH)
            self._ids += (row[:2] for row in batch)
            # Nothing is equal to an item that cannot be decoded, and so has not been sent.
            self._items += (_UNREADABLE if (item := self._decode(row[2])) is None else item for row in batch)

    def _decode(self, stored: Any) -> Any:
        item = decode_or_none(stored)
        return item if self._seal is None or not is_sealed(item) else self._seal.open(item)


def _find(items: Sequence[Any], stored: _StoredItems) -> list[int | None]:
    """Return the position of each item; None if it is not stored as it was sent.

    Most items are in the order of the branch. Others may be missing in between, on either side, or differ a little.
    """
    places: list[int | None] = [None] * len(items)
    stop, end = stored.count, len(items)
    unmatched = 0
    reversed_items = list(reversed(items))
    while end and stop:
        number = min(end, stop, _BATCH)
        sent = reversed_items[len(items) - end : len(items) - end + number]
        if sent == stored.before(stop, number):
            places[end - number : end] = range(stop - number, stop)
            end, stop, unmatched = end - number, stop - number, 0
            continue
        for item in sent:
            end -= 1
            position = next((p for p in _candidates(stop - 1, unmatched) if stored.item(p) == item), None)
            if position is None:
                unmatched += 1
            else:
                places[end], stop, unmatched = position, position, 0
    return places


def _candidates(expected: int, unmatched: int) -> Iterator[int]:
    """Yield the positions where an item may be, after `unmatched` others were not found where they were expected."""
    shifted = expected - unmatched
    for distance in range(_FAR if unmatched < 3 else _NEARBY):
        for position in (shifted - distance, shifted + distance, expected - distance):
            if 0 <= position <= expected:
                yield position
