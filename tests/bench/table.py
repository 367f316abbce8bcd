"""The table of a benchmark: printed row by row, and written to a page as Markdown."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.bench.program import Timing

__all__ = ["HEADINGS", "Row", "Unit", "check_marks", "format_amount", "table_line", "write_markdown"]

Unit: TypeAlias = Literal["ms", "MB", "%"]

HEADINGS: Final = ("file", "action", "seen", "finished", "slowest", "work", "budget", "memory", "beside it")
_WIDTHS: Final = (6, 34, 9, 9, 9, 9, 12, 7, 0)

_MARKED_PLACE: Final = re.compile(r"(<!-- bench -->).*?(<!-- /bench -->)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """The measurement of an action on a file.

    Attributes:
        times: The time of each repetition; empty if something else was measured.
        value: The measured value if it is not a time.
        unit: The unit of value and budget.
        budget: The greatest value or time that is allowed; None without a budget.
        memory: Megabytes at the end.
        comparison: Other programs with their results for the same work.
        failure: Why it could not be measured; empty if it could.
    """

    file: str
    action: str
    times: tuple[Timing, ...] = ()
    value: float | None = None
    unit: Unit = "ms"
    budget: float | None = None
    memory: float | None = None
    comparison: str = ""
    failure: str = ""

    @property
    def result(self) -> float | None:
        """The median time to the finished screen, or the value; compared with the budget."""
        drawn = [timing.finished for timing in self.times if timing.finished]
        return statistics.median(drawn) if drawn else self.value

    @property
    def misses_budget(self) -> bool:
        """Return whether the result is over its budget, or is missing because of a failure."""
        return bool(self.failure) or (self.budget is not None and self.result is not None and self.result > self.budget)

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the columns."""
        drawn = [timing for timing in self.times if timing.finished]
        seen = statistics.median(timing.seen for timing in drawn) if drawn else None
        slowest = max((timing.finished for timing in drawn), default=None)
        work = statistics.median(timing.work for timing in drawn) if drawn else None
        mark = " ✗" if self.misses_budget else ""
        budget = "" if self.budget is None else f"≤ {format_amount(self.budget, self.unit)}{mark}"
        result = self.failure or format_amount(self.result, self.unit) or ("nothing drawn" if self.times else "")
        return (
            self.file,
            self.action,
            format_amount(seen, self.unit),
            result,
            format_amount(slowest, self.unit),
            format_amount(work or None, self.unit),
            budget,
            format_amount(self.memory, "MB"),
            self.comparison,
        )


def format_amount(value: float | None, unit: Unit) -> str:
    """Return a value with its unit, small ones with a decimal; empty for None."""
    if value is None:
        return ""
    return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"


def table_line(cells: Sequence[str]) -> str:
    """Return a row of the printed table."""
    texts = (
        f"{cell:<{width}}" if place < 2 or not width else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return "  ".join(texts).rstrip()


def check_marks(path: Path) -> None:
    """Check that a page has the marks between which the table is written.

    Raises:
        ValueError: The marks are missing.
    """
    if not _MARKED_PLACE.search(path.read_text()):
        raise ValueError(f"{path} has no place for the table: write <!-- bench --> and <!-- /bench --> there.")


def write_markdown(path: Path, rows: Sequence[Row], header: str) -> None:
    """Replace the text between the two marks of a page by the table."""
    lines = [
        header,
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
        *(f"| {' | '.join(row.cells())} |" for row in rows),
    ]
    table = "\n".join(lines)
    path.write_text(_MARKED_PLACE.sub(lambda found: f"{found[1]}\n\n{table}\n\n{found[2]}", path.read_text()))
