"""The tables of a PostgreSQL database: the pair of the SDK's `SQLAlchemySession`, and the tables of this project.

The SDK's pair is made as the SDK makes it, and nothing is added to it: no trigger, no index, no column. No table of
this project refers to it by a foreign key, so that other programs can do with it what they like.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import psycopg

from tui.storage import schema
from tui.storage.postgres.dialect import POSTGRES
from tui.storage.schema import Table, quoted
from tui.storage.tables import Tables

__all__ = [
    "CONVO_SCHEMA",
    "VERSION",
    "SchemaInfo",
    "create_tables",
    "ddl",
    "find_owner",
    "find_tables",
    "inspect",
    "inspect_known",
    "needed_tables",
    "tables_for",
]

VERSION: Final = 1
"""The version of the tables of this project, in `convo_schema`."""

_ATTEMPTS: Final = 20
"""Number of attempts to make tables while other processes make them."""

CONVO_SCHEMA: Final = Table(
    "convo_schema",
    """
        version INTEGER NOT NULL,
        sessions_table TEXT NOT NULL,
        messages_table TEXT NOT NULL
    """,
)
"""One row: the version of the tables, and the pair of base tables that they belong to."""

CONVO_MESSAGES: Final = Table(
    "convo_messages",
    """
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        message_data TEXT NOT NULL,
        created_at TIMESTAMP DEFAULT {now}
    """,
    (("convo_messages_session", "session_id"),),
)
"""The items of branches other than `main`, also those that they share with it, with the same ids.

The ids come from the sequence of the base table, so that no two items have the same.
"""

CONVO_STRUCTURE: Final = Table(
    "convo_structure",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        message_id INTEGER NOT NULL,
        message_type TEXT NOT NULL,
        sequence_number INTEGER NOT NULL,
        user_turn_number INTEGER NOT NULL,
        branch_turn_number INTEGER NOT NULL,
        tool_name TEXT,
        created_at TIMESTAMP DEFAULT {now},
        UNIQUE (session_id, branch_id, sequence_number)
    """,
    (
        ("convo_structure_message", "message_id"),
        ("convo_structure_turn", "session_id, branch_id, user_turn_number"),
    ),
)
"""The rows of `message_structure` for branches other than `main`; `sequence_number` counts from 1 in each branch."""

CONVO_MESSAGE_TYPES: Final = Table(
    "convo_message_types",
    """
        session_id TEXT NOT NULL,
        message_id INTEGER NOT NULL,
        message_type TEXT NOT NULL,
        tool_name TEXT,
        PRIMARY KEY (session_id, message_id)
    """,
)
"""Type and tool of messages of `main`, as `message_structure` has them.

They depend on the message alone. The turns are counted by them, in the order that the messages have when they are read,
so that others may change `main`. A message without a row is decoded when it is needed.
"""

CONVO_TURN_USAGE: Final = Table(
    "convo_turn_usage",
    """
        id {identity},
        session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL,
        user_turn_number INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        requests INTEGER DEFAULT 0,
        input_tokens INTEGER DEFAULT 0,
        output_tokens INTEGER DEFAULT 0,
        total_tokens INTEGER DEFAULT 0,
        input_tokens_details JSON,
        output_tokens_details JSON,
        created_at TIMESTAMP DEFAULT {now},
        UNIQUE (session_id, branch_id, message_id)
    """,
    (("convo_turn_usage_message", "session_id, message_id"),),
)
"""The rows of `turn_usage`, by the first message of the turn (`message_id`).

Others may change the turns of `main`: there, `user_turn_number` is ignored, and so is a row whose message is gone.
"""

CONVO_GENERATIONS: Final = schema.GENERATIONS._replace(
    name="convo_generations", columns=f"{schema.GENERATIONS.columns}, changes INTEGER NOT NULL DEFAULT 0"
)
"""In addition to the SDK's columns, a number that each transaction that changes the session counts up."""

CONVO_CLEARED: Final = schema.CONVO_CLEARED._replace(
    columns=schema.CONVO_CLEARED.columns.replace("{identity}", "INTEGER NOT NULL"),
    indexes=(("convo_cleared_entry", "id"),),
)
"""The rows of an entry of the journal have its id, as other transactions insert rows at the same time."""

