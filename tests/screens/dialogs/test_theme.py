"""Choosing the colours: the panes wear the theme under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.css.stylesheet import Stylesheet
from textual.strip import Strip

from tests.conversations import open_sdk, spend, turn
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.app import ConvoApp
from tui.config import Config
from tui.explorer.screen import Explorer
from tui.painting.compositor import PartialCompositor
from tui.screens.dialogs.theme import ThemePicker


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "themes.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items(turn("Hello", "**Hi**", tool="look"))
    await sdk.store_run_usage(spend(100))
    sdk.close()
    return path


def app(explorer: ExplorerDriver) -> ConvoApp:
    found = explorer.app
    assert isinstance(found, ConvoApp)
    return found


async def choose(explorer: ExplorerDriver) -> None:
    app(explorer).action_change_theme()
    await explorer.until(lambda: isinstance(explorer.app.screen, ThemePicker))
    await explorer.settle()


def text(explorer: ExplorerDriver) -> str:
    return "\n".join(strip.text for strip in explorer.app.screen._compositor.render_strips())


async def test_the_panes_wear_the_theme_under_the_cursor(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+p", *"Theme")
        await explorer.until(lambda: "Choose the colours" in text(explorer))
        await explorer.press("enter")
        await explorer.until(lambda: "type part of a theme's name" in text(explorer))
        worn = []
        for key in ("up", "up", "down"):
            await explorer.press(key)
            worn.append((app(explorer).theme, explorer.chat.styles.background))
        assert len({theme for theme, _ in worn}) == 2
        assert worn[0] == worn[2] != worn[1]
        await explorer.press(*"nord")
        assert app(explorer).theme == "nord"
        await explorer.press("enter")
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == "nord"


@pytest.mark.parametrize("theme", ["nord", "textual-light", "gruvbox"])
async def test_a_theme_looks_as_in_a_program_that_began_with_it(path: Path, theme: str) -> None:
    def looks(explorer: ExplorerDriver) -> list[list[tuple[str, str]]]:
        strips = explorer.app.screen._compositor.render_strips()
        return [[(segment.text, str(segment.style)) for segment in strip.simplify().discard_meta()] for strip in strips]

    async with open_explorer(path) as explorer:
        await choose(explorer)
        await explorer.press("up", "down", "down", *theme, "enter")
        chosen = looks(explorer)
    async with open_explorer(path, config=Config(path.with_name("config.toml"), theme=theme)) as explorer:
        await explorer.settle()
        assert looks(explorer) == chosen


async def test_esc_goes_back_to_the_theme_before(path: Path) -> None:
    async with open_explorer(path) as explorer:
        before = app(explorer).theme, explorer.chat.styles.background
        await choose(explorer)
        await explorer.press("up", "up", "escape")
        assert (app(explorer).theme, explorer.chat.styles.background) == before
        await choose(explorer)
        await explorer.press(*"no such", "enter", "escape")
        assert (app(explorer).theme, explorer.chat.styles.background) == before


async def test_a_click_picks_a_theme_and_one_beside_the_list_goes_back(path: Path) -> None:
    async with open_explorer(path) as explorer:
        before = app(explorer).theme
        await choose(explorer)
        await explorer.press("up")
        await explorer.pilot.click(offset=(1, 38))
        await explorer.settle()
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == before
        await choose(explorer)
        lines = text(explorer).splitlines()
        await explorer.pilot.click(offset=(30, next(y for y, line in enumerate(lines) if "gruvbox" in line)))
        await explorer.settle()
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == "gruvbox"


async def test_the_themes_beside_the_cursor_are_read_while_it_rests(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Stylesheet] = []
    reparse = Stylesheet.reparse

    def counted(sheet: Stylesheet) -> None:
        read.append(sheet)
        reparse(sheet)

    async with open_explorer(path) as explorer:
        await choose(explorer)
        picker = app(explorer).screen
        assert isinstance(picker, ThemePicker)
        monkeypatch.setattr(Stylesheet, "reparse", counted)
        for key in ("up", "up", "down"):
            await explorer.until(
                lambda: all(app(explorer).theme_switch.is_prepared(name) for name in picker.neighbours())
            )
            before = app(explorer).theme
            await explorer.press(key)
            assert app(explorer).theme != before
        assert not read


async def test_a_theme_is_painted_in_one_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[PartialCompositor] = []
    draw = PartialCompositor.draw

    def counted(
        painter: PartialCompositor, spans: Iterable[tuple[int, int, int]]
    ) -> dict[int, list[tuple[int, Strip]]]:
        spans = list(spans)
        if len({y for y, _, _ in spans}) == painter.size.height:
            whole.append(painter)
        return draw(painter, spans)

    async with open_explorer(path) as explorer:
        await choose(explorer)
        monkeypatch.setattr(PartialCompositor, "draw", counted)
        await explorer.press("up")
        assert whole == [app(explorer).screen._compositor, explorer.screen._compositor]
