"""The list of a picker: one line for each choice, drawn when it comes into sight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.model.fuzzy import FuzzyFilter
from tui.painting.deferred_refresh import SuspendableRefresh
from tui.printable import printable_line

__all__ = ["Choice", "Choices", "KeyT"]

KeyT = TypeVar("KeyT")

_MARGIN = 2
_LEAST_LABEL = 16
"""A detail that leaves the label less cells is not shown."""


class Choice(NamedTuple, Generic[KeyT]):
    """One line of a picker.

    Attributes:
        key: What picking it gives.
        label: What is searched and shown: plain text, never markup, or text with styles.
        detail: What stands beside it, likewise.
    """

    key: KeyT
    label: Content | str
    detail: Content | str = ""


class Choices(ScrollView, SuspendableRefresh, can_focus=False):
    """Labels with details, narrowed by what is typed elsewhere; thousands cost no more than those in sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choices--detail",
        "choices--match",
        "choices--hover",
        "choices--cursor",
    }
    """
    | Class | Description |
    | :- | :- |
    | `choices--detail` | What stands at the right of a line. |
    | `choices--match` | The letters of a label that were typed. |
    | `choices--hover` | The line under the mouse. |
    | `choices--cursor` | The line that Enter picks. |
    """

    DEFAULT_CSS = """
    Choices {
        height: auto;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .choices--detail { color: $foreground-muted; }
        & > .choices--match { text-style: bold underline; }
        & > .choices--hover { background: $block-hover-background; }
        & > .choices--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:nocolor > .choices--cursor { text-style: reverse; }
    }
    """

    cursor: reactive[int] = reactive(0)
    """Line of the choice that Enter picks, from 0; -1 where nothing matches."""

    hovered: reactive[int] = reactive(-1)
    """Line under the mouse, -1 for none."""

    class Picked(Message):
        """The user clicked a choice."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place
            """Its place among all choices."""

    class EndNeared(Message):
        """The last choices have come into sight, or nearly."""

    def __init__(self, labels: Sequence[Content | str], details: Sequence[Content | str], current: int | None) -> None:
        """Make the list.

        Args:
            labels: What is searched and shown.
            details: What is shown beside each.
            current: Place of the choice that holds now: marked, and under the cursor at first.
        """
        super().__init__()
        self._labels = labels
        self._details = details
        self._current = current
        self._narrowing = FuzzyFilter(map(_plain, labels))
        self.empty = "no match"
        """What an empty list says."""
        self.set_reactive(Choices.cursor, current if current is not None else 0)

    @property
    def place(self) -> int | None:
        """Place of the choice under the cursor among all choices; None where nothing matches."""
        return self._narrowing.matches[self.cursor] if 0 <= self.cursor < self.count else None

    def beside(self) -> list[int]:
        """Places of the choices below and above the cursor."""
        return [self._narrowing.matches[line] for line in (self.cursor + 1, self.cursor - 1) if 0 <= line < self.count]

    @property
    def count(self) -> int:
        """How many choices match."""
        return len(self._narrowing.matches)

    def show(self, labels: Sequence[Content | str], details: Sequence[Content | str]) -> None:
        """Show other choices, with nothing typed and the cursor as near as can be to where it was."""
        self._labels, self._details, self._current = labels, details, None
        self._narrowing = FuzzyFilter(label if isinstance(label, str) else label.plain for label in labels)
        self.cursor = max(self.cursor, 0)
        self._measure(layout=True)
        self._show_cursor()

    def narrow(self, typed: str) -> None:
        """Show what matches, the best under the cursor; with nothing typed, all, the current one under the cursor."""
        self._narrowing.narrow(typed)
        self.cursor = 0 if self._narrowing.query or self._current is None else self._current
        self.hovered = -1
        self._measure(layout=True)
        self._show_cursor()

    def replace(
        self, labels: Sequence[Content | str], details: Sequence[Content | str], current: int | None, typed: str
    ) -> None:
        """Show other choices, which were found elsewhere by what was typed; more of the same leave the cursor alone."""
        grown = self._narrowing.query == (found := FuzzyFilter(map(_plain, labels), typed)).query and bool(self.count)
        self._labels, self._details, self._current, self._narrowing = labels, details, current, found
        if not grown:
            self.cursor = 0 if found.query or current is None else current
        self.hovered = -1
        self._measure(layout=True)
        self._show_cursor()

    def move(self, by: int) -> None:
        """Move the cursor by so many lines."""
        self.cursor += by

    def move_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 1)

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 0), self.count - 1)

    def watch_cursor(self) -> None:
        self._show_cursor()
        self._tell_end(self.cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell_end(int(new_value) + self.size.height)

    def on_resize(self) -> None:
        self._measure(layout=False)
        self._show_cursor()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hovered = self._line_at(event)

    def on_leave(self) -> None:
        self.hovered = -1

    def on_click(self, event: events.Click) -> None:
        line = self._line_at(event)
        if line >= 0:
            event.stop()
            self.post_message(self.Picked(self._narrowing.matches[line]))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """A line for each choice that matches."""
        return max(1, self.count)

    def render_line(self, y: int) -> Strip:
        """One choice, or the word that there is none."""
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        if line < self.count:
            return Strip(self._draw(line, width)).adjust_cell_length(width, self.rich_style)
        if line == 0:
            style = self.get_visual_style("choices--detail").rich_style
            return Strip([Segment(" " * _MARGIN + self.empty, style)]).adjust_cell_length(width, self.rich_style)
        return Strip.blank(width, self.rich_style)

    def _draw(self, line: int, width: int) -> Iterable[Segment]:
        place = self._narrowing.matches[line]
        states = []
        if line == self.hovered:
            states.append("choices--hover")
        if line == self.cursor:
            states.append("choices--cursor")
        base = self.get_visual_style(*states)

        detail = _safe(self._details[place])
        room = width - 2 * _MARGIN
        if detail and room - detail.cell_length - 2 < _LEAST_LABEL:
            detail = Content("")
        label = self._mark_letters(_safe(self._labels[place]), place)
        label = label.truncate(room - (detail.cell_length + 2 if detail else 0), ellipsis=True)
        gap = " " * (room - label.cell_length - detail.cell_length)
        muted = self.get_visual_style("choices--detail", partial=True)
        mark = "▸ " if place == self._current else "  "
        text = Content.assemble(mark, label, gap, detail.stylize_before(muted), " " * _MARGIN)
        return text.render_segments(base)

    def _mark_letters(self, label: Content, place: int) -> Content:
        style = self.get_visual_style("choices--match", partial=True)
        for offset in self._narrowing.offsets(place):
            label = label.stylize(style, offset, offset + 1)
        return label

    def _line_at(self, event: events.MouseEvent) -> int:
        offset = event.get_content_offset(self)
        if offset is None:
            return -1
        line = offset.y + self.scroll_offset.y
        return line if line < self.count else -1

    def _measure(self, *, layout: bool) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self.count)
        self.refresh(layout=layout)

    def _tell_end(self, line: int) -> None:
        if self.is_attached and self.count and line + self.size.height >= self.count:
            self.post_message(self.EndNeared())

    def _show_cursor(self) -> None:
        if self.cursor >= 0 and self.size:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True, immediate=True)


def _plain(label: Content | str) -> str:
    return label if isinstance(label, str) else label.plain


def _safe(text: Content | str) -> Content:
    """The same with control characters shown, each in its place, so that its styles stay where they are."""
    if isinstance(text, str):
        return Content(printable_line(text))
    return Content(printable_line(text.plain), list(text.spans))
