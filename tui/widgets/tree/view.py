"""The tree as it is drawn: rows of what a view holds, as they come into sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from tui.model import Chain, Session, Turn, View
from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.widgets.format import fit_name
from tui.widgets.tree.drawing import Piece, Role, TurnFace, draw_session, draw_turn
from tui.widgets.tree.rows import SessionRow, TurnRow
from tui.widgets.tree.state import TreeState
from tui.widgets.tree.turn_cache import TurnCache, TurnPage

__all__ = ["TreeView"]

_KEPT: Final = 256
"""Painted rows that are kept: some pages."""


class TreeView(StableScrollView, BorderlessRows):
    """Sessions, branches and turns as a flat tree in which only forks indent; what it is used for is `BranchTree`'s.

    Args:
        clock: The present moment, aware; the age of sessions is counted from it.
        id: Id of the widget.
        classes: Its CSS classes.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "branch-tree--current-tag",
        "branch-tree--cursor",
        "branch-tree--dim",
        "branch-tree--errors",
        "branch-tree--forks",
        "branch-tree--guide",
        "branch-tree--hover",
        "branch-tree--mark",
        "branch-tree--number",
        "branch-tree--quiet",
        "branch-tree--selected",
        "branch-tree--session",
        "branch-tree--tag",
        "branch-tree--text",
        "branch-tree--tools",
    }
    """
    | Class | Description |
    | :- | :- |
    | `branch-tree--current-tag` | The name of the branch that is shown. |
    | `branch-tree--cursor` | The row of the cursor while the tree has the focus. |
    | `branch-tree--dim` | What belongs to other branches than the one shown. |
    | `branch-tree--errors` | The mark of failed items. |
    | `branch-tree--forks` | The mark of a turn after which branches part. |
    | `branch-tree--guide` | The lines that join forks to their turn. |
    | `branch-tree--hover` | The row under the mouse. |
    | `branch-tree--mark` | The mark that the user put on a turn. |
    | `branch-tree--number` | A turn's number. |
    | `branch-tree--quiet` | Times, tokens, and what stands for missing text. |
    | `branch-tree--selected` | The row of the selected turn. |
    | `branch-tree--session` | The name of a session. |
    | `branch-tree--tag` | The name of a branch. |
    | `branch-tree--text` | A turn's text. |
    | `branch-tree--tools` | The mark of tool calls. |
    """

    DEFAULT_CSS = """
    TreeView {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .branch-tree--current-tag { color: $text; background: $accent; text-style: bold; }
        & > .branch-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        & > .branch-tree--dim { color: $text-muted; }
        & > .branch-tree--errors { color: $text-error; text-style: bold; }
        & > .branch-tree--forks { color: $text-warning; }
        & > .branch-tree--guide { color: $foreground 40%; }
        & > .branch-tree--hover { background: $block-hover-background; }
        & > .branch-tree--mark { color: $text-accent; text-style: bold; }
        & > .branch-tree--number { color: $text-muted; }
        & > .branch-tree--quiet { color: $text-muted; }
        & > .branch-tree--selected { background: $primary 25%; }
        & > .branch-tree--session { color: $foreground; text-style: bold; }
        & > .branch-tree--tag { color: $text-accent; }
        & > .branch-tree--text { color: $foreground; }
        & > .branch-tree--tools { color: $text-success; }

        &:ansi {
            & > .branch-tree--current-tag { color: $accent; background: ansi_default; text-style: bold reverse; }
            & > .branch-tree--dim { text-style: dim; }
            & > .branch-tree--guide { text-style: dim; }
            & > .branch-tree--quiet { text-style: dim; }
        }
    }
    """

    ALLOW_SELECT = False

    view: var[View] = var(View())
    """What is shown."""

    @dataclass
    class TurnsNeeded(Message):
        """Rows came into sight whose turns are not known; each page is to be answered with `receive_turns`.

        Attributes:
            pages: The turns.
            session_id: The session; an answer that comes when another one is open has to be dropped.
        """

        pages: tuple[TurnPage, ...]
        session_id: str

    @dataclass
    class SessionsNeeded(Message):
        """Rows came into sight whose sessions are not known; to be answered with `receive_sessions`.

        Attributes:
            start: How many sessions stand before the first of them.
            end: How many stand before the one after the last.
        """

        start: int
        end: int

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clock = clock
        self._state = TreeState()
        self._turns = TurnCache()
        self._hover: int | None = None
        self._in_sight: dict[int, tuple[Chain, list[int]]] = {}
        self._sessions_in_sight: list[int] = []
        self._inks: dict[tuple[Role, Style, bool, bool], Style] = {}
        self._looks: dict[str, Style] = {}
        self._rows: LRUCache[tuple[tuple[Piece, ...], Style, bool, bool, int], Strip] = LRUCache(_KEPT)

    def receive_turns(self, branch_id: str, revision: int, turns: Sequence[Turn]) -> None:
        """Show turns that were asked for.

        Args:
            branch_id: The branch that they were read from, as asked for.
            revision: The view's revision when they were read.
            turns: The turns, each with its number.
        """
        self._turns.receive(branch_id, revision, turns)
        self.refresh()

    def receive_sessions(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Show sessions that were asked for.

        Args:
            start: How many sessions stand before the first of them.
            revision: The view's revision when they were read.
            sessions: The sessions, in their order.
        """
        self._state.receive_sessions(start, revision, sessions)
        self.refresh()

    def on_mount(self) -> None:
        self.set_interval(60, self.refresh, name="ages of sessions")

    def watch_view(self, before: View, view: View) -> None:
        """Show another view; the cursor follows it where it was not the cursor that caused the change."""
        if (
            view is not before
            and _shown(view) == _shown(before)
            and (view.turn, view.preview) == (before.turn, before.preview)
        ):
            # A run that grows makes many views, of which the tree shows nothing.
            return
        state = self._state
        session_id, revision = state.session_id, state.view.revision
        with self._kept_in_place():
            followed = state.show(view)
        if state.session_id != session_id:
            self._turns.clear()
        if view.revision != revision:
            self._turns.invalidate(view.revision)
        if followed:
            self._reveal()

    @contextmanager
    def _kept_in_place(self) -> Iterator[None]:
        """Let the rows change, and keep what is in sight where it is."""
        state, top, height = self._state, self.scroll_offset.y, self.scrollable_content_region.height
        cursor_in_sight = top <= state.cursor < top + height
        anchor = state.place_of(top)
        picture, stood_out = self._picture, (state.cursor, state.selected)
        yield
        self.virtual_size = Size(0, len(state.rows))
        row = None if anchor is None else state.row_of(anchor)
        if row is not None:
            self._scroll_to_row(row)
        if cursor_in_sight:
            self._reveal()
        if self._picture != picture:
            self.refresh()
        elif (stands_out := (state.cursor, state.selected)) != stood_out:
            for row in {*stood_out, *stands_out}:
                if row is not None:
                    self.refresh_line(row)

    @property
    def _picture(self) -> tuple[object, ...]:
        """All that rows depend on, but for which is selected and which has the cursor."""
        return self._state.arrangement, *_shown(self._state.view)

    def _reveal(self) -> None:
        """Bring the cursor in sight, with as little scrolling as that takes."""
        height, top, cursor = self.scrollable_content_region.height, self.scroll_offset.y, self._state.cursor
        if not height:
            # Not laid out yet; the first picture must not show, nor ask for, the rows far from the cursor.
            self._scroll_to_row(max(0, cursor - self.app.size.height // 2))
        elif not top <= cursor < top + height:
            self._scroll_to_row(cursor if cursor < top else cursor - height + 1)

    def _scroll_to_row(self, row: int) -> None:
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def on_size(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is in sight, and ask for the turns that are not known yet."""
        self._in_sight.clear()
        self._sessions_in_sight.clear()
        strips = super().render_lines(crop)
        # Drawing runs in the screen's name, and a message that the screen sent would not bubble up to it.
        if pages := [page for seen in self._in_sight.values() for page in self._turns.missing_pages(*seen)]:
            self.post_message(self.TurnsNeeded(tuple(pages), self._state.session_id).set_sender(self))
        for start, end in self._state.sessions.missing_pages(self._sessions_in_sight):
            self.post_message(self.SessionsNeeded(start, end).set_sender(self))
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        row = self._state.at(index)
        if isinstance(row, TurnRow) and len(row.span.chain):
            chain = row.span.chain
            self._in_sight.setdefault(chain.index, (chain, []))[1].append(row.turn)
        if isinstance(row, SessionRow):
            self._sessions_in_sight.append(row.place)
        has_cursor = self.has_focus and index == self._state.cursor and row is not None
        ground = self._behind(index, has_cursor)
        dim = isinstance(row, TurnRow) and row.span.chain.index not in self._state.path
        # When a turn comes at the end, all rows are those that were there, one further up.
        look = tuple(self._draw(index)), ground, dim, has_cursor, width
        strip = self._rows.get(look)
        if strip is None:
            segments = [Segment(text, self._ink(role, ground, dim, has_cursor)) for text, role, _ in look[0] if text]
            self._rows[look] = strip = Strip(segments).adjust_cell_length(width, ground)
        return strip

    def _draw(self, index: int) -> list[Piece]:
        state, width = self._state, self.scrollable_content_region.width
        row = state.at(index)
        if row is None:
            return [] if index or state.rows else [Piece(fit_name("No sessions in this file", width), Role.QUIET)]
        if isinstance(row, SessionRow):
            empty = row.is_open and not state.view.tree.roots
            unseen = row.session is not None and row.session.session_id in state.view.unseen_sessions
            return draw_session(row, width, self._clock(), "empty" if empty else "", unseen=unseen)
        ends = row.span.ends
        face = TurnFace(
            turn=self._turns.get(row.span.chain, row.turn),
            on_path=row.span.chain.index in state.path,
            selected=index == state.selected,
            current=state.view.branch_id in ends,
            branch=state.view.tree.branches.get(ends[0]) if len(ends) == 1 else None,
            running=row.span.chain.tip_of in state.view.runs,
            unseen=row.span.chain.tip_of in state.view.unseen,
            marked=(row.span.chain.index, row.turn) in state.marks,
            digits=state.digits,
        )
        return draw_turn(row, face, width)

    def _behind(self, row: int, has_cursor: bool) -> Style:
        """The style of a row on which its pieces are laid."""
        if has_cursor:
            return self._look("cursor")
        if row == self._state.selected:
            return self._look("selected")
        return self._look("hover") if row == self._hover else self.background_style

    def _look(self, name: str) -> Style:
        if name not in self._looks:
            self._looks[name] = self.get_component_rich_style(f"branch-tree--{name}")
        return self._looks[name]

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme."""
        super().notify_style_update()
        self._inks.clear()
        self._looks.clear()
        self._rows.clear()

    def _ink(self, role: Role, ground: Style, dim: bool, has_cursor: bool) -> Style:
        """The style of a piece on its row."""
        key = role, ground, dim, has_cursor
        if key not in self._inks:
            self._inks[key] = self._mixed(*key)
        return self._inks[key]

    def _mixed(self, role: Role, ground: Style, dim: bool, has_cursor: bool) -> Style:
        if role is Role.CURRENT_TAG:
            return self.get_component_rich_style("branch-tree--current-tag")
        if has_cursor:
            return ground
        keeps_colour = role in (Role.GUIDE, Role.ERRORS, Role.MARK, Role.TAG)
        ink = self.get_component_rich_style(f"branch-tree--{'dim' if dim and not keeps_colour else role.value}")
        return ground + Style(color=ink.color, bold=ink.bold, dim=ink.dim, italic=ink.italic, underline=ink.underline)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark the row under the mouse."""
        offset = event.get_content_offset(self)
        self._hover_over(None if offset is None else offset.y + self.scroll_offset.y)

    def on_leave(self) -> None:
        """The mouse went elsewhere."""
        self._hover_over(None)

    def _hover_over(self, row: int | None) -> None:
        if row != self._hover:
            changed, self._hover = (self._hover, row), row
            for line in changed:
                if line is not None:
                    self.refresh_line(line)


def _shown(view: View) -> tuple[object, ...]:
    """What the tree shows of a view, but for the turn that is selected."""
    return (
        view.sessions,
        view.sessions_remaining,
        view.session_index,
        view.session,
        id(view.tree),
        view.branch_id,
        view.marks,
        view.unseen,
        view.unseen_sessions,
        view.revision,
        view.runs.keys(),
    )