_TABLES: Final = (
    CONVO_SCHEMA,
    CONVO_MESSAGES,
    CONVO_STRUCTURE,
    CONVO_MESSAGE_TYPES,
    CONVO_TURN_USAGE,
    schema.RESERVATIONS._replace(name="convo_branch_ids"),
    CONVO_GENERATIONS,
    schema.CONVO_BRANCHES,
    schema.CONVO_COMPACTIONS,
    schema.CONVO_USAGE,
    schema.CONVO_RUNS,
    schema.CONVO_REQUESTS,
    schema.CONVO_REQUEST_INPUTS,
    schema.CONVO_TEXTS,
    schema.CONVO_LABELS,
    schema.CONVO_PAUSED_RUNS,
    schema.CONVO_SESSIONS,
    schema.CONVO_COPIES,
    schema.CONVO_JOURNAL,
    schema.CONVO_TRASH,
    CONVO_CLEARED,
)

_ORDERED: Final = (schema.CONVO_COMPACTIONS.name, schema.CONVO_TRASH.name)
"""Tables whose rows are read in the order in which they were inserted, as those of `convo_branches` are too."""

_TYPES: Final = {"INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "TIMESTAMP": "TEXT", "JSON": "TEXT"}
"""The types of columns in place of those that `tui.storage.schema` names."""

_RACES: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
"""Errors where another process makes the same tables: IF NOT EXISTS does not wait for it."""


class SchemaInfo(NamedTuple):
    """Facts about the tables of a database.

    Attributes:
        tables: The names of the tables, as SQL identifiers where they are not ours.
        now: The current time, of the type of the base table's times.
        next_id: The expression for the next id of a message.
        known: The tables of ours that are there.
    """

    tables: Tables
    now: str
    next_id: str
    known: frozenset[str]


def tables_for(sessions: str, messages: str) -> Tables:
    """Return the names of the tables, given those of the base tables."""
    return Tables(
        quoted(sessions),
        quoted(messages),
        CONVO_STRUCTURE.name,
        CONVO_TURN_USAGE.name,
        "convo_branch_ids",
        "convo_generations",
    )


def needed_tables() -> list[str]:
    """Return the names of the tables of this project."""
    return [table.name for table in _TABLES]


def ddl(sessions: str, messages: str) -> Iterator[str]:
    """Yield the statements that make all tables where they are missing."""
    parent, table = quoted(sessions), quoted(messages)
    times = "created_at TIMESTAMP WITHOUT TIME ZONE DEFAULT CURRENT_TIMESTAMP NOT NULL"
    yield (
        f"CREATE TABLE IF NOT EXISTS {parent} (session_id VARCHAR NOT NULL, {times},"
        " updated_at TIMESTAMP WITHOUT TIME ZONE DEFAULT CURRENT_TIMESTAMP NOT NULL, PRIMARY KEY (session_id))"
    )
    yield (
        f"CREATE TABLE IF NOT EXISTS {table} (id SERIAL NOT NULL, session_id VARCHAR NOT NULL,"
        f" message_data TEXT NOT NULL, {times}, PRIMARY KEY (id),"
        f" FOREIGN KEY (session_id) REFERENCES {parent} (session_id) ON DELETE CASCADE)"
    )
    index = quoted(f"idx_{messages}_session_time")
    yield f"CREATE INDEX IF NOT EXISTS {index} ON {table} (session_id, created_at)"
    for each in _TABLES:
        yield f"CREATE TABLE IF NOT EXISTS {each.name} ({_columns(each, messages)})"
        for name, columns in each.indexes:
            yield f"CREATE INDEX IF NOT EXISTS {name} ON {each.name} ({columns})"
    yield (
        f"INSERT INTO convo_schema SELECT {VERSION}, {_literal(sessions)}, {_literal(messages)}"
        " WHERE NOT EXISTS (SELECT 1 FROM convo_schema)"
    )


def _columns(table: Table, messages: str) -> str:
    # Branches are sorted by their bytes, as in a file.
    columns = re.sub(r"\bbranch_id TEXT\b", 'branch_id TEXT COLLATE "C"', table.columns)
    columns = re.sub(rf"\b({'|'.join(schema.TRASH_CELLS)})\b", r"\1 TEXT", columns)
    columns = re.sub(r"\b(INTEGER|REAL|TIMESTAMP|JSON)\b", lambda found: _TYPES[found[0]], columns)
    if table.name == schema.CONVO_BRANCHES.name:
        # A fork is newer than the messages that were there, and older than those that follow.
        sequence = f"pg_get_serial_sequence({_literal(quoted(messages))}, 'id')"
        columns = f"row_order BIGINT DEFAULT nextval({sequence}), {columns}"
    elif table.name in _ORDERED:
        columns = f"row_order BIGINT GENERATED BY DEFAULT AS IDENTITY, {columns}"
    return " ".join(columns.format(identity=POSTGRES.identity, now=POSTGRES.now).split())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def create_tables(db: psycopg.Connection, sessions: str, messages: str) -> None:
    """Make all tables that are missing; any number of processes may do so at the same time.

    Raises:
        psycopg.Error: They cannot be made.
    """
    for attempt in range(_ATTEMPTS):
        if _is_complete(db, sessions, messages):
            return
        try:
            with db.transaction():
                for statement in ddl(sessions, messages):
                    db.execute(statement)
        except _RACES:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.05)


