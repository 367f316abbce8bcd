"""What the first screen costs: how many widgets, and how often each is styled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

from tests.conversations import open_sdk, turn
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.storage.store import Store


@pytest.fixture
def styled(monkeypatch: pytest.MonkeyPatch) -> Counter[DOMNode]:
    """How often each node was styled."""
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
    controller = SessionController(Store(path))
    await controller.open()
    app = ConvoApp(controller)
    async with app.run_test(size=(columns, 40)) as pilot:
        await pilot.pause()
        assert len(list(app.screen.walk_children(Widget))) <= 30
        panes, talk = app.screen.query_one("#panes"), app.screen.query_one("#talk")
        assert (styled[panes], styled[talk]) == (1, 1)

        styled.clear()
        await pilot.press("3")
        await pilot.pause()
        # Another pane is styled for being in use, and the one before for not being it; nothing else is.
        assert styled[panes] == 0
        assert styled[app.screen] == 0
    controller.close()
