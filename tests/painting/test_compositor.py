"""The compositor paints what Textual's own compositor would paint, with fewer drawn rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tests.conversations import open_sdk, run_result, turn
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.painting.painted_screen import PaintedScreen

KEYS = [*"123jkgG[]{}-+zUt?b/", "pagedown", "pageup", "enter", "escape", "escape", "tab", "f", "f", "escape"]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Two branches of forty turns, some of them long, some in wide characters."""
    path = tmp_path / "painted.sqlite"
    sdk = open_sdk(path)
    for number in range(1, 41):
        text = "대화 가지 " * number if number % 3 else "word " * 40
        await sdk.add_items(turn(f"{number} {text}", f"**Answer** {number}\n\n" * (number % 7), tool="look"))
        await sdk.store_run_usage(run_result(100 * number))
    await sdk.create_branch_from_turn(30, "fork")
    await sdk.add_items(turn("elsewhere"))
    sdk.close()
    return path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> pyte.Screen:
    """A terminal that shows each update of the app."""
    terminal = pyte.Screen(200, 50)
    stream = pyte.Stream(terminal)

    def display(app: App[None], screen: Screen[object], update: object) -> None:
        if isinstance(update, CompositorUpdate) and not app._batch_count:
            stream.feed(update.render_segments(app.console))

    monkeypatch.setattr(App, "_display", display)
    return terminal


def cells(terminal: pyte.Screen) -> list[list[object]]:
    """Return the characters of a terminal with their styles."""
    return [[terminal.buffer[y][x] for x in range(terminal.columns)] for y in range(terminal.lines)]


def painted_by_textual(explorer: ExplorerDriver, size: tuple[int, int]) -> pyte.Screen:
    """Return a terminal that shows the screen as Textual's own compositor paints it."""
    app = explorer.pilot.app
    painter = app.screen._compositor
    visible_screen_stack.set(app._background_screens)
    region = painter.size.region
    chops = Compositor._render_chops(painter, region, lambda y: True)
    terminal = pyte.Screen(*size)
    everything = LayoutUpdate([chop.values() for chop in chops], region)
    pyte.Stream(terminal).feed(everything.render_segments(app.console))
    return terminal


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_terminal_shows_what_textual_would_have_painted(path: Path, shown: pyte.Screen, seed: int) -> None:
    chance = random.Random(seed)
    size = chance.choice([(140, 40), (100, 30), (60, 20)])
    shown.resize(size[1], size[0])
    async with open_explorer(path, size=size) as explorer:
        for _ in range(14):
            await explorer.press(chance.choice(KEYS))
            if isinstance(explorer.pilot.app.screen, PaintedScreen):
                assert cells(shown) == cells(painted_by_textual(explorer, size))


async def test_what_a_layout_moves_is_painted_if_a_position_was_asked_for_before(
    path: Path, shown: pyte.Screen
) -> None:
    size = (140, 40)
    shown.resize(size[1], size[0])
    async with open_explorer(path, size=size) as explorer:
        for key in ("slash", "escape", "f"):
            await explorer.press(key)
            assert cells(shown) == cells(painted_by_textual(explorer, size))


async def test_every_requested_cell_is_painted(path: Path) -> None:
    async with open_explorer(path, size=(60, 20)) as explorer:
        # A dialog of another size than the screen below requests such rows.
        compositor = explorer.screen.partial_compositor
        assert compositor is not None
        rows = compositor.draw((y, 0, 90) for y in range(30))
        assert [sum(strip.cell_length for _, strip in pieces) for pieces in rows.values()] == [90] * 30


def counting(widget: Widget, rows: Counter[str]) -> Callable[[Region], list[Strip]]:
    draw, name = widget.render_lines, widget.id or type(widget).__name__

    def counted(crop: Region) -> list[Strip]:
        rows[name] += crop.height
        return draw(crop)

    return counted


async def test_rows_behind_other_widgets_are_not_drawn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Counter[str] = Counter()
    async with open_explorer(path) as explorer:
        for widget in explorer.screen.walk_children(Widget):
            monkeypatch.setattr(widget, "render_lines", counting(widget, rows))
        await explorer.press("2", "g", "pagedown")
        rows.clear()
        await explorer.press("j")
        assert rows["chat"] <= explorer.chat.size.height
        assert rows["panes"] == rows["composer"] == rows["KeyBar"] == 0
