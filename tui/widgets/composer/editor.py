"""The text area of the composer."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic
from typing import Final

from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from tui.printable import printable_line
from tui.widgets.composer.long_texts import LongTexts

__all__ = ["MessageEditor"]

_MAYBE_UNPRINTABLE: Final = re.compile(r"\r(?!\n)|[^\r\n\t\x20-\x7e]")
"""Characters that `printable_line` may have to replace."""

_NAMED_CHARACTERS: Final = {"minus": "-", "plus": "+", "slash": "/", "underscore": "_"}
"""The characters of keys for which Textual only knows a name."""


class MessageEditor(TextArea):
    """A text area for untrusted and for very long text.

    A control character is shown as its symbol, and never reaches the terminal. A long text that is pasted or loaded is
    shown as a placeholder, which can only be deleted completely. `value` has the original text.

    Attributes:
        rows_around: Rows of the composer besides those of the editor.
        last_key_at: Time at which the last key was pressed, by the monotonic clock.
    """

    def __init__(self, recall: Callable[[int], bool]) -> None:
        """Create an empty editor.

        Args:
            recall: Called before the cursor moves up (-1) or down (1); returns True if it has handled the key instead.
        """
        super().__init__(compact=True, highlight_cursor_line=False)
        self.rows_around = 0
        self.last_key_at = 0.0
        self._recall = recall
        self._originals: dict[int, str] = {}
        self._long_texts = LongTexts()
        self._loaded = ("", "")

    @property
    def value(self) -> str:
        """The text with its control characters, and with long texts in full."""
        shown, original = self._loaded
        if self.text == shown:
            return original
        return self._long_texts.expand(self.text, lambda text: text.translate(self._originals))

    def load(self, text: str) -> None:
        """Replace the text and put the cursor at its end."""
        self._originals.clear()
        self._long_texts.clear()
        self.load_text(self._long_texts.add(text) or self._printable(text, ""))
        self._loaded = self.text, text
        self.move_cursor(self.document.end)

    def on_key(self) -> None:
        self.last_key_at = monotonic()

    def edit(self, edit: Edit) -> EditResult:
        """Perform an edit, as typing and pasting do."""
        edit.text = self._long_texts.add(edit.text) or self._printable(edit.text, self.text)
        self._extend_to_placeholders(edit)
        return super().edit(edit)

    def _extend_to_placeholders(self, edit: Edit) -> None:
        """Let an edit replace a placeholder completely or not at all; text typed inside one is added after it."""
        start, end = sorted((edit.from_location, edit.to_location))
        at_start, at_end = self._placeholder_at(start), self._placeholder_at(end)
        if at_start is not None and start == end:
            edit.from_location = edit.to_location = start[0], at_start[1]
        elif at_start is not None or at_end is not None:
            edit.from_location = start if at_start is None else (start[0], at_start[0])
            edit.to_location = end if at_end is None else (end[0], at_end[1])

    def _placeholder_at(self, location: tuple[int, int]) -> tuple[int, int] | None:
        """Return the columns of the placeholder at a location; Textual deletes a line up to the one after it."""
        row, column = location
        is_inside = row < self.document.line_count
        return self._long_texts.placeholder_at(self.document.get_line(row), column) if is_inside else None

    def _printable(self, text: str, present: str) -> str:
        """Replace control characters by symbols, and remember which symbols represent control characters.

        A symbol that the text itself contains represents no control character.
        """

        def symbol(match: re.Match[str]) -> str:
            shown = printable_line(match[0]) or match[0]
            if shown != match[0] and shown not in text and (ord(shown) in self._originals or shown not in present):
                self._originals.setdefault(ord(shown), match[0])
            return shown

        return _MAYBE_UNPRINTABLE.sub(symbol, text)

    def render_line(self, y: int) -> Strip:
        """Draw a row, empty if the editor has no width: Textual fails to wrap a placeholder to a width of 0."""
        return super().render_line(y) if self.content_size.width else Strip.blank(0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height of the text, limited so that the composer takes at most a third of the screen."""
        return min(super().get_content_height(container, viewport, width), viewport.height // 3 - self.rows_around)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.call_after_refresh(self.scroll_cursor_visible)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Return whether a key types a character, so that the footer does not offer it for a command."""
        return super().check_consume_key(key, _NAMED_CHARACTERS.get(key, character))

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up, or recall the previous message."""
        if select or not self._recall(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down, or recall the next message."""
        if select or not self._recall(1):
            super().action_cursor_down(select)
