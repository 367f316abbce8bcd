"""SQL conditions on the type of an item, built from the table of item types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tui.items.types import CALL_TYPES, TYPES, ItemKind

__all__ = ["call_condition", "from_model_condition", "output_condition", "sql_list"]

_WRITTEN_TYPES: Final = ("assistant", *(name for name, row in TYPES.items() if not row.is_input))
_OUTPUT_TYPES: Final = tuple(name for name, row in TYPES.items() if row.kind is ItemKind.OUTPUT)


def call_condition(column: str) -> str:
    """Return the SQL condition that `is_call` is true for the item type in a column."""
    return _condition(column, "_call", CALL_TYPES)


def output_condition(column: str) -> str:
    """Return the SQL condition that a column holds the type of an output."""
    return _condition(column, "_output", _OUTPUT_TYPES)


def from_model_condition(column: str) -> str:
    """Return the condition that a column holds the type of an item that the model wrote."""
    return f"({call_condition(column)} OR {column} IN {sql_list(_WRITTEN_TYPES)})"


def sql_list(types: Iterable[str]) -> str:
    """Return types as the right side of `IN`."""
    return "(" + ", ".join(f"'{name}'" for name in types) + ")"


def _condition(column: str, ending: str, types: Iterable[str]) -> str:
    by_ending = f"substr({column}, length({column}) - {len(ending) - 1}) = '{ending}'"
    others = [name for name in types if not name.endswith(ending)]
    return f"({by_ending} OR {column} IN {sql_list(others)})" if others else by_ending
