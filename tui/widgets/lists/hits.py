"""The list of search hits: a heading for each turn and a line for each item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model.search import Hit
from tui.printable import printable_line
from tui.widgets.format import fit_name
from tui.widgets.message import WidgetMessage

__all__ = ["HitList"]

_MARGIN: Final = 2

_MAX_LABEL: Final = 18
_MIN_LABEL: Final = 9
"""Width of the labels, in cells."""

_MAX_NAMED_BRANCHES: Final = 3
"""Maximum number of branches that a heading names."""


class HitList(ScrollView, can_focus=False):
    """Search hits; only the lines in sight are drawn, so that many hits are as fast as few."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "hits--count",
        "hits--cursor",
        "hits--failed",
        "hits--heading",
        "hits--hover",
        "hits--label",
        "hits--match",
        "hits--session",
    }
    """`label` is for the role or tool of an item, `failed` for that of an item that reports a failure, `count` for the
    number of matches."""

    DEFAULT_CSS = """
    HitList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .hits--count { color: $foreground-muted; }
        & > .hits--failed { color: $text-error; }
        & > .hits--heading { color: $foreground-muted; }
        & > .hits--hover { background: $block-hover-background; }
        & > .hits--label { color: $text-secondary; }
        & > .hits--match { color: $foreground; background: $warning-muted; text-style: bold; }
        & > .hits--session { color: $text-accent; text-style: bold; }
        & > .hits--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:nocolor > .hits--cursor { text-style: bold underline; }
        &:nocolor > .hits--match { text-style: bold underline; }
    }
    """

    cursor: reactive[int] = reactive(0)
    """Index of the hit that Enter picks; -1 if there is none."""

    hovered: reactive[int] = reactive(-1)
    """Index of the hit under the mouse; -1 if there is none."""

    @dataclass
    class Picked(WidgetMessage["HitList"]):
        """Posted when the user clicked a hit."""

        hit: Hit

    def __init__(self, branches: Callable[[Hit], Sequence[str]]) -> None:
        """Create an empty list, given a function that returns the branches that have a hit."""
        super().__init__()
        self._branches = branches
        self._empty = ""
        self._hits: Sequence[Hit] = ()
        # Rows by line: the index of a hit; the heading of hit `i` is `-1 - i`.
        self._rows: list[int] = []
        self._row_of: list[int] = []
        self._with_session = False

    def show(self, hits: Sequence[Hit], *, with_session: bool, empty: str, keep_cursor: bool) -> None:
        """Replace the hits.

        Args:
            hits: The hits in their order.
            with_session: Whether headings name the session.
            empty: Text of the list without hits.
            keep_cursor: Whether the cursor stays on its hit; from the first hit it moves to the new first hit.
        """
        if keep_cursor and (len(hits), with_session, empty) == (len(self._hits), self._with_session, self._empty):
            return
        kept = self._hits[self.cursor] if keep_cursor and self.cursor > 0 else None
        self._hits, self._with_session, self._empty = tuple(hits), with_session, empty
        self._rows, self._row_of = [], []
        previous: tuple[str, int, str] | None = None
        for index, hit in enumerate(self._hits):
            heading = hit.session_id, hit.turn, hit.branch_id
            if heading != previous:
                self._rows.append(-1 - index)
            previous = heading
            self._row_of.append(len(self._rows))
            self._rows.append(index)
        self.cursor = self._hits.index(kept) if kept is not None else 0
        self.hovered = -1
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self.refresh()
        self._show_cursor()

    @property
    def hits(self) -> Sequence[Hit]:
        """The hits in their order."""
        return self._hits

    def move(self, lines: int) -> None:
        """Move the cursor by a number of hits."""
        self.cursor += lines

    def move_page(self, pages: int) -> None:
        """Move the cursor by a number of pages."""
        self.cursor += pages * max(1, self.scrollable_content_region.height - 2)

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
        index = self._hit_at(event)
        if index >= 0:
            event.stop()
            self.post_message(self.Picked(self, self._hits[index]))

    def render_line(self, y: int) -> Strip:
        """Draw a heading, a hit, or the text of the empty list."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row < len(self._rows):
            index = self._rows[row]
            segments = self._draw_hit(index, width) if index >= 0 else self._draw_heading(self._hits[-1 - index], width)
            return Strip(segments).adjust_cell_length(width, self.rich_style)
        if row == 0:
            style = self.get_visual_style("hits--count").rich_style
            return Strip([Segment(" " * _MARGIN + self._empty, style)]).adjust_cell_length(width, self.rich_style)
        return Strip.blank(width, self.rich_style)

    def _draw_heading(self, hit: Hit, width: int) -> Iterator[Segment]:
        muted = self.get_visual_style("hits--heading", partial=True)
        names = [printable_line(name) for name in self._branches(hit)]
        more = f" +{len(names) - _MAX_NAMED_BRANCHES}" if len(names) > _MAX_NAMED_BRANCHES else ""
        place = "in no branch: P adds one"
        if hit.branch_id:
            place = f"turn {hit.turn}" if hit.turn else "before the first turn"
            place += f" · {', '.join(names[:_MAX_NAMED_BRANCHES])}{more}"
        text = Content.assemble(
            (f"{printable_line(hit.session_id)} › ", self.get_visual_style("hits--session", partial=True))
            if self._with_session
            else "",
            (place, muted),
        )
        room = max(width - 2 * _MARGIN, 1)
        yield from Content.assemble(" " * _MARGIN, text.truncate(room, ellipsis=True)).render_segments(
            self.get_visual_style()
        )

    def _draw_hit(self, index: int, width: int) -> Iterator[Segment]:
        hit = self._hits[index]
        states = []
        if index == self.hovered:
            states.append("hits--hover")
        if index == self.cursor:
            states.append("hits--cursor")
        room = max(width - 2 * _MARGIN - 2, 1)
        label_room = min(_MAX_LABEL, max(room // 4, _MIN_LABEL))
        label = fit_name(_label(hit), label_room)
        label += " " * (label_room - cell_len(label) + 2)
        count = f"  ×{hit.count:,}" if hit.count > 1 else ""
        label_style = self.get_visual_style("hits--failed" if hit.failed else "hits--label", partial=True)
        context = self._excerpt(hit, max(room - label_room - 2 - len(count), 1))
        gap = " " * max(room - label_room - 2 - context.cell_length - len(count), 0)
        text = Content.assemble(
            " " * (_MARGIN + 2),
            (label, label_style),
            context,
            gap,
            (count, self.get_visual_style("hits--count", partial=True)),
            " " * _MARGIN,
        )
        yield from text.render_segments(self.get_visual_style(*states))

    def _excerpt(self, hit: Hit, room: int) -> Content:
        """Cut the context of a hit so that the match is visible."""
        shown = printable_line(hit.context)
        start, end = hit.start, hit.end
        match = cell_len(shown[start:end])
        before = max(room - match - room // 2, room // 4)
        low, cells = start, 0
        while low > 0 and (cells := cells + cell_len(shown[low - 1])) < before:
            low -= 1
        if cell_len(shown) <= room:
            low = 0
        cut = "…" if low > 0 and shown[low] != "…" else ""
        text = Content(cut + shown[low:]).stylize(
            self.get_visual_style("hits--match", partial=True), start - low + len(cut), end - low + len(cut)
        )
        return text.truncate(room, ellipsis=True)

    def _hit_at(self, event: events.MouseEvent) -> int:
        offset = event.get_content_offset(self)
        row = -1 if offset is None else offset.y + self.scroll_offset.y
        return max(self._rows[row], -1) if 0 <= row < len(self._rows) else -1

    def _show_cursor(self) -> None:
        if 0 <= self.cursor < len(self._row_of) and self.size:
            row = self._row_of[self.cursor]
            # The heading is scrolled into view with the first line below it.
            top = row - 1 if self._rows[row - 1] < 0 else row
            self.scroll_to_region(Region(0, top, 1, row - top + 1), animate=False, force=True, immediate=True)


def _label(hit: Hit) -> str:
    """Return the role of a message, else the chat's mark and the tool's name."""
    tool = hit.tool_name or ""
    if hit.type in MESSAGE_TYPES:
        return "you" if hit.type == "user" else "agent"
    kind = item_type(hit.type).kind
    if kind is ItemKind.REASONING:
        return "✻ thought"
    mark = "✗" if hit.failed else "↳" if kind is ItemKind.OUTPUT else "⚙" if tool else "≡"
    return f"{mark} {tool or hit.type}"
