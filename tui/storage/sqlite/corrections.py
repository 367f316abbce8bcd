"""Reading files with values that no session class stores, through corrected copies of their tables.

SQLite enforces no types, and another program may have written any number. Such a file is read through temporary tables
with the names of its tables, so that queries need not know about it: SQLite looks for a name among the temporary tables
first. In a copy each row is in its place, and each column holds values of its own type:

- Blobs, numbers, and texts that are not UTF-8 become readable texts; NULL becomes `NULL` where a text is required.
- Rows and turns are numbered again without gaps, in their order, so that no work grows with a number in the file. A row
  without the number of a turn belongs to the turn before it.
- Other values in place of a number become a number or NULL.

The file itself is not changed. Changes to it are refused, as they would name turns of the copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from tui.model.requests import RequestUsage
from tui.storage.plausible import MAX_EMPTY_TURNS, MAX_GAPS, MAX_SPARSE
from tui.storage.schema import quoted, unquoted
from tui.storage.tables import Tables

__all__ = ["correct", "has_few_bytes", "has_unreadable_ids", "is_irregular", "is_unusual"]

_MAX_CHECKED_BYTES: Final = 1 << 22
"""Bytes of a file up to which it is checked when it is opened; a larger file is checked when a read fails."""

_MAX_CORRECTED_BYTES: Final = 1 << 28
"""Bytes of a file up to which its tables are copied."""

_MAX_NUMBER: Final = 1 << 53
"""JSON does not hold greater numbers exactly, and SQLite refuses sums that overflow."""


class _Kind(Enum):
    """The kind of values in a column: it decides which values are valid, and how others are corrected."""

    ID = "id"
    MESSAGE = "message"
    TEXT = "text"
    OPTIONAL_TEXT = "optional text"
    TIME = "time"
    NUMBER = "number"
    REAL = "real"
    TURN = "turn"
    FORK = "fork"
    DATA = "data"


_PLAUSIBLE: Final = f"typeof({{0}}) = 'integer' AND {{0}} BETWEEN -{_MAX_NUMBER} AND {_MAX_NUMBER}"
_PLAUSIBLE_OR_NULL: Final = f"({{0}} IS NULL OR {_PLAUSIBLE})"
_IS_REGULAR: Final = {
    _Kind.ID: _PLAUSIBLE,
    _Kind.MESSAGE: _PLAUSIBLE,
    _Kind.TEXT: "typeof({0}) = 'text'",
    _Kind.OPTIONAL_TEXT: "typeof({0}) IN ('text', 'null')",
    # Queries read times as texts: other programs store numbers.
    _Kind.TIME: "typeof({0}) <> 'blob'",
    _Kind.NUMBER: _PLAUSIBLE_OR_NULL,
    _Kind.REAL: "typeof({0}) IN ('integer', 'real', 'null')",
    _Kind.TURN: f"({_PLAUSIBLE_OR_NULL} AND {{0}} >= 0)",
    _Kind.FORK: _PLAUSIBLE_OR_NULL,
    # Whatever a message holds is shown in its place.
    _Kind.DATA: "TRUE",
}

_AS_NUMBER: Final = (
    "CASE WHEN typeof({0}) NOT IN ('null', 'blob')"
    f" THEN MAX(-{_MAX_NUMBER}, MIN(CAST({{0}} AS INTEGER), {_MAX_NUMBER})) END"
)
_AS_ORDER: Final = "CASE WHEN typeof({0}) IN ('integer', 'real') THEN {0} END"
_CORRECTED: Final = {
    _Kind.ID: _AS_ORDER,
    _Kind.TEXT: "convo_text(CAST({0} AS BLOB))",
    **dict.fromkeys(
        (_Kind.OPTIONAL_TEXT, _Kind.TIME), "CASE WHEN {0} IS NOT NULL THEN convo_text(CAST({0} AS BLOB)) END"
    ),
    _Kind.NUMBER: _AS_NUMBER,
    _Kind.REAL: "CASE WHEN typeof({0}) NOT IN ('null', 'blob') THEN CAST({0} AS REAL) END",
    _Kind.TURN: _AS_ORDER,
    _Kind.FORK: _AS_ORDER,
    _Kind.DATA: "{0}",
    # A row whose message is missing has an id that no message has.
    _Kind.MESSAGE: (
        f"CASE WHEN {_PLAUSIBLE} THEN {{0}} ELSE COALESCE("
        f"(SELECT k.id FROM temp.convo_message_ids k WHERE k.stored IS {{0}}),"
        f" -{_MAX_NUMBER} - row_number() OVER ()) END"
    ),
}

_SESSION: Final = {"session_id": _Kind.TEXT}
_BRANCH: Final = {**_SESSION, "branch_id": _Kind.TEXT}
_CREATED: Final = {"created_at": _Kind.TIME}
_USAGE: Final = {
    **dict.fromkeys(("requests", "input_tokens", "output_tokens", "total_tokens"), _Kind.NUMBER),
    **dict.fromkeys(("input_tokens_details", "output_tokens_details"), _Kind.OPTIONAL_TEXT),
    **_CREATED,
}
_SESSIONS: Final = {**_SESSION, **_CREATED, "updated_at": _Kind.TIME}
_MESSAGES: Final = {"id": _Kind.ID, **_SESSION, "message_data": _Kind.DATA, **_CREATED}
_STRUCTURE: Final = {
    "id": _Kind.ID,
    **_BRANCH,
    "message_id": _Kind.MESSAGE,
    "message_type": _Kind.TEXT,
    "sequence_number": _Kind.ID,
    "user_turn_number": _Kind.TURN,
    "branch_turn_number": _Kind.TURN,
    "tool_name": _Kind.OPTIONAL_TEXT,
    **_CREATED,
}
_OTHERS: Final[Mapping[str, Mapping[str, _Kind]]] = {
    "turn_usage": {"id": _Kind.ID, **_BRANCH, "user_turn_number": _Kind.TURN, **_USAGE},
    "session_clear_generations": {**_SESSION, "generation": _Kind.NUMBER},
    "convo_usage": {**_BRANCH, "message_id": _Kind.MESSAGE, "user_turn_number": _Kind.TURN, **_USAGE},
    "convo_branches": {
        **_BRANCH,
        "parent_branch_id": _Kind.OPTIONAL_TEXT,
        "fork_turn": _Kind.FORK,
        **_CREATED,
        "empty_generation": _Kind.NUMBER,
    },
    "convo_compactions": {
        **_BRANCH,
        "kept_branch_id": _Kind.TEXT,
        **dict.fromkeys(("first_turn", "last_turn"), _Kind.NUMBER),
        **_CREATED,
    },
    "convo_runs": {
        "id": _Kind.ID,
        **_BRANCH,
        "user_turn_number": _Kind.TURN,
        "message_id": _Kind.MESSAGE,
        "outcome": _Kind.TEXT,
        **dict.fromkeys(("model", "agent", "error"), _Kind.OPTIONAL_TEXT),
        "started_at": _Kind.TIME,
        **_CREATED,
        "seconds": _Kind.REAL,
        "estimated": _Kind.NUMBER,
        "reported": _Kind.NUMBER,
    },
    "convo_paused_runs": {
        "id": _Kind.ID,
        **_BRANCH,
        **dict.fromkeys(("message", "approvals", "run", "state"), _Kind.TEXT),
        **dict.fromkeys(("agent", "model"), _Kind.OPTIONAL_TEXT),
        **dict.fromkeys(("items", "last_item", "generation"), _Kind.NUMBER),
        **_CREATED,
    },
    # The ids stay as they are: both tables have the same.
    "convo_requests": {
        "id": _Kind.NUMBER,
        **_BRANCH,
        "user_turn_number": _Kind.TURN,
        "message_id": _Kind.MESSAGE,
        "number": _Kind.NUMBER,
        **dict.fromkeys(("agent", "model"), _Kind.OPTIONAL_TEXT),
        "started_at": _Kind.TIME,
        **dict.fromkeys(("seconds", "first_token_seconds"), _Kind.REAL),
        **dict.fromkeys(RequestUsage._fields, _Kind.NUMBER),
    },
    "convo_request_inputs": {
        **_SESSION,
        **dict.fromkeys(("response_id", "instructions", "tools", "settings", "input"), _Kind.OPTIONAL_TEXT),
        **dict.fromkeys(("id", "input_items", "last_message_id"), _Kind.NUMBER),
    },
    "convo_texts": {**_SESSION, **dict.fromkeys(("hash", "text"), _Kind.TEXT)},
    "convo_labels": {
        **_BRANCH,
        **dict.fromkeys(("kind", "title", "note"), _Kind.TEXT),
        **dict.fromkeys(("pinned", "archived"), _Kind.NUMBER),
    },
    "convo_journal": {
        "id": _Kind.ID,
        **_SESSION,
        "branch_id": _Kind.OPTIONAL_TEXT,
        **_CREATED,
        **dict.fromkeys(("op", "words", "state"), _Kind.TEXT),
        "bytes": _Kind.NUMBER,
        "place": _Kind.REAL,
    },
}

_TURN_IN_COPY: Final = """
    COALESCE((SELECT t.user_turn_number FROM temp.message_structure t WHERE t.session_id = u.session_id
        AND t.branch_id = u.branch_id AND t.stored_turn = u.{0} LIMIT 1), 0)
