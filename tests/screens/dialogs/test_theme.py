"""Choosing a theme, which is shown while it is highlighted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.css.stylesheet import Stylesheet
from textual.strip import Strip

from tests.conversations import open_sdk, run_result, turn
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
    await sdk.store_run_usage(run_result(100))
    sdk.close()
    return path


def app(explorer: ExplorerDriver) -> ConvoApp:
    assert isinstance(explorer.app, ConvoApp)
    return explorer.app


async def open_themes(explorer: ExplorerDriver) -> None:
    app(explorer).action_change_theme()
    await explorer.until(lambda: isinstance(explorer.app.screen, ThemePicker))
    await explorer.settle()


async def test_the_highlighted_theme_is_shown(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+p", *"Theme")
        await explorer.until(lambda: "Choose the colours" in explorer.text)
        await explorer.press("enter")
        await explorer.until(lambda: "type part of a theme's name" in explorer.text)
        shown = []
        for key in ("up", "up", "down"):
            await explorer.press(key)
            shown.append((app(explorer).theme, explorer.chat.styles.background))
        assert len({theme for theme, _ in shown}) == 2
        assert shown[0] == shown[2] != shown[1]
        await explorer.press(*"nord")
        assert app(explorer).theme == "nord"
        await explorer.press("enter")
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == "nord"


@pytest.mark.parametrize("theme", ["nord", "textual-light", "gruvbox"])
async def test_a_chosen_theme_looks_like_a_configured_one(path: Path, theme: str) -> None:
    def segments(explorer: ExplorerDriver) -> list[list[tuple[str, str]]]:
        strips = explorer.app.screen._compositor.render_strips()
        return [[(segment.text, str(segment.style)) for segment in strip.simplify().discard_meta()] for strip in strips]

    async with open_explorer(path) as explorer:
        await open_themes(explorer)
        await explorer.press("up", "down", "down", *theme, "enter")
        chosen = segments(explorer)
    async with open_explorer(path, config=Config(path.with_name("config.toml"), theme=theme)) as explorer:
        await explorer.settle()
        assert segments(explorer) == chosen


async def test_escape_restores_the_previous_theme(path: Path) -> None:
    async with open_explorer(path) as explorer:
        before = app(explorer).theme, explorer.chat.styles.background
        await open_themes(explorer)
        await explorer.press("up", "up", "escape")
        assert (app(explorer).theme, explorer.chat.styles.background) == before
        await open_themes(explorer)
        await explorer.press(*"no such", "enter", "escape")
        assert (app(explorer).theme, explorer.chat.styles.background) == before


async def test_a_click_picks_a_theme_and_one_beside_the_list_restores_the_previous_theme(path: Path) -> None:
    async with open_explorer(path) as explorer:
        before = app(explorer).theme
        await open_themes(explorer)
        await explorer.press("up")
        await explorer.pilot.click(offset=(1, 38))
        await explorer.settle()
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == before
        await open_themes(explorer)
        lines = explorer.lines
        await explorer.pilot.click(offset=(30, next(y for y, line in enumerate(lines) if "gruvbox" in line)))
        await explorer.settle()
        assert isinstance(app(explorer).screen, Explorer)
        assert app(explorer).theme == "gruvbox"


async def test_the_neighbours_of_the_highlighted_theme_are_prepared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Stylesheet] = []
    reparse = Stylesheet.reparse

    def record(sheet: Stylesheet) -> None:
        parsed.append(sheet)
        reparse(sheet)

    async with open_explorer(path) as explorer:
        await open_themes(explorer)
        picker = app(explorer).screen
        assert isinstance(picker, ThemePicker)
        monkeypatch.setattr(Stylesheet, "reparse", record)
        for key in ("up", "up", "down"):
            await explorer.until(
                lambda: all(app(explorer).theme_switch.is_prepared(name) for name in picker.neighbours())
            )
            before = app(explorer).theme
            await explorer.press(key)
            assert app(explorer).theme != before
        assert not parsed


async def test_a_theme_is_painted_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[PartialCompositor] = []
    draw = PartialCompositor.draw

    def record(painter: PartialCompositor, spans: Iterable[tuple[int, int, int]]) -> dict[int, list[tuple[int, Strip]]]:
        spans = list(spans)
        if len({y for y, _, _ in spans}) == painter.size.height:
            painted.append(painter)
        return draw(painter, spans)

    async with open_explorer(path) as explorer:
        await open_themes(explorer)
        monkeypatch.setattr(PartialCompositor, "draw", record)
        await explorer.press("up")
        assert painted == [app(explorer).screen._compositor, explorer.screen._compositor]
