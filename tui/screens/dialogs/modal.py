"""The base of all dialogs, with the look of Textual's command palette: a band across the dimmed screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.painting.painted_screen import PaintedScreen
from tui.printable import printable_line

__all__ = ["FieldRow", "Modal", "Scroll", "hint"]

_TALL: Final = 24
"""Minimum height of a screen on which the dialog has margins."""

_BORDER_LINES: Final = 2
_MARGIN_LINES: Final = 7
"""Lines of the margin and padding of a dialog on a tall screen."""

ResultT = TypeVar("ResultT")


class Modal(ModalScreen[ResultT], PaintedScreen[ResultT]):
    """A dialog: a title, widgets and a line of hints. Esc or a click beside the dialog closes it without a result."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        # The bindings of the application do not work below a dialog.
        Binding("question_mark,f1", "app.show_help", "Help", show=False),
    ]

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
        Input, Input:focus {
            height: 1;
            margin: 0 2;
            padding: 0;
            border: none;
            background: transparent;
            background-tint: 0%;
        }
        .modal--title { height: 1; margin: 0 2; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
        .modal--hint { height: 1; margin: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        .modal--title { link-color: $foreground; link-style: none; }
        .modal--hint { link-color: $foreground-muted; link-style: none; }
    }
    """

    def __init__(
        self,
        title: str,
        body: Widget,
        hint: Content | str = "",
        *,
        above: Sequence[Widget] = (),
        below: Sequence[Widget] = (),
    ) -> None:
        """Create the dialog.

        Args:
            title: The line at the top; it may contain untrusted text.
            body: The widget that takes as many lines as it needs, up to the height of the screen.
            hint: The line at the bottom, which names the keys (see `hint`); left out if it is empty.
            above: Widgets between title and body.
            below: Widgets between body and hint.
        """
        super().__init__()
        self._title = Static(printable_line(title), classes="modal--title", markup=False)
        self._body = body
        self._widgets = (*above, body, *below)
        self._hint = Static(hint, classes="modal--hint", markup=False)
        self._hint.display = bool(hint)
        self._lines_beside_body = 1 + len(above) + len(below) + bool(hint)
        self._wrapped_lines = 0
        """Lines that a text beside the body takes from it."""

    def compose(self) -> ComposeResult:
        # Its first frame would be drawn for another size.
        self.fit(self.app.size)
        with Vertical():
            yield from self.compose_head()
            yield from self._widgets
            if self._hint.display:
                yield self._hint

    def compose_head(self) -> ComposeResult:
        """Yield the first line."""
        yield self._title

    def on_mount(self) -> None:
        # A notice would cover the dialog.
        self.app.clear_notifications()
        # Each blink would draw all of the dimmed screen again.
        for field in self.query(Input):
            field.cursor_blink = False

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """Close with a result; ignore later calls, which would close the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_resize(self) -> None:
        self.fit(self.size)

    def fit(self, size: Size) -> None:
        """Lay the dialog out for the size of the screen."""
        # In a container of automatic height Textual ignores a maximum height that is not in cells.
        height = size.height
        tall = height >= _TALL
        self.set_class(tall, "-tall")
        others = _BORDER_LINES + self._lines_beside_body + (_MARGIN_LINES + self._lines_beside_body if tall else 0)
        others += self._wrapped_lines
        self._body.styles.max_height = max(1, min(height - others, height * 3 // 4))

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def on_click(self, event: Click) -> None:
        if event.widget is self:
            self.dismiss(None)


def hint(*parts: str | tuple[str, str]) -> Content:
    """Return a line of hints; a part with the name of an action of the dialog, or of the app, can be clicked."""

    def draw(text: str, action: str = "") -> Content:
        click = {"@click": action if action.startswith("app.") else f"screen.{action}"}
        return Content.styled(text, Style.from_meta(click)) if action else Content(text)

    return Content(" · ").join(draw(part) if isinstance(part, str) else draw(*part) for part in parts)


class FieldRow(Horizontal):
    """A field after its label."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;
        & > Label { width: 9; color: $foreground-muted; }
        Input, Input:focus { width: 1fr; margin: 0; }
    }
    """

    def __init__(self, label: str, field: Widget) -> None:
        super().__init__(Label(label, markup=False), field)


class Scroll(VerticalScroll):
    """Scrollable text with vim's keys in addition to the usual ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("ctrl+d", "page_down", "Page down", show=False),
        Binding("ctrl+u", "page_up", "Page up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]
