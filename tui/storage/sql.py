"""Parts of SQL statements that are put together in Python."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["NamedValues", "insert_into"]


def insert_into(table: str, columns: Iterable[str]) -> str:
    """Return a statement that inserts a row, each column from the named value of the same name."""
    names = list(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"


class NamedValues(dict[str, object]):
    """The named values of a statement whose conditions are put together one by one."""

    def bind(self, value: object) -> str:
        """Add a value under a new name, and return its placeholder."""
        name = f"value{len(self)}"
        self[name] = value
        return f":{name}"