"""
_FORK_IN_COPY: Final = """
    CASE WHEN u.{0} IS NOT NULL THEN 1 + (
        SELECT COUNT(DISTINCT NULLIF(t.user_turn_number, 0)) FROM temp.message_structure t
        WHERE t.session_id = u.session_id AND t.branch_id = u.branch_id AND t.stored_turn < u.{0}
    ) END
"""


def is_irregular(db: sqlite3.Connection, tables: Tables) -> bool:
    """Return whether a file has values that no session class stores; all its rows are read for that."""
    return any(_has_other_values(db, table, columns) for table, columns in _present(db, tables)) or _has_wide_gaps(db)


def is_unusual(db: sqlite3.Connection, tables: Tables) -> bool:
    """Return whether a file is irregular, or a table lacks a column."""
    return any(not _columns(db, table) >= columns.keys() for table, columns in _present(db, tables)) or is_irregular(
        db, tables
    )


def has_unreadable_ids(db: sqlite3.Connection, tables: Tables) -> bool:
    """Return whether the id of a session or branch is not UTF-8."""
    return any(_has_unreadable_ids(db, table) for table, _ in _present(db, tables))


def has_few_bytes(db: sqlite3.Connection) -> bool:
    """Return whether a file is so small that it is checked when it is opened."""
    return _file_bytes(db) <= _MAX_CHECKED_BYTES


def correct(db: sqlite3.Connection, tables: Tables) -> None:
    """Make the corrected copies of the tables, or make them anew.

    Raises:
        sqlite3.DataError: The file is too large.
    """
    if _file_bytes(db) > _MAX_CORRECTED_BYTES:
        raise sqlite3.DataError("it has values of other types than the columns, and is too large to correct them")
    _create_function(db)
    messages = unquoted(tables.messages)
    _copy_messages(db, messages)
    for table, columns in _present(db, tables):
        if table == "message_structure":
            _copy_structure(db)
        elif table != messages:
            _copy(db, table, columns)


def _file_bytes(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    return int(row[0])


def _present(db: sqlite3.Connection, tables: Tables) -> Iterator[tuple[str, Mapping[str, _Kind]]]:
    """Yield the tables that a file has, with their columns; those that others refer to come first."""
    found = {name for (name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")}
    known = {
        unquoted(tables.messages): _MESSAGES,
        "message_structure": _STRUCTURE,
        unquoted(tables.sessions): _SESSIONS,
        **_OTHERS,
    }
    return ((table, columns) for table, columns in known.items() if table in found)


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))}


def _has_other_values(db: sqlite3.Connection, table: str, columns: Mapping[str, _Kind]) -> bool:
    found = _columns(db, table)
    regular = " AND ".join(_IS_REGULAR[kind].format(name) for name, kind in columns.items() if name in found)
    return _exists(db, f"SELECT 1 FROM main.{quoted(table)} WHERE NOT ({regular or 'TRUE'})")


def _has_unreadable_ids(db: sqlite3.Connection, table: str) -> bool:
    _create_function(db)
    ids = _columns(db, table) & {"session_id", "branch_id", "parent_branch_id"}
    return any(
        _exists(
            db,
            f"SELECT 1 FROM (SELECT DISTINCT {name} AS id FROM main.{quoted(table)})"
            " WHERE typeof(id) = 'text' AND convo_text(CAST(id AS BLOB)) <> id",
        )
        for name in ids
    )


def _create_function(db: sqlite3.Connection) -> None:
    """Define `convo_text`, which makes a readable text of bytes."""
    (encoding,) = db.execute("PRAGMA encoding").fetchone()

    def text(stored: bytes | None) -> str:
        return "NULL" if stored is None else stored.decode(encoding, "backslashreplace")

    db.create_function("convo_text", 1, text, deterministic=True)


def _has_wide_gaps(db: sqlite3.Connection) -> bool:
    """Return whether numbers of rows or turns are so far apart that they number nothing."""
    if not _columns(db, "message_structure"):
        return False
    span = f"> {MAX_SPARSE} + {MAX_GAPS} * COUNT(*)"
    return any(
        _exists(db, f"SELECT 1 FROM main.message_structure {condition}")
        for condition in (
            f"GROUP BY NULL HAVING MAX(id) {span}",
            f"GROUP BY session_id HAVING MAX(sequence_number) - MIN(sequence_number) {span}",
            f"GROUP BY session_id, branch_id HAVING MAX(user_turn_number) > {MAX_EMPTY_TURNS} + COUNT(*)",
        )
    )


def _exists(db: sqlite3.Connection, query: str) -> bool:
    return db.execute(f"{query} LIMIT 1").fetchone() is not None


def _copy_messages(db: sqlite3.Connection, table: str) -> None:
    """Copy the messages if their ids cannot be used, and note the ids that the copies get in place of others."""
    name = quoted(table)
    db.execute("DROP TABLE IF EXISTS temp.convo_message_ids")
    db.execute(f"DROP TABLE IF EXISTS temp.{name}")
    db.execute(
        f"CREATE TEMP TABLE convo_message_ids AS SELECT id AS stored, -row_number() OVER () AS id"
        f" FROM main.{name} WHERE NOT ({_PLAUSIBLE.format('id')})"
    )
    _index(db, "convo_message_ids", "stored")
    if _has_other_values(db, table, _MESSAGES) or _has_unreadable_ids(db, table):
        message = _CORRECTED[_Kind.MESSAGE].format("id")
        columns = _corrected(db, table, {name: kind for name, kind in _MESSAGES.items() if name != "id"})
        db.execute(f"CREATE TEMP TABLE {name} AS SELECT {message} AS id, {columns} FROM main.{name} ORDER BY id")
        _index(db, table, "id", "session_id, id")


def _copy_structure(db: sqlite3.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS temp.message_structure")
    db.execute(
        f"""
        CREATE TEMP TABLE message_structure AS
        WITH stored AS (
            SELECT {_corrected(db, "message_structure", _STRUCTURE)} FROM main.message_structure
        ), numbered AS (
            SELECT *, row_number() OVER (ORDER BY id) AS row,
                COALESCE(sequence_number, MAX(sequence_number) OVER (PARTITION BY session_id ORDER BY id), 0) AS place
            FROM stored
        ), ordered AS (
            SELECT *, row_number() OVER (PARTITION BY session_id ORDER BY place, row) AS sequence FROM numbered
        ), in_turns AS (
            SELECT *, COALESCE(user_turn_number,
                MAX(user_turn_number) OVER (PARTITION BY session_id, branch_id ORDER BY sequence), 0) AS stored_turn
            FROM ordered
        ), ranked AS (
            SELECT *, CASE WHEN stored_turn > 0 THEN dense_rank() OVER (
                PARTITION BY session_id, branch_id, stored_turn > 0 ORDER BY stored_turn) ELSE 0 END AS turn
            FROM in_turns
        )
        SELECT row AS id, session_id, branch_id, message_id, message_type, sequence AS sequence_number,
            turn AS user_turn_number, turn AS branch_turn_number, tool_name, created_at, stored_turn
        FROM ranked ORDER BY row
        """
    )
    _index(
        db,
        "message_structure",
        "id",
        "message_id",
        "session_id, sequence_number",
        "session_id, branch_id, user_turn_number",
        "session_id, branch_id, sequence_number",
        "session_id, branch_id, stored_turn",
    )


def _copy(db: sqlite3.Connection, table: str, columns: Mapping[str, _Kind]) -> None:
    """Copy a table whose rows refer to the turns of `message_structure`."""
    has_structure = _columns(db, "message_structure")
    in_copy = {
        _Kind.ID: "row_number() OVER (ORDER BY u.{0})",
        _Kind.TURN: _TURN_IN_COPY if has_structure else "0",
        _Kind.FORK: _FORK_IN_COPY if has_structure else "NULL",
    }
    read = ", ".join(f"{in_copy.get(kind, 'u.{0}').format(name)} AS {name}" for name, kind in columns.items())
    name = quoted(table)
    db.execute(f"DROP TABLE IF EXISTS temp.{name}")
    stored = f"SELECT {_corrected(db, table, columns)} FROM main.{name}"
    db.execute(f"CREATE TEMP TABLE {name} AS SELECT {read} FROM ({stored}) AS u")
    _index(db, table, ", ".join(key for key in ("session_id", "branch_id") if key in columns))


def _corrected(db: sqlite3.Connection, table: str, columns: Mapping[str, _Kind]) -> str:
    """Return the corrected columns of a table for SELECT; a column that it lacks is empty."""
    found = _columns(db, table)

    def corrected(name: str, kind: _Kind) -> str:
        if name in found:
            return _CORRECTED[kind].format(name)
        return "''" if kind is _Kind.TEXT else "NULL"

    return ", ".join(f"{corrected(name, kind)} AS {name}" for name, kind in columns.items())


def _index(db: sqlite3.Connection, table: str, *keys: str) -> None:
    for number, key in enumerate(keys):
        db.execute(f"CREATE INDEX temp.{quoted(f'convo_copy_{table}_{number}')} ON {quoted(table)} ({key})")
