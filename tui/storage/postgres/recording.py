"""Recording what a transaction changes, for the journal.

A server would need triggers on the SDK's tables to record every change. Here, the statements of the transaction do it:
one that updates or deletes rows copies them to the trash as well, and of tables with a few rows for each session, the
rows of the session are compared before and after. Nobody else changes the session meanwhile, as it is locked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from tui.storage.engine import RecordedTable, Transaction
from tui.storage.schema import TRASH_CELLS

__all__ = ["ChangeRecorder"]

Row: TypeAlias = tuple[Any, ...]

_WRITTEN: Final = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+(\"(?:[^\"]|\"\")+\"|\w+)")
"""The tables that a statement writes to."""

_CHANGE: Final = re.compile(
    r"\s*(?:UPDATE (?P<updated>\S+)(?: AS (?P<other_name>\w+))? SET (?P<values>.+?)(?: FROM (?P<joined>.+?))?"
    r"|DELETE FROM (?P<deleted>\S+)(?: AS (?P<name>\w+))?)"
    r"(?:\s+WHERE (?P<condition>.+?))?(?:\s+RETURNING .+)?\s*",
    re.DOTALL,
)
"""A statement that updates or deletes rows."""


class ChangeRecorder:
    """Copies the rows that a transaction changes to the trash.

    Attributes:
        written: The names of the tables that were written to.
    """

    def __init__(self, tx: Transaction, entry_id: int, tables: Iterable[RecordedTable]) -> None:
        self._tx = tx
        self._entry_id = entry_id
        self._tables = {table.identifier: table for table in tables}
        self._rows: dict[str, dict[Row, Row]] = {}
        self.written: set[str] = set()

    def recorded(self, sql: str) -> str:
        """Return the statement to run in place of one, which copies the rows that it changes."""
        changed = None
        for verb, identifier in _WRITTEN.findall(sql):
            table = self._tables.get(identifier)
            if table is None:
                continue
            self.written.add(table.name)
            if table.keyed:
                if identifier not in self._rows:
                    self._rows[identifier] = self._read(table)
            elif verb != "INSERT INTO":
                changed = table
        if changed is None:
            return sql
        found = _CHANGE.fullmatch(sql)
        if found is None or "SELECT" in (found["values"] or "").upper():
            raise NotImplementedError(f"The rows that a statement changes cannot be recorded: {sql}")
        name = found["name"] or found["other_name"] or changed.identifier
        joined = f", {found['joined']}" if found["joined"] else ""
        cells = ", ".join(self._tx.as_cell(changed.identifier, column, name) for column in changed.columns)
        return (
            f"WITH convo_before AS (INSERT INTO convo_trash (entry_id, table_name, side,"
            f" {', '.join(TRASH_CELLS[: len(changed.columns)])}) SELECT {self._entry_id}, '{changed.name}', 0, {cells}"
            f" FROM {changed.identifier} AS {name}{joined} WHERE {found['condition'] or 'TRUE'}) {sql}"
        )

    def finish(self) -> None:
        """Copy the changed rows of the tables that were compared."""
        for identifier, before in self._rows.items():
            table = self._tables[identifier]
            after = self._read(table)
            columns = ("entry_id", "table_name", "side", *TRASH_CELLS[: len(table.columns)])
            self._tx.insert_rows("convo_trash", columns, self._versions(table, before, after))

    def _versions(self, table: RecordedTable, before: dict[Row, Row], after: dict[Row, Row]) -> Iterator[Row]:
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                for side, rows in enumerate((before, after)):
                    if key in rows:
                        yield (self._entry_id, table.name, side, *rows[key])

    def _read(self, table: RecordedTable) -> dict[Row, Row]:
        """Return the cells of the rows of the session, by key."""
        cells = ", ".join(self._tx.as_cell(table.identifier, column) for column in table.columns)
        size = len(self._tx.primary_key(table.identifier))
        rows = self._tx.execute(f"SELECT {cells} FROM {table.identifier} WHERE {self._tx.of_own_sessions}")
        return {tuple(row[:size]): tuple(row) for row in rows}
