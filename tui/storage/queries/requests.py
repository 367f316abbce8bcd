"""The requests of a turn: what each of them used.

The sums of a turn's requests are its usage, as both are stored in one transaction. Where another program has replaced
the usage since, the requests are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.items.sealed import Seal
from tui.model import Session, TurnTree, TurnUsage
from tui.model.requests import Request, RequestUsage, SentRequest, adds_up
from tui.storage.engine import Transaction
from tui.storage.layout import TurnKey
from tui.storage.queries.request_inputs import EncodedInput, MatchMemory, delete_inputs, encode_input, store_input
from tui.storage.queries.turn_usage import usages_by_turn
from tui.storage.queries.usage_columns import STORED_COLUMNS, USAGE_COLUMNS
from tui.storage.schema import CONVO_REQUESTS, CONVO_USAGE
from tui.storage.sql import insert_into

__all__ = [
    "REQUEST_COLUMNS",
    "EndedRequest",
    "TurnKey",
    "delete_requests",
    "delete_requests_without_usage",
    "delete_stale_requests",
    "delete_usage",
    "insert_request",
    "last_turn_key",
    "prepare_request",
    "read_requests",
    "record_request",
    "replace_requests",
    "replace_usage",
    "turn_exists",
    "turn_of_run",
]

_TOKENS: Final = RequestUsage._fields
_CIRCUMSTANCES: Final = ("agent", "model", "started_at", "seconds", "first_token_seconds")

REQUEST_COLUMNS: Final = ("branch_id", "user_turn_number", "message_id", "number", *_CIRCUMSTANCES, *_TOKENS)
"""The columns of `convo_requests` without its id and the session."""

_STORED: Final = ("session_id", *REQUEST_COLUMNS)
_INSERT: Final = f"{insert_into('convo_requests', _STORED)} RETURNING id"
_STORED_USAGES: Final = (
    f"SELECT id, number, {', '.join(_TOKENS)} FROM convo_requests WHERE session_id = :session_id"
    " AND message_id = :message_id AND branch_id = :branch_id AND user_turn_number = :user_turn_number"
    " ORDER BY number, id"
)
_UPDATE: Final = (
    f"UPDATE convo_requests SET {', '.join(f'{name} = :{name}' for name in ('number', *_TOKENS))} WHERE id = :id"
)
_MAX_SECONDS: Final = 1e9
"""Longer durations are cut to this: another program may have stored any number."""


class EndedRequest(NamedTuple):
    """A request to record, its turn, and what it sent as it is stored."""

    turn: TurnKey
    request: SentRequest
    input: EncodedInput


class _StoredUsage(NamedTuple):
    """The usage of a stored request; None if it was not reported."""

    id: int
    number: int
    usage: RequestUsage | None


def last_turn_key(tx: Transaction, session_id: str, branch_id: str) -> TurnKey | None:
    """Return the last turn of a branch; None if the branch has no items."""
    # The last row may have no turn: `MAX` would not tell that from a branch without rows.
    row = tx.execute(
        f"SELECT user_turn_number, message_id FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s"
        " WHERE session_id = :session_id AND branch_id = :branch_id"
        " ORDER BY user_turn_number DESC, sequence_number LIMIT 1",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    return None if row is None else TurnKey(session_id, branch_id, row[0] or 0, row[1] if row[0] is not None else None)


def replace_usage(tx: Transaction, turn: TurnKey, usage: dict[str, Any]) -> None:
    """Replace the row of a turn in `turn_usage`; `usage` has the values of `STORED_COLUMNS`."""
    # The row is not updated but replaced: by its new id and time others see that it is new.
    delete_usage(tx, turn)
    values = {**turn._asdict(), **usage}
    tx.execute(insert_into(tx.tables.usage, (*tx.layout.usage_columns, *STORED_COLUMNS)), **values)


def delete_usage(tx: Transaction, turn: TurnKey) -> None:
    """Delete the row of a turn in `turn_usage`."""
    tx.execute(f"DELETE FROM {tx.tables.usage} WHERE {tx.layout.usage_key}", **turn._asdict())


def replace_requests(
    tx: Transaction, turn: TurnKey, usages: Sequence[RequestUsage], requests: int, total: RequestUsage
) -> None:
    """Replace the requests of a turn, which has `requests` of them with the sum `total`.

    `usages` are all requests, or empty if only the sum is known. Stored requests with this sum, and with the tokens of
    each of `usages`, stay as they are. Otherwise those with the tokens of one of them keep what else is known of them.
    """
    if turn.message_id is None:
        return
    stored = _stored_usages(tx, turn)
    known = [request.usage for request in stored]
    is_same = not usages or [usage[:2] for usage in usages] == [usage[:2] for usage in known if usage is not None]
    if stored and is_same and adds_up(known, requests, total):
        return
    new = []
    kept = set()
    for number, (usage, same) in enumerate(zip(usages, _same_tokens(stored, usages), strict=True), start=1):
        if same is None:
            new.append((*turn, number, *usage))
        else:
            kept.add(same.id)
            if (number, usage) != same[1:]:
                tx.execute(_UPDATE, id=same.id, number=number, **usage._asdict())
    delete_requests(tx, turn.session_id, [request.id for request in stored if request.id not in kept])
    if new:
        CONVO_REQUESTS.create(tx)
        tx.insert_rows("convo_requests", (*TurnKey._fields, "number", *_TOKENS), new)


def _stored_usages(tx: Transaction, turn: TurnKey) -> list[_StoredUsage]:
    if not tx.has_table(CONVO_REQUESTS.name):
        return []
    rows = tx.execute(_STORED_USAGES, **turn._asdict())
    return [_StoredUsage(request_id, number, _reported(usage)) for request_id, number, *usage in rows]


def _reported(tokens: Sequence[int | None]) -> RequestUsage | None:
    """Return the usage of a request from its columns; None if no tokens were reported."""
    sent, received, *details = tokens
    return None if sent is None and received is None else RequestUsage(sent or 0, received or 0, *details)


def _same_tokens(stored: Sequence[_StoredUsage], usages: Sequence[RequestUsage]) -> list[_StoredUsage | None]:
    """Return for each usage the next stored request with the same tokens, in order."""
    if not stored:
        return [None] * len(usages)
    found: list[_StoredUsage | None] = []
    start = 0
    for usage in usages:
        rest = range(start, len(stored))
        index = next((index for index in rest if (stored[index].usage or ())[:2] == usage[:2]), None)
        found.append(None if index is None else stored[index])
        start = start if index is None else index + 1
    return found


def turn_of_run(tx: Transaction, session_id: str, branch_id: str, turn: TurnKey | None) -> TurnKey | None:
    """Return the turn of a run, whichever branch holds it now; the branch's last turn if it is None."""
    last = last_turn_key(tx, session_id, branch_id)
    return last if turn is None or (last is not None and last.message_id == turn.message_id) else turn


