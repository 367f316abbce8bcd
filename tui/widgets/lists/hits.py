"""The list of what was found: a heading for each turn, a line for each item, drawn when it comes into sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model.search import Hit
from tui.printable import printable_line
from tui.widgets.format import fit_name

__all__ = ["HitList"]

_MARGIN = 2
_LABEL = 18
_LEAST_LABEL = 9
_NAMED = 3
"""Branches that a heading names."""


class HitList(ScrollView, can_focus=False):
    """Items that were found; thousands cost no more than those in sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "hits--count",
        "hits--cursor",
        "hits--failed",
        "hits--found",
        "hits--heading",
        "hits--hover",
        "hits--label",
        "hits--session",
    }
    """
    | Class | Description |
    | :- | :- |
    | `hits--count` | How often an item holds what was searched for. |
    | `hits--cursor` | The line that Enter goes to. |
    | `hits--failed` | The label of an item that reports a failure. |
    | `hits--found` | What was searched for, in its context. |
    | `hits--heading` | The turn of the lines below it, and its branches. |
    | `hits--hover` | The line under the mouse. |
    | `hits--label` | Who said it, or which tool. |
    | `hits--session` | The session in a heading. |
    """

    DEFAULT_CSS = """
    HitList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .hits--count { color: $foreground-muted; }
        & > .hits--failed { color: $text-error; }
        & > .hits--found { color: $foreground; background: $warning 40%; text-style: bold; }
        & > .hits--heading { color: $foreground-muted; }
        & > .hits--hover { background: $block-hover-background; }
        & > .hits--label { color: $text-secondary; }
        & > .hits--session { color: $text-accent; text-style: bold; }
        & > .hits--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:nocolor > .hits--cursor { text-style: reverse; }
        &:nocolor > .hits--found { text-style: bold underline; }
    }
    """

    cursor: reactive[int] = reactive(0)
    """Number of the hit that Enter goes to, from 0; -1 where there is none."""

    hovered: reactive[int] = reactive(-1)
    """Number of the hit under the mouse, -1 for none."""

    class Picked(Message):
        """The user clicked a hit."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number
            """Its number, from 0."""

    def __init__(self, branches: Callable[[Hit], Sequence[str]], *, empty: str = "") -> None:
        """Make the list.

        Args:
            branches: The branches that have an item.
            empty: What it says without hits.
        """
        super().__init__()
        self._branches = branches
        self._empty = empty
        self._hits: Sequence[Hit] = ()
        self._rows: list[int] = []
        self._row_of: list[int] = []
        self._with_session = False

    def show(self, hits: Sequence[Hit], *, with_session: bool, empty: str, keep: bool) -> None:
        """Show other hits, or more.

        Args:
            hits: In their order.
            with_session: Whether headings name the session.
            empty: What to say where there are none.
            keep: Whether the cursor stays at its hit, once it was moved to one.
        """
        if keep and (len(hits), with_session, empty) == (len(self._hits), self._with_session, self._empty):
            return
        held = self._hits[self.cursor] if keep and self.cursor > 0 else None
        self._hits, self._with_session, self._empty = tuple(hits), with_session, empty
        self._rows, self._row_of = [], []
        before: tuple[str, int, str] | None = None
        for number, hit in enumerate(self._hits):
            heading = hit.session_id, hit.turn, hit.branch_id
            if heading != before:
                self._rows.append(-1 - number)
            before = heading
            self._row_of.append(len(self._rows))
            self._rows.append(number)
        self.cursor = self._hits.index(held) if held is not None else 0
        self.hovered = -1
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self.refresh()
        self._show_cursor()

    @property
    def hits(self) -> Sequence[Hit]:
        """The hits in their order."""
        return self._hits

    def move(self, by: int) -> None:
        """Move the cursor by so many hits."""
        self.cursor += by

    def move_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 2)

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 0), len(self._hits) - 1)

    def watch_cursor(self) -> None:
        self._show_cursor()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self._show_cursor()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hovered = self._hit_at(event)

    def on_leave(self) -> None:
        self.hovered = -1

    def on_click(self, event: events.Click) -> None:
        number = self._hit_at(event)
        if number >= 0:
            event.stop()
            self.post_message(self.Picked(number))

    def render_line(self, y: int) -> Strip:
        """One heading or hit, or the word that there is none."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row < len(self._rows):
            at = self._rows[row]
            drawn = self._draw_hit(at, width) if at >= 0 else self._draw_heading(self._hits[-1 - at], width)
            return Strip(drawn).adjust_cell_length(width, self.rich_style)
        if row == 0:
            style = self.get_visual_style("hits--count").rich_style
            return Strip([Segment(" " * _MARGIN + self._empty, style)]).adjust_cell_length(width, self.rich_style)
        return Strip.blank(width, self.rich_style)

    def _draw_heading(self, hit: Hit, width: int) -> Iterator[Segment]:
        muted = self.get_visual_style("hits--heading", partial=True)
        names = [printable_line(name) for name in self._branches(hit)]
        more = f" +{len(names) - _NAMED}" if len(names) > _NAMED else ""
        text = Content.assemble(
            (f"{printable_line(hit.session_id)} › ", self.get_visual_style("hits--session", partial=True))
            if self._with_session
            else "",
            (f"turn {hit.turn}" if hit.turn else "before the first turn", muted),
            (f" · {', '.join(names[:_NAMED])}{more}", muted),
        )
        room = max(width - 2 * _MARGIN, 1)
        yield from Content.assemble(" " * _MARGIN, text.truncate(room, ellipsis=True)).render_segments(
            self.get_visual_style()
        )

    def _draw_hit(self, number: int, width: int) -> Iterator[Segment]:
        hit = self._hits[number]
        states = []
        if number == self.hovered:
            states.append("hits--hover")
        if number == self.cursor:
            states.append("hits--cursor")
        room = max(width - 2 * _MARGIN - 2, 1)
        label_room = min(_LABEL, max(room // 4, _LEAST_LABEL))
        label = fit_name(_label(hit), label_room)
        label += " " * (label_room - cell_len(label) + 2)
        count = f"  ×{hit.count:,}" if hit.count > 1 else ""
        look = self.get_visual_style("hits--failed" if hit.failed else "hits--label", partial=True)
        context = self._excerpt(hit, max(room - label_room - 2 - len(count), 1))
        gap = " " * max(room - label_room - 2 - context.cell_length - len(count), 0)
        text = Content.assemble(
            " " * (_MARGIN + 2),
            (label, look),
            context,
            gap,
            (count, self.get_visual_style("hits--count", partial=True)),
            " " * _MARGIN,
        )
        yield from text.render_segments(self.get_visual_style(*states))

    def _excerpt(self, hit: Hit, room: int) -> Content:
        """The context, cut so that the place is in sight."""
        shown = printable_line(hit.context)
        start, end = hit.start, hit.end
        found = cell_len(shown[start:end])
        before = max(room - found - room // 2, room // 4)
        low, cells = start, 0
        while low > 0 and (cells := cells + cell_len(shown[low - 1])) < before:
            low -= 1
        if cell_len(shown) <= room:
            low = 0
        cut = "…" if low > 0 and shown[low] != "…" else ""
        text = Content(cut + shown[low:]).stylize(
            self.get_visual_style("hits--found", partial=True), start - low + len(cut), end - low + len(cut)
        )
        return text.truncate(room, ellipsis=True)

    def _hit_at(self, event: events.MouseEvent) -> int:
        offset = event.get_content_offset(self)
        row = -1 if offset is None else offset.y + self.scroll_offset.y
        return max(self._rows[row], -1) if 0 <= row < len(self._rows) else -1

    def _show_cursor(self) -> None:
        if 0 <= self.cursor < len(self._row_of) and self.size:
            row = self._row_of[self.cursor]
            # The heading comes into sight with the first line below it.
            top = row - 1 if self._rows[row - 1] < 0 else row
            self.scroll_to_region(Region(0, top, 1, row - top + 1), animate=False, force=True, immediate=True)


def _label(hit: Hit) -> str:
    """Who said it, or which tool, after a mark as in the chat."""
    tool = hit.tool_name or ""
    if hit.type in MESSAGE_TYPES:
        return "you" if hit.type == "user" else "agent"
    kind = item_type(hit.type).kind
    if kind is ItemKind.REASONING:
        return "✻ thought"
    mark = "✗" if hit.failed else "↳" if kind is ItemKind.OUTPUT else "⚙" if tool else "≡"
    return f"{mark} {tool or hit.type}"
