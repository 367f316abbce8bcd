"""The look that the modal screens share with Textual's command palette: a band over the dimmed panes."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Click
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from tui.painting.painted_screen import PaintedScreen

__all__ = ["Modal", "Scroll"]

_TALL = 24
_BORDERS = 2
_MARGINS = 7
"""Lines of the band's margin and padding where the screen is tall."""

ResultT = TypeVar("ResultT")


class Modal(ModalScreen[ResultT], PaintedScreen[ResultT]):
    """A modal screen with one container, which Esc or a click beside it closes without a result."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close")]
    LINES: ClassVar[int]
    """Lines beside the widget that grows; above and below each an empty one where the screen is tall."""

    DEFAULT_CSS = """
    Modal {
        align-horizontal: center;
        color: $foreground;
        background: $background 60%;
        &:ansi { background: transparent; }

        & > Vertical {
            width: 100%;
            max-width: 100;
            height: auto;
            max-height: 100%;
            border: hkey black 50%;
            background: $surface;
            &:dark { background: $panel-darken-1; }
        }
        &.-tall > Vertical { margin: 3 0 2 0; padding: 1 0; }

        Scroll { height: auto; padding: 0 2; scrollbar-size-vertical: 1; }
        .modal--title { height: 1; margin: 0 2; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
        .modal--hint { height: 1; margin: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self, growing: Widget) -> None:
        """Make the screen.

        Args:
            growing: The widget that takes as many lines as it needs, as far as there are.
        """
        super().__init__()
        self._growing = growing

    def on_mount(self) -> None:
        # Each blink would draw the dimmed panes beneath anew, all of them.
        for line in self.query(Input):
            line.cursor_blink = False

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """Close with a result, once: a second key, pressed before the screen was gone, would close the one below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_resize(self) -> None:
        # In a container of automatic height Textual heeds no maximum but one in cells.
        height = self.size.height
        tall = height >= _TALL
        self.set_class(tall, "-tall")
        beside = _BORDERS + self.LINES + (_MARGINS + self.LINES if tall else 0)
        self._growing.styles.max_height = max(1, min(height - beside, height * 3 // 4))

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def on_click(self, event: Click) -> None:
        if event.widget is self:
            self.dismiss(None)


class Scroll(VerticalScroll):
    """A scrollable text with vim's keys beside the usual ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("ctrl+d", "page_down", "Page down", show=False),
        Binding("ctrl+u", "page_up", "Page up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]
