"""The line at the foot of a pane where the user says what to find in it, and which reads off where the search is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.printable import printable_line

__all__ = ["FindBar"]


class FindBar(Horizontal):
    """An input with a word of what came of it; takes no room until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Go back", priority=True),
        Binding("down,ctrl+n,ctrl+g", "step(1)", "Next", show=False),
        Binding("up,ctrl+p", "step(-1)", "Previous", show=False, priority=True),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | down, ctrl+n, ctrl+g | The next hit. |
    | up, ctrl+p | The hit before. |
    | enter | Go on in the pane, with `n` and `N` from hit to hit. |
    | escape | Go back to where the search began. |
    """

    DEFAULT_CSS = """
    FindBar {
        height: 1;
        padding: 0 1;
        background: $surface;

        #find-mark { width: auto; color: $text-accent; text-style: bold; }
        #find-state { width: auto; max-width: 60%; margin-left: 2; color: $text-muted; text-wrap: nowrap; }
        &.-wrong #find-state { color: $text-error; }
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
    class Posted(Message):
        """Base of the bar's messages."""

        bar: FindBar
        """The bar that sent it."""

        @property
        def control(self) -> FindBar:
            """Alias of `bar`, for the `on` decorator."""
            return self.bar

    @dataclass
    class Changed(Posted):
        """The user typed."""

        text: str
        """What stands there by now."""

    @dataclass
    class Accepted(Posted):
        """The user pressed Enter."""

        text: str
        """What stands there."""

    @dataclass
    class Left(Posted):
        """The user pressed Esc."""

    @dataclass
    class Stepped(Posted):
        """The user asked for another hit while typing."""

        step: int
        """1 for the next, -1 for the one before."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002
        """Make the bar, closed.

        Args:
            placeholder: What the empty input says.
            id: The id of the widget in the DOM.
        """
        super().__init__(id=id)
        self.display = False
        self._input = Input(placeholder=placeholder, select_on_focus=True)
        self._state = Static(id="find-state")

    def compose(self) -> ComposeResult:
        yield Static("/", id="find-mark")
        yield self._input
        yield self._state

    @property
    def is_open(self) -> bool:
        """Whether it is seen."""
        return bool(self.display)

    @property
    def is_typed_in(self) -> bool:
        """Whether it has the focus."""
        return self._input.has_focus

    def open(self, text: str | None = None) -> None:
        """Show the bar; for the user to type in, or with the text of a search that was begun elsewhere."""
        self.display = True
        self._input.can_focus = text is None
        if text is None:
            # At once: the next key may be of what is to be found.
            self.screen.set_focus(self._input)
        else:
            with self._input.prevent(Input.Changed):
                self._input.value = text
            self.tell("")

    def close(self) -> None:
        """Hide the bar; what was typed is kept for the next time."""
        self.display = False
        self.tell("")

    def tell(self, state: str, *, wrong: bool = False) -> None:
        """Say where the search is, or what is wrong with what was typed; untrusted text in it is shown as it is."""
        self.set_class(wrong, "-wrong")
        self._state.update(Content(printable_line(state)))

    def action_leave(self) -> None:
        """Tell that the user left."""
        self.post_message(self.Left(self))

    def action_step(self, step: int) -> None:
        """Tell that the user wants another hit."""
        self.post_message(self.Stepped(self, step))

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Accepted(self, event.value))
