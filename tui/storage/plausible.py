"""Limits for numbers in a file, so that a wrong one does not make a query run longer than the rows would.

A query that finds a number beyond them raises ValueError. The engine then reads the file with its rows numbered anew.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_EMPTY_TURNS", "MAX_GAPS", "MAX_SPARSE", "require_plausible_rows", "require_plausible_turn"]

MAX_SPARSE: Final = 1 << 26
MAX_GAPS: Final = 64
"""A column numbers rows plausibly if it spans at most `MAX_SPARSE` numbers, and `MAX_GAPS` more for each row.

Deleted rows leave gaps: a file whose sessions are cleared has few rows with great numbers.
"""

MAX_EMPTY_TURNS: Final = 1_000
"""A branch has at most so many more turns than items."""


def require_plausible_turn(turn: int, items: int) -> None:
    """Raise ValueError if the last turn of a branch with this number of items cannot have this number."""
    if turn > MAX_EMPTY_TURNS + items:
        raise ValueError(f"a branch of {items} items has a turn {turn}")


def require_plausible_rows(span: int, rows: int) -> None:
    """Raise ValueError if the numbers of rows cannot span so many numbers."""
    if span > MAX_SPARSE + MAX_GAPS * rows:
        raise ValueError(f"the numbers of {rows} rows span {span} numbers")
