"""The layout of the explorer at all sizes of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static, TextArea

from tests.explorer.driver import open_explorer
from tui.agent.settings import AgentSettings
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.usage.token_chart import TokenChart


async def test_each_width_has_its_layout(path: Path) -> None:
    async with open_explorer(path, size=(140, 40)) as explorer:
        for size, shown in (
            ((160, 40), {"tree", "talk", "usage"}),
            ((100, 30), {"tree", "talk", "usage"}),
            ((60, 24), {"tree"}),
            ((40, 12), {"tree"}),
            ((1, 1), {"tree"}),
            ((120, 40), {"tree", "talk", "usage"}),
        ):
            await explorer.resize(*size)
            panes = {name for name in ("tree", "talk", "usage") if explorer.screen.query_one(f"#{name}").display}
            assert panes == shown
            assert explorer.usage.compact == (80 <= size[0] < 120)
        await explorer.pilot.resize_terminal(60, 24)
        await explorer.press("3")
        assert explorer.usage.display
        assert isinstance(explorer.screen.focused, TokenChart)
        await explorer.press("2", "f")
        assert isinstance(explorer.screen.focused, TextArea)


async def test_zoom_shows_one_pane_and_then_all(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "plus")
        assert "1 Tree" not in explorer.text
        assert explorer.chat.region.width > 120
        await explorer.press("escape")
        assert "1 Tree" in explorer.text


async def test_the_first_frame_after_a_resize_is_final(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_explorer(path) as explorer:
        drawn: list[str] = []
        draw = Transcript.render_lines

        def counted(chat: Transcript, crop: Region) -> list[Strip]:
            strips = draw(chat, crop)
            drawn.append("\n".join(strip.text for strip in strips))
            return strips

        monkeypatch.setattr(Transcript, "render_lines", counted)
        await explorer.resize(90, 30)
        assert len(drawn[0].split("\n")) == explorer.chat.size.height
        assert len(set(drawn)) == 1


async def test_no_terminal_is_too_small(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2")
        for columns in range(1, 9):
            await explorer.pilot.resize_terminal(columns, 30)
            await explorer.press("j", "3", "j", "1", "j", "2")
        await explorer.pilot.resize_terminal(1, 1)
        await explorer.pilot.resize_terminal(140, 40)
        await explorer.settle()
        assert explorer.place[0] in explorer.view.tree.branches


async def test_no_hint_of_a_dialog_is_cut_in_a_narrow_window(path: Path) -> None:
    async with open_explorer(path, "alt", size=(60, 24), agent=AgentSettings(model="offline")) as explorer:
        await explorer.press("asterisk")
        for key in ("comma", "d", "Y", "at", "x", "X", "r", "number_sign", "question_mark"):
            await explorer.press(key)
            dialog = explorer.app.screen
            hint = dialog.query(".modal--hint").last(Static).region
            assert "…" not in explorer.lines[hint.y], key
            await explorer.press("escape")


async def test_a_narrow_window_has_a_tab_for_each_pane(path: Path) -> None:
    async with open_explorer(path, size=(60, 24)) as explorer:
        assert explorer.lines[0] == " 1 Tree  2 Chat  3 Usage"
        assert "2 Chat · support · " in explorer.lines[1]
        await explorer.click_text("3 Usage")
        assert "3 Usage · support · path" in explorer.lines[1]
        assert explorer.usage.chart.has_focus
        await explorer.press("1")
        assert explorer.screen.panes.tabs.active == 0
        await explorer.resize(100, 24)
        assert "1 Tree" in explorer.lines[0]
        assert "2 Chat" in explorer.lines[0]
