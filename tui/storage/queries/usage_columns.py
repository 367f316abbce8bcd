"""The columns of usage, in one list: every query over usage is built from it.

To add a number, add a field to `tui.model.Usage` and a row to `USAGE_COLUMNS`. To show it in tables too, add a row to
`tui.widgets.usage.rows`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.model import Usage
from tui.storage.dialect import Dialect

if TYPE_CHECKING:
    from agents import Usage as SDKUsage

__all__ = [
    "COUNT_COLUMNS",
    "DETAIL_COLUMNS",
    "STORED_COLUMNS",
    "USAGE_COLUMNS",
    "USAGE_NAMES",
    "USAGE_SUMS",
    "UsageColumn",
    "number_expression",
    "read_usage",
    "reported_usage",
    "usage_expressions",
]

_MOST: Final = 1 << 40
"""No greater number is read: no column is sure to hold numbers, and a sum of such that are too large is an error."""


class UsageColumn(NamedTuple):
    """A number of `tui.model.Usage`.

    Attributes:
        name: Its name there. A stored column has the same name, or `details` has a field of that name; so has the
            SDK's `Usage`.
        details: The stored column with the JSON object that holds the number; empty where a column holds it.
    """

    name: str
    details: str = ""

    def expression(self, dialect: Dialect) -> str:
        """Return the number as SQL over a table of usage rows; NULL where details do not report it."""
        if self.details:
            field = dialect.json_field(self.details, self.name)
            return dialect.clamped(dialect.as_integer(field), 0, _MOST)
        return f"COALESCE({dialect.clamped(dialect.as_integer(self.name), 0, _MOST)}, 0)"

    def reported(self, used: SDKUsage) -> int | None:
        """Return the number in the usage of a run; None where its details do not report it."""
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
"""Columns of `turn_usage` and `convo_usage` that hold a number."""

DETAIL_COLUMNS: Final = tuple(sorted({column.details for column in USAGE_COLUMNS if column.details}))
"""Columns of the same tables that hold a JSON object."""

STORED_COLUMNS: Final = (*COUNT_COLUMNS, *DETAIL_COLUMNS)
"""Columns of the same tables that hold usage."""

USAGE_NAMES: Final = ", ".join(column.name for column in USAGE_COLUMNS)
"""The columns of a query with `usage_expressions`, as SQL."""

USAGE_SUMS: Final = ", ".join(f"SUM({column.name})" for column in USAGE_COLUMNS)
"""Their sums over the rows of such a query, as SQL."""


def usage_expressions(dialect: Dialect) -> str:
    """Return the numbers of a `Usage` as columns, for a query over `turn_usage` or `convo_usage`."""
    return ", ".join(f"{column.expression(dialect)} AS {column.name}" for column in USAGE_COLUMNS)


def number_expression(dialect: Dialect, name: str) -> str:
    """Return one number of a `Usage` as SQL, for such a query."""
    return next(column.expression(dialect) for column in USAGE_COLUMNS if column.name == name)


def read_usage(numbers: Iterable[int | None], *, estimated: bool = False) -> Usage:
    """Return the usage in the columns `USAGE_NAMES`, or in their sums."""
    named = {column.name: number for column, number in zip(USAGE_COLUMNS, numbers, strict=True)}
    return Usage(**named, estimated=estimated)  # type: ignore[arg-type]


def reported_usage(used: SDKUsage) -> Usage:
    """Return the usage of a run, as far as the provider has reported it."""
    return read_usage(column.reported(used) for column in USAGE_COLUMNS)
