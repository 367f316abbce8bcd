"""Composing SQL statements in Python."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["NamedValues", "insert_into"]


def insert_into(table: str, columns: Iterable[str]) -> str:
    """Return a statement that inserts a row, with a named value for each column."""
    names = list(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"


class NamedValues(dict[str, object]):
    """The named values of a statement that is composed of several conditions."""

    def bind(self, value: object) -> str:
        """Add a value under a new name, and return its placeholder."""
        name = f"value{len(self)}"
        self[name] = value
        return f":{name}"
