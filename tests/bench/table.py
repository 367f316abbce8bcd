"""The table of a benchmark: printed row by row, and as Markdown into a page."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.bench.program import Timing

__all__ = ["HEADINGS", "Row", "Unit", "amount", "check_markdown", "line", "write_markdown"]

Unit: TypeAlias = Literal["ms", "MB", "%"]

HEADINGS: Final = ("file", "action", "seen", "finished", "slowest", "work", "budget", "memory", "beside it")
_WIDTHS: Final = (6, 34, 9, 9, 9, 9, 12, 7, 0)

_PLACE: Final = re.compile(r"(<!-- bench -->).*?(<!-- /bench -->)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """What was measured of an action on a file.

    Attributes:
        file: The file.
        action: The action.
        times: Of each repetition; none where something else than time was measured.
        value: What was measured else.
        unit: What the value, and the budget, are counted in.
        budget: What it should be at most; None where nothing is said about it.
        memory: Megabytes at its end.
        beside: Who else does the same, and how fast.
        failure: Why it could not be measured.
    """

    file: str
    action: str
    times: tuple[Timing, ...] = ()
    value: float | None = None
    unit: Unit = "ms"
    budget: float | None = None
    memory: float | None = None
    beside: str = ""
    failure: str = ""

    @property
    def result(self) -> float | None:
        """What the budget is about: the median time to the finished screen, or the value."""
        drawn = [timing.finished for timing in self.times if timing.finished]
        return statistics.median(drawn) if drawn else self.value

    @property
    def missed(self) -> bool:
        """Whether it is over its budget, or never came about."""
        return bool(self.failure) or (self.budget is not None and self.result is not None and self.result > self.budget)

    def cells(self) -> tuple[str, ...]:
        """What stands in the columns."""
        drawn = [timing for timing in self.times if timing.finished]
        seen = statistics.median(timing.seen for timing in drawn) if drawn else None
        slowest = max((timing.finished for timing in drawn), default=None)
        work = statistics.median(timing.work for timing in drawn) if drawn else None
        budget = "" if self.budget is None else f"≤ {amount(self.budget, self.unit)}{' ✗' if self.missed else ''}"
        result = self.failure or amount(self.result, self.unit) or ("nothing drawn" if self.times else "")
        return (
            self.file,
            self.action,
            amount(seen, self.unit),
            result,
            amount(slowest, self.unit),
            amount(work or None, self.unit),
            budget,
            amount(self.memory, "MB"),
            self.beside,
        )


def amount(value: float | None, unit: Unit) -> str:
    """A number with its unit, small ones with a decimal; nothing for None."""
    if value is None:
        return ""
    return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"


def line(cells: Sequence[str]) -> str:
    """A row of the printed table."""
    texts = (
        f"{cell:<{width}}" if place < 2 or not width else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return "  ".join(texts).rstrip()


def check_markdown(path: Path) -> None:
    """See whether a page has a place for the table.

    Raises:
        ValueError: It has none.
    """
    if not _PLACE.search(path.read_text()):
        raise ValueError(f"{path} has no place for the table: write <!-- bench --> and <!-- /bench --> there.")


def write_markdown(path: Path, rows: Sequence[Row], about: str) -> None:
    """Put the table in place of what stands between the two marks of a page."""
    lines = [
        about,
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
        *(f"| {' | '.join(row.cells())} |" for row in rows),
    ]
    table = "\n".join(lines)
    path.write_text(_PLACE.sub(lambda found: f"{found[1]}\n\n{table}\n\n{found[2]}", path.read_text()))