def turn_exists(tx: Transaction, turn: TurnKey) -> bool:
    """Return whether a branch holds a turn."""
    sql = (
        f"SELECT 1 FROM {tx.layout.rows_sql(tx, turn.session_id, turn.branch_id)} AS s"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :user_turn_number"
        " AND message_id = :message_id LIMIT 1"
    )
    return tx.execute(sql, **turn._asdict()).fetchone() is not None


def prepare_request(
    tx: Transaction,
    session_id: str,
    branch_id: str,
    request: SentRequest,
    seal: Seal | None = None,
    memory: MatchMemory | None = None,
    turn: TurnKey | None = None,
) -> EndedRequest | None:
    """Return a request of a run as it is recorded; None if its turn is not known.

    Args:
        tx: The transaction.
        session_id: The session.
        branch_id: The branch.
        request: The request.
        seal: Encrypts what was sent.
        memory: Finds the items that it sent faster if it found those of the request before.
        turn: The turn of the run; None for the last turn of the branch.
    """
    sent = encode_input(tx, session_id, branch_id, request, seal, memory or MatchMemory())
    turn = turn_of_run(tx, session_id, branch_id, turn)
    return None if turn is None or turn.message_id is None else EndedRequest(turn, request, sent)


def record_request(tx: Transaction, ended: EndedRequest, first: bool) -> bool:
    """Add a request to its turn and to the turn's usage; return False if the turn is gone.

    The first request of a run replaces the requests and the usage that are stored for the turn. A request without usage
    adds nothing to the turn's usage.
    """
    turn, request, sent = ended
    if not turn_exists(tx, turn):
        return False
    stored = _stored_usages(tx, turn)
    if first:
        delete_requests(tx, turn.session_id, [other.id for other in stored])
        stored = []
    row = {
        **turn._asdict(),
        "number": len(stored) + 1,
        **{name: getattr(request, name) for name in _CIRCUMSTANCES},
        **dict(zip(_TOKENS, request.usage or (None,) * len(_TOKENS), strict=True)),
    }
    insert_request(tx, turn.session_id, row, sent)
    if request.usage is not None:
        replace_usage(tx, turn, _sums([*(other.usage for other in stored if other.usage is not None), request.usage]))
    elif first:
        delete_usage(tx, turn)
    return True


