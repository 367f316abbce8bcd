"""The tree as it is drawn: the rows in sight of a view's sessions and turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.reactive import var
from textual.strip import Strip

from tui.model import Branch, Chain, RunState, Session, Turn, View
from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.printable import printable_line
from tui.widgets.format import fit_name
from tui.widgets.message import WidgetMessage
from tui.widgets.page_cache import PageCache
from tui.widgets.tree.drawing import Columns, PartStyle, RowPart, TurnAppearance, draw_session, draw_turn
from tui.widgets.tree.legend import describe_session, describe_turn
from tui.widgets.tree.painter import RowPainter
from tui.widgets.tree.rows import SessionRow, TurnRow
from tui.widgets.tree.state import TreeState
from tui.words import shorten

__all__ = ["TreeView", "TurnPage"]

_PAGE: Final = 64
_CAPACITY: Final = 8192
"""Turns that are kept."""

_MAX_WORDS: Final = 40
"""Characters of the words by which a sentence names a branch."""


class TurnPage(NamedTuple):
    """The numbers of consecutive turns of a branch, to be read."""

    branch_id: str
    first: int
    last: int


class TreeView(StableScrollView, BorderlessRows):
    """Draws the rows in sight, requests what they need, and keeps them in place when rows are added or removed.

    `BranchTree` adds keys and clicks.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "branch-tree--cursor",
        "branch-tree--dim",
        "branch-tree--hover",
        "branch-tree--selected",
        *(f"branch-tree--{style}" for style in PartStyle),
    }
    """States of rows, and the styles of their parts; `dim` is for the rows of other branches than the shown one."""

    DEFAULT_CSS = """
    TreeView {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .branch-tree--current-tag { color: $background; background: $text-accent; text-style: bold; }
        & > .branch-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        & > .branch-tree--dim { color: $text-muted; }
        & > .branch-tree--errors { color: $text-error; text-style: bold; }
        & > .branch-tree--forks { color: $text-warning; }
        & > .branch-tree--guide { color: $text-disabled; }
        & > .branch-tree--hit { color: $text-warning; text-style: bold reverse; }
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
    """The view to show."""

    columns: var[Columns] = var(Columns.fit(0, 0, 0))
    """The columns of the rows of turns."""

    hovered: var[int | None] = var(None)
    """The row under the mouse."""

    @dataclass
    class TurnsNeeded(WidgetMessage["TreeView"]):
        """Posted when turns are in sight that were not read; answer each page with `receive_turns`."""

        pages: tuple[TurnPage, ...]
        session_id: str
        """The session of the turns; drop the answer if another session is open by then."""

    @dataclass
    class SessionsNeeded(WidgetMessage["TreeView"]):
        """Posted when sessions are in sight that were not read; answer with `receive_sessions`."""

        start: int
        """Index of the first session in the file."""
        end: int
        """Index after the last session."""

    description: var[str] = var("")
    """The meaning of the signs in the row of the cursor; untrusted text."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        id: str | None = None,  # noqa: A002
    ) -> None:
        """Create a tree that computes the age of sessions from the (aware) time that `clock` returns."""
        super().__init__(id=id)
        self._clock = clock
        self._state = TreeState()
        self._turns: PageCache[Turn] = PageCache(_PAGE, _CAPACITY)
        self._painter = RowPainter(self)
        self._turns_in_sight: dict[int, tuple[Chain, list[int]]] = {}
        self._sessions_in_sight: list[int] = []
        self._hits: frozenset[tuple[str, int]] = frozenset()

    def mark_hits(self, turns: Iterable[tuple[str, int]]) -> None:
        """Mark the turns, each given by a branch and its number, in which a search found text; no others are marked."""
        tree, hits = self.view.tree, set()
        for branch_id, turn in turns:
            if (chain := tree.chain_at(branch_id, turn)) is not None:
                hits.add((chain.holders[0], turn))
        if self._hits != hits:
            self._hits = frozenset(hits)
            self.refresh()

    def receive_turns(self, branch_id: str, revision: int, turns: Sequence[Turn]) -> None:
        """Show consecutive turns of a requested branch that were read under a revision of the view."""
        if turns:
            self._turns.put(turns[0].number, turns, revision, series=branch_id)
        self._describe_cursor()
        self.refresh()

    def receive_sessions(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Show sessions from an index of the file on, read under a revision of the view."""
        self._state.receive_sessions(start, revision, sessions)
        self._describe_cursor()
        self.refresh()

    def on_mount(self) -> None:
        self.set_interval(60, self.refresh, name="ages of sessions")

    def watch_view(self, before: View, view: View) -> None:
        """Show another view; the cursor follows it unless the cursor itself caused the change."""
        is_same_turn = (view.turn, view.preview) == (before.turn, before.preview)
        if view is not before and is_same_turn and _shown(view) == _shown(before):
            # A growing run makes many views that change nothing in the tree.
            return
        state = self._state
        session_id, revision = state.session_id, state.view.revision
        with self._rows_in_place():
            followed = state.show(view)
        if state.session_id != session_id:
            self._turns.clear()
        if view.revision != revision:
            self._turns.invalidate(view.revision)
        if followed:
            self._reveal_cursor()
        self._describe_cursor()

    def _fit_columns(self) -> None:
        width = self.scrollable_content_region.width
        self.columns = Columns.fit(width, self._state.depth, self._state.number_cells)

    @contextmanager
    def _rows_in_place(self) -> Iterator[None]:
        """Keep the rows in sight in place while other rows are added or removed, and redraw the changed rows."""
        state, top, height = self._state, self.scroll_offset.y, self.scrollable_content_region.height
        cursor_in_sight = top <= state.cursor < top + height
        top_ref = state.ref_of(top)
        content, highlighted = self._content_key, (state.cursor, state.selected)
        yield
        self.virtual_size = Size(0, len(state.rows))
        row = None if top_ref is None else state.row_of(top_ref)
        if row is not None:
            self._scroll_to_row(row)
        if cursor_in_sight:
            self._reveal_cursor()
        if self._content_key != content:
            self.refresh()
        elif (now_highlighted := (state.cursor, state.selected)) != highlighted:
            for row in {*highlighted, *now_highlighted}:
                if row is not None:
                    self.refresh_line(row)

    @property
    def _content_key(self) -> tuple[object, ...]:
        """A value that changes when the content of any row changes, except for cursor and selection."""
        return self._state.layout_key, *_shown(self._state.view)

    def _reveal_cursor(self) -> None:
        """Scroll as little as is needed to show the cursor."""
        height, top, cursor = self.scrollable_content_region.height, self.scroll_offset.y, self._state.cursor
        if not height:
            # Before the first layout: the first frame must neither show nor request rows far from the cursor.
            self._scroll_to_row(max(0, cursor - self.app.size.height // 2))
        elif not top <= cursor < top + height:
            self._scroll_to_row(cursor if cursor < top else cursor - height + 1)

    def _scroll_to_row(self, row: int) -> None:
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def on_size(self) -> None:
        self._reveal_cursor()

    def _describe_cursor(self) -> None:
        """Say what the row of the cursor shows, if that differs from what was said last."""
        self._fit_columns()
        self._turns_in_sight.clear()
        self.description = self._describe(self._state.cursor)
        # A tree that is not displayed draws no row that would request the words which name the branch.
        self._request_turns()

    def _describe(self, index: int) -> str:
        row = self._state.get(index)
        shown = self._state.turn_to_show(index)
        if isinstance(row, TurnRow) and shown is not None:
            branch = self._state.view.tree.branches[shown.branch_id]
            number = None if branch.title else branch.turn_in_id
            words = "" if number is None else self._first_words(branch.branch_id, number)
            name = f"“{words}”" if words else branch.readable_name
            is_preview = shown.branch_id != self._state.opened_branch
            return describe_turn(row, self._appearance(index, row), self.columns, name, is_preview=is_preview)
        if isinstance(row, TurnRow):
            return ""
        return "" if row is None else describe_session(row, is_unseen=self._is_unseen(row))

    def _is_unseen(self, row: SessionRow) -> bool:
        return row.session is not None and row.session.session_id in self._state.view.unseen_sessions

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the rows in sight, and request missing turns and sessions."""
        self._turns_in_sight.clear()
        self._sessions_in_sight.clear()
        self._fit_columns()
        strips = super().render_lines(crop)
        self._request_turns()
        for page in self._state.sessions.missing_pages(self._sessions_in_sight):
            self.post_message(self.SessionsNeeded(self, page.start, page.stop))
        return strips

    def _request_turns(self) -> None:
        """Request the turns that were missing when rows were drawn or described."""
        pages = []
        for chain, turns in self._turns_in_sight.values():
            # Turns are read from, and cached under, the oldest branch that holds them.
            branch_id = chain.holders[0]
            missing = self._turns.missing_pages(turns, range(chain.first, chain.last + 1), branch_id)
            pages += [TurnPage(branch_id, page.start, page.stop - 1) for page in missing]
        if pages:
            self.post_message(self.TurnsNeeded(self, tuple(pages), self._state.session_id))

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        state = self._state
        index = y + self.scroll_offset.y
        row = state.get(index)
        if isinstance(row, TurnRow) and len(row.span.chain):
            self._request_turn(row.span.chain, row.turn)
        if isinstance(row, SessionRow):
            self._sessions_in_sight.append(row.session_index)
        has_cursor = self.has_focus and index == state.cursor and row is not None
        return self._painter.paint(
            tuple(self._draw(index)),
            self._background_at(index, has_cursor),
            is_dimmed=isinstance(row, TurnRow) and row.span.chain.index not in state.path,
            has_cursor=has_cursor,
            width=self.scrollable_content_region.width,
        )

    def _draw(self, index: int) -> list[RowPart]:
        state, width = self._state, self.scrollable_content_region.width
        row = state.get(index)
        if row is None:
            if index or state.rows:
                return []
            return [RowPart(fit_name("No sessions in this file", width), PartStyle.QUIET)]
        if isinstance(row, SessionRow):
            is_empty = row.is_open and not state.view.tree.roots
            note = "empty" if is_empty else ""
            return draw_session(row, width, self._clock(), note, is_unseen=self._is_unseen(row))
        return draw_turn(row, self._appearance(index, row), self.columns)

    def _appearance(self, index: int, row: TurnRow) -> TurnAppearance:
        """Return what is known about the turn in a row."""
        state, chain, branch_ids = self._state, row.span.chain, row.span.branch_ids
        shows_name = len(branch_ids) == 1 and (row.is_last or row.span.hidden is not None)
        branch = state.view.tree.branches.get(branch_ids[0]) if shows_name else None
        run = state.view.runs.get(chain.ending_branch or "")
        words = "" if branch is None else self._words_after_fork(branch, row)
        return TurnAppearance(
            # The number of a branch without turns of its own may have been that of a turn.
            turn=self._turns.get(row.turn, chain.holders[0]) if len(chain) else None,
            on_path=chain.index in state.path,
            is_selected=index == state.selected,
            is_marked=(chain.index, row.turn) in state.marks,
            branch=branch,
            label=words or ("" if branch is None else branch.label),
            is_label_text=bool(words),
            is_label_minor=branch is not None and not words and not branch.title and branch.turn_in_id == row.turn,
            is_current=state.view.branch_id in branch_ids,
            is_running=run is not None,
            is_waiting=run is not None and run.state is RunState.WAITING,
            is_unseen=chain.ending_branch in state.view.unseen,
            has_hit=(chain.holders[0], row.turn) in self._hits,
        )

    def _words_after_fork(self, branch: Branch, row: TurnRow) -> str:
        """Return the first words after the fork of a branch whose id was made from turn and time, if not in the row."""
        number = None if branch.title else branch.turn_in_id
        if number is None:
            return ""
        is_in_row = row.turn == number and self._state.view.tree.chain_at(branch.branch_id, number) is row.span.chain
        return "" if is_in_row else self._first_words(branch.branch_id, number)

    def known_words(self, branch: Branch) -> str:
        """Return the first words after the fork of a branch whose id was made from turn and time, if they were read."""
        number = None if branch.title else branch.turn_in_id
        chain = None if number is None else self._state.view.tree.chain_at(branch.branch_id, number)
        known = None if number is None or chain is None else self._turns.get(number, chain.holders[0])
        return "" if known is None else known.text

    def branch_name(self, branch: Branch | str) -> str:
        """Return the title of a branch, else its first words after the fork, else its readable name.

        An id that is not in the view is returned as it is.
        """
        if isinstance(branch, str):
            found = self._state.view.tree.branches.get(branch)
            return branch if found is None else self.branch_name(found)
        words = self.known_words(branch)
        return f"“{shorten(printable_line(words), _MAX_WORDS)}”" if words else branch.readable_name

    def _first_words(self, branch_id: str, turn: int) -> str:
        """Return the words of a branch's turn; empty until they are read."""
        chain = self._state.view.tree.chain_at(branch_id, turn)
        if chain is None:
            return ""
        self._request_turn(chain, turn)
        known = self._turns.get(turn, chain.holders[0])
        return "" if known is None else known.text

    def _request_turn(self, chain: Chain, turn: int) -> None:
        """Read a turn after the rows were drawn."""
        self._turns_in_sight.setdefault(chain.index, (chain, []))[1].append(turn)

    def _background_at(self, row: int, has_cursor: bool) -> Style:
        if has_cursor:
            return self.get_component_rich_style("branch-tree--cursor")
        if row == self._state.selected:
            return self.get_component_rich_style("branch-tree--selected")
        if row == self.hovered:
            return self.get_component_rich_style("branch-tree--hover")
        return self.background_style

    def notify_style_update(self) -> None:
        """Drop the rows in the colours of the previous theme."""
        super().notify_style_update()
        self._painter.clear()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        self.hovered = None if offset is None else offset.y + self.scroll_offset.y

    def on_leave(self) -> None:
        self.hovered = None

    def watch_hovered(self, before: int | None, row: int | None) -> None:
        for line in (before, row):
            if line is not None:
                self.refresh_line(line)


def _shown(view: View) -> tuple[object, ...]:
    """Return all fields of a view that the tree shows, except for the selected turn."""
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
        {name: run.state is RunState.WAITING for name, run in view.runs.items()},
    )
