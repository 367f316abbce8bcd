"""The rows of the usage pane, which are the columns of `convo-tui usage`.

To show another number of `tui.model.Usage`, add a row to `USAGE_ROWS`. This module does not import Textual, because
commands use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from tui.model import Usage
from tui.widgets.usage.bars import BarPart

__all__ = ["USAGE_ROWS", "UsageRow"]


class UsageRow(NamedTuple):
    """A number of a `Usage`, as tables of usage show it.

    Attributes:
        number: Returns the number; None if it was not reported.
        part: The part of the bars that shows it.
        word: Its name in a sentence; empty if a sentence omits it.
        is_included: Whether the nearest row above without `is_included` includes the number, as input includes cached
            input.
        is_exact: Whether it is exact even if tokens are estimates.
    """

    label: str
    number: Callable[[Usage], int | None]
    part: BarPart | None = None
    word: str = ""
    is_included: bool = False
    is_exact: bool = False
    style: str = ""


USAGE_ROWS: Final = (
    UsageRow("requests", lambda usage: usage.requests, is_exact=True),
    UsageRow("input", lambda usage: usage.input_tokens, BarPart.INPUT, "in"),
    UsageRow("cached", lambda usage: usage.cached_tokens, BarPart.CACHED, "cached", is_included=True),
    UsageRow("output", lambda usage: usage.output_tokens, BarPart.OUTPUT, "out"),
    UsageRow("reasoning", lambda usage: usage.reasoning_tokens, BarPart.REASONING, "reasoning", is_included=True),
    UsageRow("total", lambda usage: usage.total_tokens, style="bold"),
)
"""The last row is the total."""
