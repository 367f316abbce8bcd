"""The chat pane: a branch as a conversation, of which only what is in sight is ever drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from tui.model import Item, Page, View
from tui.render import item_text
from tui.widgets.transcript.search_view import SearchedView
from tui.widgets.transcript.view_changes import (
    is_streaming,
    last_shared_turn,
    last_turn,
    live_items,
    selection_followed_growth,
    session_id,
)

__all__ = ["Transcript"]


class Transcript(SearchedView, can_focus=True):
    """Shows the items of one branch, turn by turn, however many there are.

    Set `view` (or bind it with `data_bind`) and hand over the pages that `ItemsNeeded` asks for with `receive`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transcript--bar", "transcript--cursor", "transcript--new"}
    """
    | Class | Description |
    | :- | :- |
    | `transcript--new` | What says that there are newer lines below. |
    | `transcript--bar` | The bar along the selected turn. |
    | `transcript--cursor` | The item under the cursor. |

    The parts of an item have the component classes of `SearchedView`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, id="chat.down"),
        Binding("k,up", "cursor_up", "Up", show=False, id="chat.up"),
        Binding("g,home", "cursor_home", "Start", show=False, id="chat.home"),
        Binding("G,end", "cursor_end", "End", show=False, id="chat.end"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="chat.page_down"),
        Binding("pageup", "page_up", "Page up", show=False, id="chat.page_up"),
        Binding("ctrl+d", "half_page_down", "Half page down", show=False, id="chat.half_page_down"),
        Binding("ctrl+u", "half_page_up", "Half page up", show=False, id="chat.half_page_up"),
        Binding("enter", "toggle_fold", "Unfold", id="chat.toggle_fold"),
        Binding("h,left", "fold", "Fold", show=False, id="chat.fold"),
        Binding("l,right", "unfold", "Unfold", show=False, id="chat.unfold"),
        Binding("o", "toggle_tools", "Unfold all", id="chat.toggle_tools"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | j, down | Next item; within an item taller than the pane, further down. |
    | k, up | Item before. |
    | g, home | First item. |
    | G, end | Last item. |
    | pagedown, space | A page down. |
    | pageup | A page up. |
    | ctrl+d | Half a page down. |
    | ctrl+u | Half a page up. |
    | enter | Fold or unfold the item. |
    | h, left | Fold the item. |
    | l, right | Unfold the item. |
    | o | Fold or unfold all tool calls and thoughts. |
    """

    DEFAULT_CSS = """
    Transcript {
        & > .transcript--bar { color: $accent; }
        & > .transcript--cursor { background: $boost; }
        & > .transcript--new { background: $primary; color: $text; text-style: bold; }
    }
    """

    view: var[View] = var(View, init=False)
    """What to show; the items come from its page and from `receive`."""

    @dataclass
    class Posted(Message):
        """Base of the transcript's messages."""

        transcript: Transcript
        """The transcript that sent it."""

        @property
        def control(self) -> Transcript:
            """Alias of `transcript`, for the `on` decorator."""
            return self.transcript

    @dataclass
    class ItemsNeeded(Posted):
        """Items came into sight that are not at hand; answer with `receive`."""

        branch_id: str
        """The branch they belong to."""
        start: int
        """Position of the first one."""
        end: int
        """Position after the last one."""

    @dataclass
    class TurnSelected(Posted):
        """The cursor moved to another turn."""

        turn: int
        """Number of the turn."""
        position: int | None
        """Position of its first item; None where that is not at hand."""

    @dataclass
    class TurnClicked(Posted):
        """A turn was clicked, to be forked from."""

        turn: int
        """Number of the turn."""

    @dataclass
    class SiblingRequested(Posted):
        """A mark of `‹2/3›` was clicked: another branch that parts at the same turn is asked for."""

        turn: int
        """Number of the turn at which the branches part; one more than the last where this branch ends there."""
        step: int
        """-1 for the one before, 1 for the next."""

    @dataclass
    class LinkOpened(Posted):
        """A link was clicked with Ctrl held; its address is untrusted and starts with http:// or https://."""

        url: str
        """The address."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Create a transcript that shows nothing yet.

        Args:
            name: The name of the widget.
            id: The id of the widget in the DOM.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._cursor = 0
        self._told: list[int] = []
        self._owes_turn = False
        self._pressed: Offset | None = None
        self._unseen = False
        self._arrived = 0
        self._points = -1

    # What to show

    def watch_view(self, old: View, new: View) -> None:
        """Take in another moment of the conversation, and keep the reader's place wherever there is one."""
        blocks, viewport, live = self._blocks, self._viewport, live_items(new)
        known, revised = blocks.count, old.revision != new.revision
        at_end, at_last = viewport.at_end, self._cursor >= blocks.count - 1
        same_session = (old.file, session_id(old)) == (new.file, session_id(new))
        same_branch = same_session and old.branch_id == new.branch_id
        keeps_place = same_branch
        blocks.view = new
        if not same_session:
            blocks.items.clear()
            blocks.reset_folds()
            blocks.show_branch(new.items, live)
        elif not same_branch:
            shared = last_shared_turn(old, new)
            turn = blocks.turn_of(viewport.anchor[0])
            keeps_place = turn is not None and turn <= shared
            blocks.items.keep_turns(shared)
            blocks.show_branch(new.items, live)
        else:
            blocks.update_branch(new.items, live, revised=revised)
        if new.page is not None and new.page is not old.page:
            blocks.receive(new.page)
        goes_on = same_branch and selection_followed_growth(old, new)
        moved = not goes_on and (old.branch_id, old.turn, old.position) != (new.branch_id, new.turn, new.position)
        if not keeps_place:
            self._open_at(new)
        elif same_branch and new.branch_id in new.runs and new.branch_id not in old.runs:
            # Whoever has sent a message reads on where the answer comes.
            self._go_to_end()
        elif moved and not self._was_told(new):
            self._reveal(new)
        elif at_end and same_branch:
            viewport.scroll_to_end()
            if at_last and not moved:
                self._cursor = blocks.count - 1
        self._cursor = max(min(self._cursor, blocks.count - 1), 0)
        # What a run has written and then stored was there already.
        came = max(blocks.count - known, 0) if revised and not live else 0
        self._arrived = self._arrived + came if same_branch else 0
        grown = self._arrived > 0 or (bool(live) and live[-1:] != live_items(old)[-1:])
        self._unseen = same_branch and (self._unseen or grown)
        self.update_view()

    def receive(self, page: Page) -> None:
        """Take the items that `ItemsNeeded` asked for; those of another branch than shown are dropped."""
        if page.branch_id != self.view.branch_id:
            return
        at_end = self._viewport.at_end
        self._blocks.receive(page)
        if at_end:
            self._viewport.scroll_to_end()
        self.update_view()
        if self._owes_turn:
            self._tell_turn()
        self.land()

    @property
    def cursor_item(self) -> Item | None:
        """The item under the cursor; None while it is not at hand."""
        return self._blocks.item(self._cursor)

    def cursor_text(self) -> str:
        """The text of the item under the cursor, as far as it was read; empty while it is not at hand."""
        item = self.cursor_item
        return "" if item is None else item_text(item)

    def _open_at(self, view: View) -> None:
        if self._blocks.count and view.turn >= last_turn(view):
            self._go_to_end()
        else:
            self._cursor = view.position
            self._viewport.scroll_to(view.position)

    def _go_to_end(self) -> None:
        self._cursor = self._blocks.count - 1
        self._viewport.scroll_to_end()

    def _reveal(self, view: View) -> None:
        """Bring the selected turn into sight, if it is not, and the cursor into the turn."""
        if self._blocks.turn_of(self._cursor) != view.turn or self._cursor < view.position:
            self._cursor = view.position
        if view.position < self._blocks.count and not 0 <= self._row_of_text(view.position) < self._viewport.height:
            self._open_at(view)

    def _was_told(self, view: View) -> bool:
        """Whether the selection is one that this pane asked for: the cursor may be further by now."""
        if view.turn not in self._told:
            self._told.clear()
            return False
        del self._told[: self._told.index(view.turn) + 1]
        return bool(self._told) or self._blocks.turn_of(self._cursor) == view.turn

    def _row_of_text(self, position: int) -> int:
        return self._viewport.row_of(position) + self._blocks.blank_lines_above(position)

    # What was searched for

    def bookmark(self) -> tuple[int, tuple[int, int]]:
        """Where the reader is, for `return_to`."""
        return self._cursor, self._viewport.anchor

    def return_to(self, bookmark: tuple[int, tuple[int, int]]) -> None:
        """Go back to where the reader was."""
        cursor, anchor = bookmark
        self._viewport.scroll_to(*anchor)
        self.put_cursor(cursor, scroll=False)

    # What is drawn

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Mark the selected turn, and the item under the cursor while the pane has the focus."""
        turn, base = self._blocks.turn_of(position), self.background_style
        above = number < self._blocks.blank_lines_above(position)
        if turn is None or (above and self._blocks.turn_of(position - 1) != turn):
            return Segment(" "), base
        if position == self._cursor and not above and self.has_focus:
            tint = self.get_component_rich_style("transcript--cursor").bgcolor
            return Segment("▌", self.foreground_style("transcript--bar")), base + Style.from_color(None, tint)
        if turn == (self._told[-1] if self._told else self.view.turn):
            return Segment("▎", self.foreground_style("transcript--bar")), base
        return Segment(" "), base

    def trailing_mark(self, position: int, number: int) -> Segment | None:
        """A quiet cursor at the end of what is being written."""
        if position < self._blocks.stored:
            return None
        item = self._blocks.item(position)
        if (
            item is None
            or number < self._blocks.viewport.block_height(position) - 1
            or not is_streaming(self.view, item)
        ):
            return None
        return Segment("▍", self.item_styles.muted)

    def update_view(self) -> None:
        """Bring in line what is derived from the anchor; the newest line in sight leaves nothing new to point at."""
        super().update_view()
        if self._viewport.at_end:
            self._unseen, self._arrived = False, 0
        points = self._arrived if self._unseen else -1
        if points != self._points:
            self._points = points
            self.refresh(Region(0, self._viewport.height - 1, self.size.width, 1))

    def row(self, y: int, *, placed: bool) -> Strip:
        """Draw one row; the last one points at what is new below it."""
        strip = super().row(y, placed=placed)
        if not self._unseen or y != self._viewport.height - 1:
            return strip
        style = self.get_component_rich_style("transcript--new") + Style(meta={"newest": True})
        text = f" ↓ +{self._arrived:,} new " if self._arrived else " ↓ new "
        return Strip.join([strip.crop(0, strip.cell_length - len(text)), Strip([Segment(text, style)], len(text))])

    def request_items(self, start: int, end: int) -> None:
        """Ask for items."""
        self.post_message(self.ItemsNeeded(self, self.view.branch_id, start, end))

    def text_select_all(self) -> None:
        """Select the item under the cursor: a double click means it, not the whole conversation."""
        self.screen.selections = {self: self.block_selection(self._cursor)}

    # Moving and folding

    def action_cursor_down(self) -> None:
        """Go to the next item, or further down within one that ends below the pane."""
        if self._fetch_cursor(first=True):
            return
        bottom = self._viewport.row_of(self._cursor) + self._viewport.block_height(self._cursor)
        if bottom > self._viewport.height:
            self._viewport.scroll_by(min(bottom - self._viewport.height, self._stride))
            self.update_view()
        elif self._cursor < self._blocks.count - 1:
            self.put_cursor(self._cursor + 1)
        else:
            self._viewport.scroll_to_end()
            self.update_view()

    def action_cursor_up(self) -> None:
        """Go to the item before, or further up within one that begins above the pane."""
        if self._fetch_cursor(first=False):
            return
        top = self._viewport.row_of(self._cursor)
        if top < 0:
            self._viewport.scroll_by(max(top, -self._stride))
            self.update_view()
        elif self._cursor > 0:
            self.put_cursor(self._cursor - 1)

    def action_cursor_home(self) -> None:
        """Go to the first item."""
        self._viewport.scroll_to(0)
        self.put_cursor(0)

    def action_cursor_end(self) -> None:
        """Go to the end of the last item."""
        self._viewport.scroll_to_end()
        self.put_cursor(self._blocks.count - 1, scroll=False)

    def action_page_down(self) -> None:
        """Go a page down, the cursor with it."""
        self._page(self._viewport.height - 2)

    def action_page_up(self) -> None:
        """Go a page up, the cursor with it."""
        self._page(2 - self._viewport.height)

    def action_half_page_down(self) -> None:
        """Go half a page down, the cursor with it."""
        self._page(self._viewport.height // 2)

    def action_half_page_up(self) -> None:
        """Go half a page up, the cursor with it."""
        self._page(-(self._viewport.height // 2))

    def action_toggle_fold(self) -> None:
        """Fold the item under the cursor, or unfold it."""
        self._toggle(self._cursor)

    def action_fold(self) -> None:
        """Fold the item under the cursor."""
        if not self._blocks.is_folded(self._cursor):
            self._toggle(self._cursor)

    def action_unfold(self) -> None:
        """Unfold the item under the cursor."""
        if self._blocks.is_folded(self._cursor):
            self._toggle(self._cursor)

    def action_toggle_tools(self) -> None:
        """Unfold all tool calls, outputs and thoughts, or fold them again."""
        row = self._row_of_text(self._cursor)
        self._blocks.toggle_all()
        if 0 <= row < self._viewport.height:
            self._viewport.scroll_to(self._cursor)
            self._viewport.scroll_by(self._blocks.blank_lines_above(self._cursor) - row)
        self.update_view()

    @property
    def _stride(self) -> int:
        return max(self._viewport.height // 4, 1)

    def _toggle(self, position: int) -> None:
        if not self._blocks.is_foldable(position):
            return
        self._blocks.toggle(position)
        if self._viewport.row_of(position) < 0:
            self._viewport.scroll_to(position)
        self._bring(position)
        self.update_view()

    def _page(self, lines: int) -> None:
        self._viewport.scroll_by(lines or (1 if lines >= 0 else -1))
        self.update_rows()
        if not self._in_sight():
            self.update_view()
        elif self._fetch_cursor(first=lines > 0):
            return
        elif self._viewport.at_end and lines > 0:
            self.put_cursor(self._blocks.count - 1, scroll=False)
        else:
            self.update_view()

    def _in_sight(self) -> list[int]:
        return [position for position in dict.fromkeys(at for at, _ in self.rows) if position < self._blocks.count]

    def _fetch_cursor(self, *, first: bool) -> bool:
        """Put a cursor that is out of sight on the first, or last, item in sight; whether it was."""
        seen = self._in_sight()
        if not seen or seen[0] <= self._cursor <= seen[-1]:
            return not seen
        begun = [position for position in seen if self._viewport.row_of(position) >= 0] or seen
        self.put_cursor(begun[0] if first else seen[-1], scroll=False)
        return True

    def put_cursor(self, position: int, *, scroll: bool = True) -> None:
        """Move the cursor to an item, and tell its turn."""
        if not 0 <= position < self._blocks.count:
            return
        self._cursor = position
        if scroll:
            self._bring(position)
        self._tell_turn()
        self.update_view()

    def _bring(self, position: int) -> None:
        """Scroll as little as shows an item, or half a pane of one that is taller than the pane."""
        pane, height, top = (
            self._viewport.height,
            self._viewport.block_height(position),
            self._viewport.row_of(position),
        )
        shown = height if height <= pane else max(pane // 2, 1)
        if top + height < shown:
            self._viewport.scroll_by(top + height - shown)
        elif top + shown > pane:
            self._viewport.scroll_by(top + shown - pane)

    def _tell_turn(self) -> None:
        turn = self._blocks.turn_of(self._cursor)
        self._owes_turn = turn is None
        known = self._told[-1] if self._told else self.view.turn
        if turn and turn != known and turn <= last_turn(self.view):
            self._told.append(turn)
            # Not by way of the panes around, so that all panes change in one frame.
            selected = self.TurnSelected(self, turn, self._blocks.start_of_turn(self._cursor)).set_sender(self)
            self.screen.post_message(selected)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where a click began: one that is dragged selects text, one that ends a selection does only that."""
        self._pressed = None if self.screen.selections else event.screen_offset

    def on_click(self, event: events.Click) -> None:
        """Fold, follow a mark, open a link, or select the turn."""
        if event.button != 1 or event.chain != 1 or event.screen_offset != self._pressed:
            return
        meta = event.style.meta
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y < len(self.rows):
            return
        position = self.rows[offset.y][0]
        if "newest" in meta:
            self.action_cursor_end()
        elif "sibling" in meta:
            self.post_message(self.SiblingRequested(self, *meta["sibling"]))
        elif "fold" in meta:
            self.put_cursor(position, scroll=False)
            self._toggle(position)
        elif "link" in meta and event.ctrl:
            self.post_message(self.LinkOpened(self, meta["link"]))
        elif (turn := self._blocks.turn_of(position)) is not None:
            self.put_cursor(position, scroll=False)
            if 0 < turn <= last_turn(self.view):
                self.post_message(self.TurnClicked(self, turn))

    def on_focus(self) -> None:
        """Show the cursor."""
        self.update_view()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.update_view()