def insert_request(tx: Transaction, session_id: str, row: Mapping[str, Any], sent: EncodedInput) -> None:
    """Insert a request with the values of `REQUEST_COLUMNS`, and what it sent."""
    CONVO_REQUESTS.create(tx)
    (request_id,) = tx.execute(_INSERT, **{**row, "session_id": session_id}).fetchone()
    store_input(tx, session_id, request_id, sent)


def _sums(usages: Sequence[RequestUsage]) -> dict[str, Any]:
    """Return the sum of requests as the values of `STORED_COLUMNS`."""
    known = ([number for number in numbers if number is not None] for numbers in zip(*usages, strict=True))
    sums: dict[str, int | None] = {
        name: sum(numbers) if numbers else None for name, numbers in zip(_TOKENS, known, strict=True)
    }
    sums |= {
        "requests": len(usages),
        "total_tokens": (sums["input_tokens"] or 0) + (sums["output_tokens"] or 0),
    }
    stored: dict[str, Any] = dict.fromkeys(STORED_COLUMNS)
    for column in USAGE_COLUMNS:
        if not column.details:
            stored[column.name] = sums[column.name]
        elif (number := sums[column.name]) is not None:
            stored[column.details] = {**(stored[column.details] or {}), column.name: number}
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in stored.items()}


