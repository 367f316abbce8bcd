"""The line at the foot of a pane in which the user types a search, and which shows its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tui.printable import printable_line
from tui.widgets.message import WidgetMessage

__all__ = ["SearchBar"]


class SearchBar(Horizontal):
    """An input with the state of its search; takes no room until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n,ctrl+g", "step(1)", "Next", priority=True, id="search.next"),
        Binding("enter", "submit", "Done", priority=True, id="search.keep"),
        Binding("up,ctrl+p", "step(-1)", "Previous", show=False, priority=True, id="search.previous"),
        Binding("tab", "toggle_scope", "Scope", priority=True, id="search.scope"),
        Binding("escape", "cancel", "Back", priority=True, id="search.cancel"),
    ]

    DEFAULT_CSS = """
    SearchBar {
        height: 1;
        padding: 0 1;
        background: $surface;

        #search-mark { width: auto; color: $text-accent; text-style: bold; }
        #search-scope { margin-left: 2; width: auto; color: $text-muted; }
        #search-other-scope { display: none; width: auto; color: $text-muted; }
        #search-state { width: auto; max-width: 70%; color: $text-muted; text-wrap: nowrap; }
        &.-error #search-state { color: $text-error; }
        Input, Input:focus {
            width: 1fr;
            min-width: 8;
            height: 1;
            padding: 0;
            border: none;
            background: transparent;
            background-tint: 0%;
        }
    }
    """

    @dataclass
    class Changed(WidgetMessage["SearchBar"]):
        """Posted when the user typed."""

        text: str

    @dataclass
    class Submitted(WidgetMessage["SearchBar"]):
        """Posted when the user pressed Enter."""

        text: str

    @dataclass
    class Cancelled(WidgetMessage["SearchBar"]):
        """Posted when the user pressed Esc."""

    @dataclass
    class ScopeToggled(WidgetMessage["SearchBar"]):
        """Posted when the user asked for the other scope."""

        text: str
        """The typed text."""

    @dataclass
    class StepRequested(WidgetMessage["SearchBar"]):
        """Posted when the user asked for another hit while typing."""

        step: int
        """1 for the next hit, -1 for the previous hit."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002
        """Create a closed bar with a text to show while the input is empty."""
        super().__init__(id=id)
        self.display = False
        self._input = Input(placeholder=placeholder, select_on_focus=True)
        self._scope = Static(id="search-scope")
        self._state = Static(id="search-state")
        self._other_scope = Static(id="search-other-scope")

    def compose(self) -> ComposeResult:
        yield Static("/", id="search-mark")
        yield self._input
        yield self._scope
        yield self._state
        yield self._other_scope

    def open(self, text: str | None = None) -> None:
        """Show the bar, and let the user type in it.

        Args:
            text: The text of a search that began elsewhere; if given, it is shown and the focus does not move.
        """
        self.display = True
        self._input.can_focus = text is None
        if text is None:
            # Immediately, because the next key may belong to the search.
            self.screen.set_focus(self._input)
        else:
            with self._input.prevent(Input.Changed):
                self._input.value = text
            self.show_state("")

    def close(self) -> None:
        """Hide the bar; its text is kept for the next search."""
        self.display = False
        self.show_state("")

    def show_state(self, state: str, *, is_error: bool = False) -> None:
        """Show the state of the search, or an error in the typed text; untrusted text in it is shown as it is."""
        self.set_class(is_error, "-error")
        self._state.update(Content(f": {printable_line(state)}" if state else ""))

    def show_scope(self, scope: str, other: str = "") -> None:
        """Show what is searched, and a hint how to search something else while the bar has the focus."""
        self._scope.update(scope)
        self._other_scope.update(f" · {other}" if other else "")

    def on_descendant_focus(self) -> None:
        self._other_scope.display = True

    def on_descendant_blur(self) -> None:
        # Its key does something else in another pane.
        self._other_scope.display = False

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._other_scope:
            self.action_toggle_scope()

    def action_toggle_scope(self) -> None:
        """Post that the user asked for the other scope."""
        self.post_message(self.ScopeToggled(self, self._input.value))

    def action_cancel(self) -> None:
        """Post that the user cancelled the search."""
        self.post_message(self.Cancelled(self))

    def action_step(self, step: int) -> None:
        """Post that the user asked for another hit."""
        self.post_message(self.StepRequested(self, step))

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def action_submit(self) -> None:
        """Post that the user has typed the search."""
        self.post_message(self.Submitted(self, self._input.value))
