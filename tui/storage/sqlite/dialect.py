"""SQLite's pieces of SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

__all__ = ["SQLITE", "SQLiteDialect"]


class SQLiteDialect:
    """SQLite's `tui.storage.dialect.Dialect`."""

    identity: Final = "INTEGER PRIMARY KEY AUTOINCREMENT"
    now: Final = "CURRENT_TIMESTAMP"
    like: Final = "LIKE"
    ordered_join: Final = "CROSS JOIN"
    not_indexed: Final = "NOT INDEXED"
    is_remote: Final = False
    row_order: Final = "rowid"
    has_one_writer: Final = True
    given_ids: Final = ""
    for_update: Final = ""

    def time_of(self, text: str) -> str:
        return f"COALESCE({text}, CURRENT_TIMESTAMP)"

    def is_text(self, column: str) -> str:
        return f"typeof({column}) = 'text'"

    def is_missing(self, column: str) -> str:
        # The type is in the header of the row. `IS NULL` reads the value, with all its overflow pages.
        return f"typeof({column}) = 'null'"

    def is_text_by_index(self, column: str) -> str:
        # Texts are sorted after all numbers and before all blobs.
        return f"{column} >= '' AND {column} < x''"

    def text_count(self, table: str, column: str) -> str:
        # Without a condition SQLite counts by pages; the index then finds the few rows that hold no text.
        others = ("", f" WHERE {column} IS NULL", f" WHERE {column} < ''", f" WHERE {column} >= x''")
        return " - ".join(f"(SELECT COUNT(*) FROM {table}{condition})" for condition in others)

    def is_integer(self, column: str) -> str:
        return f"typeof({column}) = 'integer'"

    def clamped(self, value: str, minimum: float, maximum: float) -> str:
        return f"MAX({minimum}, MIN({value}, {maximum}))"

    def as_integer(self, value: str) -> str:
        return f"CAST({value} AS INTEGER)"

    def is_json(self, column: str) -> str:
        return f"json_valid({column})"

    def json_field(self, column: str, name: str) -> str:
        return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END"

    def in_list(self, value: str, name: str) -> str:
        return f"{value} IN (SELECT value FROM json_each(:{name}))"

    def in_ids(self, value: str, name: str) -> str:
        return self.in_list(value, name)

    def rows_of_json(self, name: str, columns: Mapping[str, str]) -> str:
        cells = "".join(f", json_extract(value, '$[{at}]') AS {column}" for at, column in enumerate(columns))
        return f"(SELECT key{cells} FROM json_each(:{name}))"

    def joined(self, column: str) -> str:
        return f"group_concat({column})"

    def as_utf8(self, column: str) -> str:
        return f"CAST({column} AS BLOB)"

    def contains(self, column: str, value: str) -> str:
        # SQLite prepares a statement with LIKE again for each new value.
        return f"instr({column}, {value})"

    def has_pattern(self, column: str, pattern: str) -> str:
        return f"{column} LIKE {pattern}"

    def is_not_ascii(self, column: str) -> str:
        return f"length({column}) <> length(CAST({column} AS BLOB))"

    def stored_length(self, column: str) -> str:
        # `octet_length` does not read the text.
        return f"{_LENGTH}({column})"


_LENGTH: Final = "octet_length" if sqlite3.sqlite_version_info >= (3, 43) else "length"

SQLITE: Final = SQLiteDialect()