def _is_complete(db: psycopg.Connection, sessions: str, messages: str) -> bool:
    names = [quoted(sessions), quoted(messages), *(table.name for table in _TABLES)]
    row = db.execute("SELECT COUNT(to_regclass(name)) FROM unnest(CAST(%s AS text[])) AS name", (names,)).fetchone()
    return row == (len(names),)


def find_tables(db: psycopg.Connection, *base: str) -> frozenset[str]:
    """Return which of the tables there are: of the base tables, as SQL identifiers, and of those of this project."""
    rows = db.execute(
        "SELECT name FROM unnest(CAST(%s AS text[])) AS name WHERE to_regclass(name) IS NOT NULL",
        ([*base, *(table.name for table in _TABLES)],),
    )
    return frozenset(name for (name,) in rows)


def find_owner(db: psycopg.Connection) -> tuple[int, str, str] | None:
    """Return the version of the tables of this project, and the base tables that they belong to; None if unknown."""
    return db.execute("SELECT version, sessions_table, messages_table FROM convo_schema").fetchone()


def inspect(db: psycopg.Connection, sessions: str, messages: str) -> SchemaInfo:
    """Return what is known of the tables, of which none may be missing.

    Raises:
        ValueError: Tables are missing, of another version, or belong to another pair of base tables.
    """
    names = [table.name for table in _TABLES]
    known = find_tables(db, quoted(sessions), quoted(messages))
    if not {quoted(sessions), quoted(messages), *names} <= known:
        missing = sorted({sessions, messages, *names} - {schema.unquoted(name) for name in known})
        raise ValueError(
            f"The database has no table {', '.join(missing)}. Construct an AdvancedPostgresSession with"
            " create_tables=True once, as a role that may create tables."
        )
    return inspect_known(db, sessions, messages, known, find_owner(db))


def inspect_known(
    db: psycopg.Connection, sessions: str, messages: str, known: frozenset[str], owner: tuple[int, str, str] | None
) -> SchemaInfo:
    """Return what is known of the tables, of which those in `known` exist; `owner` is the result of `find_owner`.

    Raises:
        ValueError: Tables are of another version, or belong to another pair of base tables.
    """
    if owner is None or owner[0] != VERSION:
        raise ValueError(
            f"The tables convo_* are of version {owner and owner[0]}, and this program knows version {VERSION}."
            " Install the version of convo-tui that made them."
        )
    if owner[1:] != (sessions, messages):
        raise ValueError(
            f"The tables convo_* belong to '{owner[1]}/{owner[2]}', not to the configured '{sessions}/{messages}'."
            " Give each sessions_table/messages_table pair its own schema."
        )
    [(time_type, sequence, default)] = db.execute(
        """
        SELECT (SELECT format_type(atttypid, NULL) FROM pg_attribute
                WHERE attrelid = to_regclass(%(table)s) AND attname = 'created_at'),
               pg_get_serial_sequence(%(table)s, 'id'),
               (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute
                ON attrelid = adrelid AND attnum = adnum WHERE adrelid = to_regclass(%(table)s) AND attname = 'id')
        """,
        {"table": quoted(messages)},
    ).fetchall()
    if sequence is None and default is None:
        raise ValueError(f"The column id of the table '{messages}' does not count its rows.")
    return SchemaInfo(
        tables_for(sessions, messages),
        "CURRENT_TIMESTAMP" if time_type == "timestamp with time zone" else "LOCALTIMESTAMP",
        f"nextval({_literal(sequence)})" if sequence is not None else str(default),
        known & {table.name for table in _TABLES},
    )
