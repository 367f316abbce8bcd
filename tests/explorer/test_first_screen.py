"""The cost of the first screen: the number of widgets, and how often each is styled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

from tests.conversations import open_sdk, turn
from tests.explorer.driver import open_explorer


@pytest.fixture
def styled(monkeypatch: pytest.MonkeyPatch) -> Counter[DOMNode]:
    """Count how often each node is styled."""
    styled: Counter[DOMNode] = Counter()
    apply = Stylesheet.apply

    def counting(sheet: Stylesheet, node: DOMNode, **options: Any) -> None:
        styled[node] += 1
        apply(sheet, node, **options)

    monkeypatch.setattr(Stylesheet, "apply", counting)
    return styled


@pytest.mark.parametrize("columns", [60, 100, 160])
async def test_each_widget_of_the_first_screen_is_styled_once(
    tmp_path: Path, styled: Counter[DOMNode], columns: int
) -> None:
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number in range(50):
        await sdk.add_items(turn(f"Question {number}", "An answer.", tool="weather"))
    sdk.close()
    async with open_explorer(path, size=(columns, 40)) as explorer:
        app = explorer.app
        assert len(list(app.screen.walk_children(Widget))) <= 30
        panes, talk = app.screen.query_one("#panes"), app.screen.query_one("#talk")
        assert (styled[panes], styled[talk]) == (1, 1)

        styled.clear()
        await explorer.press("3")
        # Only the pane that is in use now and the one that was in use before are styled.
        assert styled[panes] == 0
        assert styled[app.screen] == 0