def read_requests(
    tx: Transaction,
    session: Session,
    tree: TurnTree,
    branch_id: str,
    first: int,
    last: int,
    usages: Mapping[int, TurnUsage] | None = None,
) -> dict[int, tuple[Request, ...]]:
    """Return the requests of those turns of a branch from `first` to `last` whose requests are all known, in order.

    `usages` are those of the turns, if they were read already.
    """
    if not tx.has_table(CONVO_REQUESTS.name):
        return {}
    has_inputs = tx.has_table("convo_request_inputs")
    inputs = "CAST(i.response_id AS TEXT), i.input_items, i.id IS NOT NULL" if has_inputs else "NULL, NULL, 0"
    texts = ", ".join(f"CAST(r.{name} AS TEXT)" for name in ("branch_id", "agent", "model", "started_at"))
    seconds = ", ".join(
        tx.dialect.clamped(f"CAST(r.{name} AS DOUBLE PRECISION)", 0, _MAX_SECONDS)
        for name in ("seconds", "first_token_seconds")
    )
    tokens = ", ".join(f"r.{name}" for name in _TOKENS)
    with tx.narrowed(branch_id, turns=range(first, last + 1)):
        rows = tx.execute(
            f"SELECT r.id, r.user_turn_number, {texts}, {seconds}, {inputs}, {tokens}"
            f" FROM {tx.structure_table(session)} t"
            f" {tx.dialect.ordered_join} convo_requests r ON r.session_id = t.session_id"
            " AND r.message_id = t.message_id AND r.user_turn_number = t.user_turn_number"
            f"{' LEFT JOIN convo_request_inputs i ON i.id = r.id' if has_inputs else ''}"
            " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
            " AND t.user_turn_number >= :first AND t.user_turn_number <= :last ORDER BY r.number, r.id",
            session_id=session.session_id,
            branch_id=branch_id,
            first=first,
            last=last,
        )
    found: dict[tuple[int, str], list[Request]] = {}
    for row in rows:
        request_id, turn, runner, agent, model, started_at, seconds, first_token, response_id, items, has_input = row[
            :11
        ]
        of_turn = found.setdefault((turn, runner), [])
        of_turn.append(
            Request(
                request_id,
                runner,
                turn,
                len(of_turn) + 1,
                agent,
                model,
                started_at,
                seconds,
                first_token,
                _reported(row[11:]),
                response_id,
                items,
                bool(has_input),
            )
        )
    if not found:
        return {}
    if usages is None:
        usages = usages_by_turn(tx, session, tree, branch_id, first, last)
    known = {}
    for (turn, runner), requests in found.items():
        used = usages.get(turn)
        reported = [request.usage for request in requests]
        if used is None or used.usage is None:
            # Tokens of none of its requests were reported, by whichever branch ran it.
            if not any(reported) and (turn not in known or runner == branch_id):
                known[turn] = tuple(requests)
        elif runner == used.branch_id:
            total = RequestUsage(*(getattr(used.usage, name) for name in _TOKENS))
            if adds_up(reported, used.usage.requests, total):
                known[turn] = tuple(requests)
    return known


def delete_requests(tx: Transaction, session_id: str, ids: Sequence[int]) -> None:
    """Delete requests, and what is recorded of their input."""
    if ids:
        condition = tx.dialect.in_ids("id", "ids")
        tx.execute(f"DELETE FROM convo_requests WHERE {condition}", ids=json.dumps(ids))
        delete_inputs(tx, session_id, ids)


def delete_stale_requests(tx: Transaction, session_id: str, message_id: int | None = None) -> None:
    """Delete requests of turns whose first message is gone; only those of `message_id` if it is given."""
    _delete_where(tx, session_id, message_id, tx.layout.is_missing_sql(tx, "r.message_id"))


def delete_requests_without_usage(
    tx: Transaction, session_id: str, branch_id: str, message_id: int | None = None
) -> None:
    """Delete the requests that a branch ran, after its usage was deleted, and the usage that others share was kept.

    Only those of the turn that begins with `message_id`, if it is given.
    """
    condition = "r.branch_id = :branch_id"
    if tx.has_table(CONVO_USAGE.name):
        condition += (
            " AND NOT EXISTS (SELECT 1 FROM convo_usage AS u WHERE u.session_id = r.session_id"
            " AND u.message_id = r.message_id AND u.branch_id = r.branch_id)"
        )
    _delete_where(tx, session_id, message_id, condition, branch_id=branch_id)


def _delete_where(tx: Transaction, session_id: str, message_id: int | None, condition: str, **values: object) -> None:
    if not tx.has_table(CONVO_REQUESTS.name):
        return
    only = "" if message_id is None else " AND r.message_id = :message_id"
    sql = f"SELECT r.id FROM convo_requests AS r WHERE r.session_id = :session_id{only} AND {condition}"
    rows = tx.execute(sql, session_id=session_id, message_id=message_id, **values).fetchall()
    delete_requests(tx, session_id, [request_id for (request_id,) in rows])
