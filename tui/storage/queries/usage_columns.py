"""The columns of usage, from which all queries over usage are built.

To add a number, add a field to `tui.model.Usage` and a row to `USAGE_COLUMNS`. To show it in tables too, add a row to
`tui.widgets.usage.rows`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.model import Counting, Usage
from tui.model.requests import RequestUsage
from tui.storage.dialect import Dialect

if TYPE_CHECKING:
    from agents import Usage as SDKUsage
    from agents.usage import RequestUsage as SDKRequestUsage

__all__ = [
    "COUNT_COLUMNS",
    "DETAIL_COLUMNS",
    "STORED_COLUMNS",
    "USAGE_COLUMNS",
    "USAGE_NAMES",
    "USAGE_SUMS",
    "UsageColumn",
    "counting_expression",
    "number_expression",
    "read_usage",
    "reported_usage",
    "request_usage",
    "usage_expressions",
]

_MAX_NUMBER: Final = 1 << 40
"""Greater numbers are cut to this: columns may hold any value, and SQLite refuses to add up numbers that overflow."""


class UsageColumn(NamedTuple):
    """A number of `tui.model.Usage`.

    Attributes:
        name: The name of its field in `tui.model.Usage` and in the SDK's `Usage`, and of the column that stores it.
        details: The column with a JSON object that stores the number under its name; empty if it has its own column.
    """

    name: str
    details: str = ""

    def expression(self, dialect: Dialect) -> str:
        """Return the number as an SQL expression; NULL if the details do not contain it."""
        if self.details:
            field = dialect.json_field(self.details, self.name)
            return dialect.clamped(dialect.as_integer(field), 0, _MAX_NUMBER)
        return f"COALESCE({dialect.clamped(dialect.as_integer(self.name), 0, _MAX_NUMBER)}, 0)"

    def reported(self, used: SDKUsage | SDKRequestUsage) -> int | None:
        """Return the number in the usage of a run; None if its details do not contain it."""
        if self.details:
            return getattr(getattr(used, self.details, None), self.name, None)
        return getattr(used, self.name) or 0


USAGE_COLUMNS: Final = (
    UsageColumn("requests"),
    UsageColumn("input_tokens"),
    UsageColumn("output_tokens"),
    UsageColumn("total_tokens"),
    UsageColumn("cached_tokens", details="input_tokens_details"),
    UsageColumn("cache_write_tokens", details="input_tokens_details"),
    UsageColumn("reasoning_tokens", details="output_tokens_details"),
)

COUNT_COLUMNS: Final = tuple(column.name for column in USAGE_COLUMNS if not column.details)
"""The columns of `turn_usage` and `convo_usage` that hold a number."""

DETAIL_COLUMNS: Final = tuple(sorted({column.details for column in USAGE_COLUMNS if column.details}))
"""The columns of the same tables that hold a JSON object."""

STORED_COLUMNS: Final = (*COUNT_COLUMNS, *DETAIL_COLUMNS)
"""All columns of the same tables that hold usage."""

USAGE_NAMES: Final = ", ".join(column.name for column in USAGE_COLUMNS)
"""The names of the columns of `usage_expressions`, as SQL."""

USAGE_SUMS: Final = ", ".join(f"SUM({column.name})" for column in USAGE_COLUMNS)
"""The sums of these columns, as SQL."""


def usage_expressions(dialect: Dialect) -> str:
    """Return the columns of a query over `turn_usage` or `convo_usage` that gives the numbers of a `Usage`."""
    return ", ".join(f"{column.expression(dialect)} AS {column.name}" for column in USAGE_COLUMNS)


def number_expression(dialect: Dialect, name: str) -> str:
    """Return the expression of a single number for such a query."""
    return next(column.expression(dialect) for column in USAGE_COLUMNS if column.name == name)


def counting_expression(dialect: Dialect) -> str:
    """Return the `Counting` of a row as SQL, for such a query."""
    cached, cache_write, total = (
        f"COALESCE({number_expression(dialect, name)}, 0)"
        for name in ("cached_tokens", "cache_write_tokens", "input_tokens")
    )
    return (
        f"CASE WHEN input_tokens IS NULL OR output_tokens IS NULL THEN '{Counting.UNKNOWN}'"
        f" WHEN {cached} + {cache_write} > {total} THEN '{Counting.EXCLUSIVE}' ELSE '{Counting.INCLUSIVE}' END"
    )


def read_usage(numbers: Iterable[int | None], *, estimated: bool = False) -> Usage:
    """Return a `Usage` from the values of the columns `USAGE_NAMES` or `USAGE_SUMS`."""
    named = {column.name: number for column, number in zip(USAGE_COLUMNS, numbers, strict=True)}
    return Usage(**named, estimated=estimated)  # type: ignore[arg-type]


def reported_usage(used: SDKUsage) -> Usage:
    """Return the usage of a run; numbers that the provider did not report are None."""
    return read_usage(column.reported(used) for column in USAGE_COLUMNS)


def request_usage(used: SDKUsage | SDKRequestUsage) -> RequestUsage:
    """Return the usage of a request, or the sum of the usage of a run's requests."""
    sent, received = getattr(used, "input_tokens_details", None), getattr(used, "output_tokens_details", None)
    return RequestUsage(
        used.input_tokens or 0,
        used.output_tokens or 0,
        getattr(sent, "cached_tokens", None),
        getattr(sent, "cache_write_tokens", None),
        getattr(received, "reasoning_tokens", None),
    )
