"""The summary of a comparison: its numbers at all widths."""

from __future__ import annotations

from decimal import Decimal

import pytest
from textual.app import App, ComposeResult

from tests.widgets.tree.samples import SESSION
from tui.model import Money, Usage
from tui.model.compare import Comparison, Side, Summary
from tui.widgets.compare.summary import CompareSummary


@pytest.mark.parametrize("width", [64, 80, 120])
async def test_money_has_its_significant_digits(width: int) -> None:
    usage = Usage(requests=1, input_tokens=400, output_tokens=50, total_tokens=450)
    sums = [
        Summary(1, usage._replace(estimated=True), cost=Money(Decimal("0.000401"), 1, estimated=True), seconds=3.0),
        Summary(2, usage, cost=Money(Decimal("0.00151"), 3, 1), seconds=4.0),
    ]
    summary = CompareSummary()

    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield summary

    async with Shown().run_test(size=(width, 8)):
        summary.comparison = Comparison(SESSION, Side("main", 2, 2), Side("alt", 2, 3), 1, (), (), *sums)
        headings, *rows, _ = summary.render().plain.splitlines()
        assert [row.split()[-4] for row in rows] == ["≈$0.00040", "≥$0.0015"]
        assert {row.index("0.00") + len(cost) for row, cost in zip(rows, ("0.00040", "0.0015"), strict=True)} == {
            headings.index("cost") + len("cost")
        }
