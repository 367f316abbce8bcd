"""Finding text in the branch, the session or the file, while it is being typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.controller.search import Search
from tui.errors import QueryError
from tui.model.query import SYNTAX_HINT, Query, parse_query, passage_query
from tui.model.search import Hit, SearchScope
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal
from tui.widgets.format import fit_name
from tui.widgets.lists.hits import HitList

__all__ = ["OriginDialog", "SearchDialog"]

_NAME_ROOM = 24

_SOON, _LATER = 0.1, 1.0
"""Seconds until the second look at what a search has found, and between the last ones: each draws a modal screen."""


class SearchDialog(Modal[Hit | None]):
    """What holds a text, listed while it is searched for; gives the hit that was picked.

    The search itself belongs to whoever shows this: it may go on when this is closed.
    """

    LINES = 3
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "Next", show=False),
        Binding("up,ctrl+p", "move(-1)", "Previous", show=False, priority=True),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("tab,ctrl+f", "scope(1)", "Wider", show=False, priority=True),
        Binding("shift+tab", "scope(-1)", "Narrower", show=False, priority=True),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | down, ctrl+n | Next hit. |
    | up, ctrl+p | Hit before. |
    | pagedown, pageup | A page further or back. |
    | tab, ctrl+f, shift+tab | Search the branch, the session, the file. |
    | enter | Go to the hit. |
    | escape | Stop the search; then leave. |
    """

    DEFAULT_CSS = """
    SearchDialog {
        & > Vertical { max-width: 130; }
        #search-head { height: 1; layout: horizontal; }
        #search-title { width: 1fr; }
        #search-count { width: 32; text-align: right; }
        &.-short #search-count { width: 20; }
        .search--error { color: $text-error; }
        HitList { height: 75vh; }
        Input, Input:focus {
            height: 1;
            margin: 0 2;
            padding: 0;
            border: none;
            background: transparent;
            background-tint: 0%;
        }
        &.-tall Input { margin: 1 2; }
        &.-tall #search-hint { margin: 1 2 0 2; }
    }
    """

    placeholder = "text, /regular expression/, or a filter"

    def __init__(
        self,
        start: Callable[[Query, SearchScope], Search],
        stop: Callable[[], None],
        branches: Callable[[Hit], Sequence[str]],
        *,
        text: str = "",
        scope: SearchScope = SearchScope.BRANCH,
        names: Sequence[str] = ("", "", ""),
    ) -> None:
        """Make the dialog.

        Args:
            start: Begins a search, in place of the one that goes on.
            stop: Ends the search that goes on.
            branches: The branches that have a hit.
            text: What is searched for at first.
            scope: Where at first.
            names: What the branch, the session and the file are called.
        """
        self._list = HitList(branches)
        super().__init__(self._list)
        self._begin_search = start
        self._end_search = stop
        self._scope = scope
        self._names = dict(zip(SearchScope, names, strict=True))
        self._search: Search | None = None
        self._shown_at = 0.0
        self._wait = _SOON
        self._unsubscribe: Callable[[], None] = lambda: None
        self._title = Static(id="search-title", classes="modal--title")
        self._count = Static(id="search-count", classes="modal--hint")
        self._input = Input(text, placeholder=self.placeholder)
        self._hint = Static(id="search-hint", classes="modal--hint")

    @property
    def text(self) -> str:
        """What was typed."""
        return self._input.value

    @property
    def scope(self) -> SearchScope:
        """Where it is searched for."""
        return self._scope

    @property
    def search(self) -> Search | None:
        """The last search; None while nothing was searched for."""
        return self._search

    @property
    def hits(self) -> Sequence[Hit]:
        """What is listed."""
        return self._list.hits

    def compose(self) -> ComposeResult:
        with Vertical():
            with Vertical(id="search-head"):
                yield self._title
                yield self._count
            yield self._input
            yield self._list
            yield self._hint

    def on_mount(self) -> None:
        self._begin()

    def on_unmount(self) -> None:
        self._unsubscribe()

    def query_of(self, text: str) -> Query:
        """What is searched for.

        Raises:
            QueryError: It cannot be read.
        """
        return parse_query(text)

    def heading(self) -> Content:
        """Where is searched: the words for all, the chosen one marked."""
        words: list[Content | tuple[str, str]] = [("Find in ", "")]
        for scope in SearchScope:
            name = fit_name(self._names[scope], _NAME_ROOM)
            chosen = scope is self._scope
            words.append((f" {scope}{f' {name}' if chosen and name else ''} ", "reverse" if chosen else "not bold dim"))
        return Content.assemble(*words)

    def hint(self) -> str:
        """The line below the list."""
        return f"{SYNTAX_HINT} · Tab: wider"

    def state(self, search: Search) -> str:
        """How far a search has come."""
        results = search.results
        words = []
        if search.query:
            words.append(f"{len(results):,}{'+' if results.truncated else ''} item{'s' * (len(results) != 1)}")
        if results.timed_out:
            words.append(f"{results.timed_out:,} too slow to search")
        if search.running:
            words.append(f"searching… {results.progress:.0%}")
        elif results.progress < 1 and search.query:
            words.append(f"stopped at {results.progress:.0%}")
        return " · ".join(words)

    def show(self, search: Search, *, keep: bool) -> None:
        """Show what a search has found so far.

        Args:
            search: The search.
            keep: Whether it is the one that was shown before.
        """
        empty = "searching…" if search.running else "nothing found" if search.query else ""
        with_session = search.scope is SearchScope.FILE
        self._list.show(search.results.hits, with_session=with_session, empty=empty, keep=keep)

    def action_move(self, by: int) -> None:
        """Move the cursor by so many hits."""
        self._list.move(by)

    def action_move_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self._list.move_page(by)

    def action_scope(self, step: int) -> None:
        """Search in the next wider, or narrower, of branch, session and file."""
        scopes = list(SearchScope)
        self._scope = scopes[(scopes.index(self._scope) + step) % len(scopes)]
        self._begin()

    def action_leave(self) -> None:
        """Stop the search, or leave where none goes on."""
        if self._search is not None and self._search.running:
            self._end_search()
        else:
            self.dismiss(None)

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        self._begin()

    @on(Input.Submitted)
    def _pick(self, event: Input.Submitted) -> None:
        event.stop()
        self._give(self._list.cursor)

    @on(HitList.Picked)
    def _pick_clicked(self, event: HitList.Picked) -> None:
        event.stop()
        self._give(event.number)

    def _give(self, number: int) -> None:
        if 0 <= number < len(self.hits):
            self.dismiss(self.hits[number])

    def _begin(self) -> None:
        self._title.update(self.heading())
        try:
            query = self.query_of(self._input.value)
        except QueryError as error:
            self._say(str(error), wrong=True)
            return
        self._say(self.hint())
        if self._search is not None and (query, self._scope) == (self._search.query, self._search.scope):
            return
        self._unsubscribe()
        self._search = self._begin_search(query, self._scope)
        self._unsubscribe = self._search.subscribe(self._come_along)
        self._wait = _SOON
        self._refresh(keep=False)

    def _come_along(self) -> None:
        """Show more, though not more often than can be seen."""
        search = self._search
        if search is None:
            return
        first = bool(search.results.hits) and not self._list.hits
        if first or not search.running or monotonic() - self._shown_at > self._wait:
            self._wait = min(self._wait * 1.5, _LATER)
            self._refresh(keep=True)

    def _refresh(self, *, keep: bool) -> None:
        if self._search is not None:
            self._shown_at = monotonic()
            self._count.update(Content(self.state(self._search)), layout=False)
            self.show(self._search, keep=keep)
            if self._search.failure:
                self._say(self._search.failure, wrong=True)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self._hint.set_class(wrong, "search--error")
        self._hint.update(Content(printable_line(text)))


class OriginDialog(SearchDialog):
    """Where a passage came into the branch, and where it came again: in the order in which the model read it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab,ctrl+f,shift+tab", "scope(0)", show=False, priority=True)]

    placeholder = "a text, to see where it came from"

    def query_of(self, text: str) -> Query:
        return passage_query(text)

    def heading(self) -> Content:
        return Content.assemble("Who said it first on ", (fit_name(self._names[SearchScope.BRANCH], _NAME_ROOM), ""))

    def hint(self) -> str:
        return "the first line is where it came in · Enter: go there"

    def state(self, search: Search) -> str:
        if search.running:
            return super().state(search)
        hits = search.results.hits
        times = sum(hit.count for hit in hits)
        words = f"{len(hits):,} item{'s' * (len(hits) != 1)}"
        return words if times == len(hits) else f"{words}, {times:,} times"

    def show(self, search: Search, *, keep: bool) -> None:
        # The oldest is found last: until then nobody knows which is the first.
        done = sorted(search.results, key=lambda hit: hit.sequence_number) if not search.running else []
        empty = "searching…" if search.running else "not in this branch" if search.query else ""
        self._list.show(done, with_session=False, empty=empty, keep=keep)
