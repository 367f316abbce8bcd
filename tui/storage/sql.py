"""Statements that are built from a list of columns."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["insert_into"]


def insert_into(table: str, columns: Iterable[str]) -> str:
    """Return a statement that inserts a row, each column from the named value of the same name."""
    names = list(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
