"""The rights that a role lacks to change a database, in words."""

from __future__ import annotations

from typing import Final

import psycopg

from tui.errors import ConvoError, FileError, ReadOnlyError
from tui.storage.postgres.connection import LostConnection
from tui.storage.postgres.schema import needed_tables
from tui.storage.schema import quoted, unquoted

__all__ = ["explained", "missing_rights"]

_LISTED: Final = 3
"""Names that an error lists."""

_CIRCUMSTANCES: Final = """
    SELECT current_user, current_schema(), pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
        has_schema_privilege(current_schema(), 'CREATE'),
        (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = current_schema()),
        COALESCE(has_sequence_privilege(pg_get_serial_sequence(to_regclass(%(messages)s)::text, 'id'), 'USAGE'), TRUE)
"""

_TABLES: Final = """
    SELECT name, relowner IS NULL, pg_get_userbyid(relowner), EXISTS (
        SELECT 1 FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
        WHERE NOT has_table_privilege(pg_class.oid, right_name)
    )
    FROM unnest(CAST(%(names)s AS text[])) WITH ORDINALITY AS table_name(name, number)
    LEFT JOIN pg_class ON pg_class.oid = to_regclass(name) ORDER BY number
"""


def missing_rights(db: psycopg.Connection, sessions: str, messages: str) -> ReadOnlyError | None:
    """Return the error for changes by a role without the right to make them; None if it has it.

    `sessions` and `messages` are the base tables, as SQL identifiers.
    """
    names = [sessions, messages, *needed_tables()]
    [(role, schema, is_standby, is_read_only, may_create, owner, may_count)] = db.execute(
        _CIRCUMSTANCES, {"messages": messages}
    ).fetchall()
    if is_standby:
        return ReadOnlyError("The server is a standby, which takes no changes.", "Open the primary server.")
    if is_read_only:
        hint = f"An administrator can permit them: ALTER ROLE {quoted(role)} SET default_transaction_read_only = off."
        return ReadOnlyError(f"Role '{role}' may only read: default_transaction_read_only is on.", hint)
    tables = db.execute(_TABLES, {"names": names}).fetchall()
    if (missing := [name for name, is_missing, *_ in tables if is_missing]) and not may_create:
        return ReadOnlyError(
            f"Role '{role}' may not make the tables {_listed(missing)} in schema '{schema}'.",
            f"{owner} can permit it: GRANT CREATE ON SCHEMA {quoted(schema)} TO {quoted(role)}.",
        )
    closed = {name: of for name, is_missing, of, is_closed in tables if is_closed and not is_missing}
    if closed or not may_count:
        what = f"change {_listed([*closed])}" if closed else f"number the rows of {_listed([messages])}"
        grant = (
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {quoted(schema)} TO {quoted(role)}"
            if closed
            else f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {quoted(schema)} TO {quoted(role)}"
        )
        owners = ", ".join(sorted({*closed.values()} or {owner}))
        return ReadOnlyError(f"Role '{role}' may not {what}.", f"{owners} can permit it: {grant}.")
    return None


def explained(error: Exception, shown: str) -> ConvoError:
    """Return the error to show for one of the server or of its tables; `shown` is the URL without its password."""
    reason = str(error).strip().partition("\n")[0]
    if isinstance(error, ValueError):
        return FileError(f"{shown} cannot be changed: {reason}")
    if isinstance(error, LostConnection):
        return ConvoError(reason)
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.ReadOnlySqlTransaction):
        return ReadOnlyError(f"{shown} refuses the change: {reason}.", "docs/postgres.md lists what a role needs.")
    return FileError(f"{shown} cannot be used: {reason}", "Check that the server runs and lets you in.")


def _listed(identifiers: list[str]) -> str:
    names = [unquoted(name) for name in identifiers]
    return ", ".join([*names[:_LISTED], *([f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else [])])
