"""The line of keys at the bottom."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tui.widgets.key_bar import KeyBar


class Pane(Widget, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", tooltip="Open the row under the cursor")]


class KeysApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,g", "fork", "Fork"),
        Binding("x", "secret", "Secret", show=False),
        Binding("b", "branches", "한국어"),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []

    def compose(self) -> ComposeResult:
        yield Pane()
        yield KeyBar()

    def action_fork(self) -> None:
        self.actions.append("fork")

    def action_branches(self) -> None:
        self.actions.append("branches")

    @property
    def shown(self) -> str:
        return self.query_one(KeyBar).render_line(0).text.rstrip()


async def test_it_offers_the_bindings_of_the_focused_widget() -> None:
    app = KeysApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.shown == " f Fork  b 한국어"
        await pilot.press("tab")
        await pilot.pause()
        assert app.shown == " ⏎ Open  f Fork  b 한국어"


async def test_a_click_runs_the_action_and_keys_that_do_not_fit_are_omitted() -> None:
    app = KeysApp()
    async with app.run_test(size=(17, 5)) as pilot:
        await pilot.pause()
        await pilot.click(KeyBar, offset=(12, 0))
        await pilot.click(KeyBar, offset=(1, 0))
        assert app.actions == ["branches", "fork"]
        await pilot.resize_terminal(16, 5)
        await pilot.pause()
        assert app.shown == " f Fork"
        await pilot.click(KeyBar, offset=(12, 0))
        assert app.actions == ["branches", "fork"]


class HelpApp(KeysApp):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.show_help", "Help"),
        Binding("q", "app.quit", "Quit"),
    ]

    def action_show_help(self) -> None:
        self.actions.append("help")


async def test_help_and_quit_are_shown_if_there_is_not_room_for_all() -> None:
    app = HelpApp()
    async with app.run_test(size=(25, 5)) as pilot:
        await pilot.pause()
        assert app.shown == " f Fork  ? Help  q Quit"
        await pilot.resize_terminal(16, 5)
        await pilot.pause()
        assert app.shown == " ? Help  q Quit"
        await pilot.click(KeyBar, offset=(1, 0))
        assert app.actions == ["help"]


async def test_the_key_under_the_mouse_has_a_tooltip() -> None:
    app = KeysApp()
    async with app.run_test() as pilot:
        await pilot.press("tab")
        await pilot.hover(KeyBar, offset=(3, 0))
        bar = app.query_one(KeyBar)
        assert (bar.hovered, bar.tooltip) == ("enter", "Open the row under the cursor")
        await pilot.hover(Pane)
        assert (bar.hovered, bar.tooltip) == ("", None)


async def test_it_does_not_change_when_the_terminal_loses_the_focus() -> None:
    app = KeysApp()
    async with app.run_test() as pilot:
        await pilot.press("tab")
        await pilot.pause()
        app.post_message(events.AppBlur())
        await pilot.pause()
        assert app.focused is None
        assert app.shown == " ⏎ Open  f Fork  b 한국어"


class TypingApp(KeysApp):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("minus", "back", "Back"),
        Binding("slash", "search", "Search"),
        Binding("ctrl+f", "search_all", "All"),
    ]

    def compose(self) -> ComposeResult:
        yield Input()
        yield KeyBar()


async def test_keys_that_the_focused_widget_takes_as_text_are_omitted() -> None:
    app = TypingApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.shown == " f Fork  b 한국어  - Back  / Search  ^f All"
        await pilot.press("tab")
        await pilot.pause()
        assert app.shown == " ^f All"
