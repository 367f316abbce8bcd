"""The chat pane: a branch as a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.reactive import var
from textual.strip import Strip

from tui.model import Page, View
from tui.widgets.message import RIGHT_BUTTON, MenuRequested, WidgetMessage
from tui.widgets.pending_selections import PendingSelections
from tui.widgets.transcript.search_view import SearchView
from tui.widgets.transcript.view_changes import (
    is_same_branch,
    is_same_session,
    is_streaming,
    last_shared_turn,
    last_turn,
    live_items,
    selection_followed_growth,
)

__all__ = ["Transcript"]


class Transcript(SearchView):
    """The items of a branch, turn by turn.

    Set `view`, or bind it with `data_bind`, and answer `ItemsNeeded` with `receive`. Only the lines in sight are
    rendered, and only the items near them are kept.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transcript--bar", "transcript--cursor", "transcript--new"}
    """The bar along the selected turn, the item under the cursor, and the label for new lines below."""

    DEFAULT_CSS = """
    Transcript {
        & > .transcript--bar { color: $text-accent; }
        & > .transcript--cursor { background: $boost; }
        & > .transcript--new { background: $text-primary; color: $background; text-style: bold; }
    }
    """

    view: var[View] = var(View, init=False)
    """The view to show; its page holds some of the items, `receive` gets the others."""

    @dataclass
    class ItemsNeeded(WidgetMessage["Transcript"]):
        """Posted when items are in sight that were not read; answer with `receive`."""

        branch_id: str
        start: int
        """Position of the first item."""
        end: int
        """Position after the last item."""

    @dataclass
    class TurnSelected(WidgetMessage["Transcript"]):
        """Posted when the cursor moved to another turn."""

        turn: int
        position: int | None
        """Position of its first item; None if the item was not read."""

    @dataclass
    class TurnClicked(WidgetMessage["Transcript"]):
        """Posted when the user's message of a turn was clicked, to fork from it."""

        turn: int

    @dataclass
    class SiblingRequested(WidgetMessage["Transcript"]):
        """Posted when a `‹` or `›` was clicked, to go to another branch that parts at the same turn."""

        turn: int
        """Number of the turn at which the branches part; one more than the last if this branch ends there."""
        step: int
        """-1 for the previous branch, 1 for the next."""

    @dataclass
    class LinkOpened(WidgetMessage["Transcript"]):
        """Posted when a link was clicked while Ctrl was held."""

        url: str
        """The address: untrusted, and with the scheme http or https."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._selections: PendingSelections[int] = PendingSelections()
        self._selection_due = False
        self._mouse_down_at: Offset | None = None
        # The number of new items below the pane; None without a label, 0 for lines that a live item added.
        self._new_count: int | None = None
        self._drawn_new_count: int | None = None

    # Following the view

    def watch_view(self, old: View, new: View) -> None:
        """Show another view, and do not scroll if it has the lines in sight."""
        blocks, viewport, same_branch = self._blocks, self._viewport, is_same_branch(old, new)
        count, at_end, at_last = blocks.count, viewport.at_end, self._cursor >= blocks.count - 1
        stays = self._update_blocks(old, new)
        grew = same_branch and selection_followed_growth(old, new)
        moved = not grew and (old.branch_id, old.turn, old.position) != (new.branch_id, new.turn, new.position)
        if not stays:
            self._open_at(new)
        elif same_branch and new.branch_id in new.runs and new.branch_id not in old.runs:
            # The user has sent a message: show where the answer will appear.
            self._go_to_end()
        elif moved and not self._is_own_selection(new):
            self._reveal(new)
        elif at_end and same_branch and blocks.count > count and not (grew or _keeps_end(old, new)):
            # Chat and selection keep their place, and the label counts what is new.
            viewport.scroll_to(*viewport.anchor)
        elif at_end and same_branch:
            viewport.scroll_to_end()
            if at_last and not moved:
                self._cursor = blocks.count - 1
        self._cursor = max(min(self._cursor, blocks.count - 1), 0)
        self._update_new_count(old, new, blocks.count - count)
        self.update_view()

    def _update_blocks(self, old: View, new: View) -> bool:
        """Show the items of another view; return whether the view has the lines that were in sight."""
        blocks, live = self._blocks, live_items(new)
        stays = same_branch = is_same_branch(old, new)
        blocks.view = new
        if same_branch:
            blocks.update_branch(new.items, live, revised=old.revision != new.revision)
        elif is_same_session(old, new):
            shared = last_shared_turn(old, new)
            turn = blocks.turn_of(self._viewport.anchor[0])
            stays = turn is not None and turn <= shared
            blocks.items.keep_turns(shared)
            blocks.show_branch(new.items, live)
        else:
            blocks.items.clear()
            blocks.reset_folds()
            blocks.show_branch(new.items, live)
        if new.page is not None and new.page is not old.page:
            blocks.receive(new.page)
        return stays

    def _update_new_count(self, old: View, new: View, added: int) -> None:
        """Count the items that were added below the pane; a live item that grew there counts as 0."""
        live = live_items(new)
        if old.revision == new.revision or live:
            # Items that a run adds are not counted, and are not counted again when they are stored.
            added = 0
        if not is_same_branch(old, new):
            self._new_count = None
        elif added > 0 or (live and live[-1:] != live_items(old)[-1:]):
            self._new_count = (self._new_count or 0) + max(added, 0)

    def receive(self, page: Page) -> None:
        """Show the items that `ItemsNeeded` requested, unless another branch is shown meanwhile."""
        if page.branch_id != self.view.branch_id:
            return
        at_end = self._viewport.at_end
        self._blocks.receive(page)
        if at_end:
            self._viewport.scroll_to_end()
        self.update_view()
        if self._selection_due:
            self.on_cursor_moved_by_user()
        self.show_awaited_match()

    def _open_at(self, view: View) -> None:
        """Go to the selected turn, or to the end if the last turn is selected."""
        if self._blocks.count and view.turn >= last_turn(view):
            self._go_to_end()
        else:
            self._cursor = view.position
            self._viewport.scroll_to(view.position)

    def _go_to_end(self) -> None:
        self._cursor = self._blocks.count - 1
        self._viewport.scroll_to_end()

    def _reveal(self, view: View) -> None:
        """Move the cursor into the selected turn, and scroll to that turn if it is not visible."""
        if self._blocks.turn_of(self._cursor) != view.turn or self._cursor < view.position:
            self._cursor = view.position
        if view.position < self._blocks.count and not 0 <= self.row_of_text(view.position) < self._viewport.height:
            self._open_at(view)

    # Selecting turns

    def on_cursor_moved_by_user(self) -> None:
        """Select the turn under the cursor, once its item is read."""
        turn = self._blocks.turn_of(self._cursor)
        self._selection_due = turn is None
        if turn and turn != self._selections.latest(self.view.turn) and turn <= last_turn(self.view):
            self._selections.add(turn)
            # Posted to the screen, not up through the panes, so that all panes change in one frame.
            self.screen.post_message(self.TurnSelected(self, turn, self._blocks.start_of_turn(self._cursor)))

    def _is_own_selection(self, view: View) -> bool:
        """Return whether this widget selected the view's turn, so that its cursor is in that turn."""
        if not self._selections.confirm(view.turn):
            return False
        return bool(self._selections) or self._blocks.turn_of(self._cursor) == view.turn

    # Drawing

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Return a bar for the selected turn, and a thicker one for the item under the cursor while focused."""
        turn, background = self._blocks.turn_of(position), self.background_style
        is_above = number < self._blocks.blank_lines_above(position)
        if turn is None or (is_above and self._blocks.turn_of(position - 1) != turn):
            return Segment(" "), background
        if position == self._cursor and not is_above and self.has_focus:
            tint = self.get_component_rich_style("transcript--cursor").bgcolor
            return Segment("▌", self.foreground_style("transcript--bar")), background + Style.from_color(None, tint)
        if turn == self._selections.latest(self.view.turn):
            return Segment("▎", self.foreground_style("transcript--bar")), background
        return Segment(" "), background

    def trailing_mark(self, position: int, line_number: int) -> Segment | None:
        """Return a text cursor for the last line of an item that is being written."""
        if position < self._blocks.stored:
            return None
        item = self._blocks.item(position)
        if item is None or line_number < self._viewport.block_height(position) - 1 or not is_streaming(self.view, item):
            return None
        return Segment("▍", self.item_styles.muted)

    def update_view(self) -> None:
        """Draw the rows at the anchor, and remove the label for new lines once the last line is in sight."""
        super().update_view()
        if self._viewport.at_end:
            self._new_count = None
        if self._new_count != self._drawn_new_count:
            self._drawn_new_count = self._new_count
            self.refresh(Region(0, self._viewport.height - 1, self.size.width, 1))

    def render_row(self, y: int, *, with_offsets: bool) -> Strip:
        """Draw a row, and in the last row a label if there are new lines below."""
        strip = super().render_row(y, with_offsets=with_offsets)
        if self._new_count is None or y != self._viewport.height - 1:
            return strip
        style = self.get_component_rich_style("transcript--new") + Style(meta={"newest": True})
        text = f" ↓ +{self._new_count:,} new " if self._new_count else " ↓ new "
        return Strip.join([strip.crop(0, strip.cell_length - len(text)), Strip([Segment(text, style)], len(text))])

    def request_items(self, start: int, end: int) -> None:
        self.post_message(self.ItemsNeeded(self, self.view.branch_id, start, end))

    # The mouse

    def text_select_all(self) -> None:
        """Select the item under the cursor on a double click; Textual would select the entire conversation."""
        self.screen.selections = {self: self.block_selection(self._cursor)}

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where a click begins, unless it only clears a selection."""
        self._mouse_down_at = None if self.screen.selections else event.screen_offset

    def on_click(self, event: events.Click) -> None:
        """Act on a click: on a fold, a sibling, a link, the user's message or another item, which is only selected."""
        offset = event.get_content_offset(self)
        if event.button == RIGHT_BUTTON and offset is not None and 0 <= offset.y < len(self.rows):
            self.put_cursor(self.rows[offset.y][0], scroll=False)
            self.post_message(MenuRequested(self, event.screen_offset))
        if event.button != 1 or event.chain != 1 or event.screen_offset != self._mouse_down_at:
            return
        meta = event.style.meta
        if offset is None or not 0 <= offset.y < len(self.rows):
            return
        position = self.rows[offset.y][0]
        if "newest" in meta:
            self.action_cursor_end()
        elif "sibling" in meta:
            self.post_message(self.SiblingRequested(self, *meta["sibling"]))
        elif "fold" in meta:
            self.put_cursor(position, scroll=False)
            self.toggle_fold(position)
        elif "link" in meta and event.ctrl:
            self.post_message(self.LinkOpened(self, meta["link"]))
        elif (turn := self._blocks.turn_of(position)) is not None:
            self.put_cursor(position, scroll=False)
            item = self._blocks.item(position)
            if item is not None and item.type == "user" and 0 < turn <= last_turn(self.view):
                self.post_message(self.TurnClicked(self, turn))

    def on_focus(self) -> None:
        self.update_view()

    def on_blur(self) -> None:
        self.update_view()


def _keeps_end(old: View, new: View) -> bool:
    """Return whether a chat whose end is in sight shows its new end: while it follows, and while it shows a run."""
    return new.following or any(view.branch_id in view.runs for view in (old, new))
