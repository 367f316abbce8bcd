"""The dialog that searches the branch, the session or the file while the query is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.style import Style
from textual.widgets import Input

from tui.controller.search import Search
from tui.errors import QueryError
from tui.model.query import FILTERS_HINT, SYNTAX_HINT, Query, parse_query, passage_query
from tui.model.search import Hit, SearchScope
from tui.printable import printable_line
from tui.screens.dialogs.list_modal import ListModal
from tui.widgets.format import fit_name
from tui.widgets.lists.hits import HitList
from tui.words import plural

__all__ = ["OriginDialog", "SearchDialog"]

_NAME_WIDTH: Final = 24
_HINT_MARGIN: Final = 6
_SCOPES_WIDTH: Final = 36
"""Width of the title without the name."""

_MIN_INTERVAL: Final = 0.1
_MAX_INTERVAL: Final = 1.0
"""Seconds between two refreshes of the hits; the interval grows while a search runs, since a refresh is slow."""


class SearchDialog(ListModal[Hit | None]):
    """Lists the items that match a query while the search runs; returns the picked hit.

    The caller owns the search, which may continue after the dialog is closed.

    Attributes:
        scope: The scope of the search.
        search: The last search; None before the first one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,ctrl+f", "scope(1)", "Wider", show=False, priority=True),
        Binding("shift+tab", "scope(-1)", "Narrower", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    SearchDialog {
        & > Vertical { max-width: 130; }
        .list-modal--count { width: 32%; max-width: 32; text-align: right; }
        .search--error { color: $text-error; }
        HitList { height: 75vh; }
        &.-tall > Vertical > .modal--hint { margin: 1 2 0 2; }
    }
    """

    placeholder: ClassVar[str] = "text, /regular expression/, or a filter"
    hints: ClassVar[Sequence[str]] = (f"Tab widens · {SYNTAX_HINT}", FILTERS_HINT)
    """The line at the bottom, and shorter ones for less room."""

    _list: HitList

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
        """Create the dialog.

        Args:
            start: Stops the running search and starts another one.
            stop: Stops the running search.
            branches: Returns the branches that contain a hit.
            text: The initial query.
            scope: The initial scope.
            names: Names of the branch, the session and the file.
        """
        self._input = Input(text, placeholder=self.placeholder)
        super().__init__("", HitList(branches), self.hints[0], above=[self._input])
        self._start_search = start
        self._stop_search = stop
        self.scope = scope
        self._names = dict(zip(SearchScope, names, strict=True))
        self.search: Search | None = None
        self._refreshed_at = 0.0
        self._refresh_interval = _MIN_INTERVAL
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def text(self) -> str:
        """The query as it was typed."""
        return self._input.value

    @property
    def hits(self) -> Sequence[Hit]:
        """The listed hits."""
        return self._list.hits

    def on_mount(self) -> None:
        self._start()

    def on_unmount(self) -> None:
        self._unsubscribe()

    def parse(self, text: str) -> Query:
        """Parse the typed query.

        Raises:
            QueryError: The text is not a valid query.
        """
        return parse_query(text)

    def format_title(self) -> Content:
        """Return the title: the three scopes, with the name of the chosen one."""
        words: list[Content] = [Content("Search ")]
        for scope in SearchScope:
            name = fit_name(self._names[scope], min(_NAME_WIDTH, max(4, self.app.size.width * 2 // 3 - _SCOPES_WIDTH)))
            chosen = scope is self.scope
            style = "reverse" if chosen else "not bold $foreground-muted"
            click = Style.from_meta({"@click": f"screen.choose_scope({scope.value!r})"})
            word = Content.styled(f" {scope}{f' {name}' if chosen and name else ''} ", style)
            words.append(word.stylize(click))
        return Content.assemble(*words)

    def format_state(self, search: Search) -> str:
        """Return the number of hits and the progress of the search."""
        results = search.results
        words = []
        if search.query:
            more = "+" if results.truncated else ""
            words.append(f"{len(results):,}+ items" if more else plural(len(results), "item"))
        if results.timed_out:
            words.append(f"{results.timed_out:,} timed out")
        if search.running:
            words.append(f"searching… {results.progress:.0%}")
        elif results.progress < 1 and search.query:
            words.append(f"stopped at {results.progress:.0%}")
        return " · ".join(words)

    def show(self, search: Search, *, keep: bool) -> None:
        """Show the results of a search so far.

        Args:
            search: The search.
            keep: Whether to keep the cursor on its hit.
        """
        empty = "searching…" if search.running else ""
        if search.query and not search.running and not search.failure:
            empty = search.query.mistake_hint or "no match"
        with_session = search.scope is SearchScope.FILE
        self._list.show(search.results.hits, with_session=with_session, empty=empty, keep_cursor=keep)

    def action_scope(self, step: int) -> None:
        """Search the next wider, or narrower, of branch, session and file."""
        scopes = list(SearchScope)
        self.scope = scopes[(scopes.index(self.scope) + step) % len(scopes)]
        self._start()

    def action_choose_scope(self, scope: str) -> None:
        """Search a scope."""
        self.scope = SearchScope(scope)
        self._start()

    def action_close(self) -> None:
        """Stop the search, or close if none is running."""
        if self.search is not None and self.search.running:
            self._stop_search()
        else:
            self.dismiss(None)

    @on(Input.Changed)
    def _change_query(self) -> None:
        self._start()

    @on(Input.Submitted)
    def _pick(self) -> None:
        if self._list.cursor in range(len(self.hits)):
            self.dismiss(self.hits[self._list.cursor])

    @on(HitList.Picked)
    def _pick_clicked(self, event: HitList.Picked) -> None:
        self.dismiss(event.hit)

    def _start(self) -> None:
        """Search for the typed query, unless the current search has the same query and scope."""
        self._title.update(self.format_title())
        try:
            query = self.parse(self._input.value)
        except QueryError as error:
            self._show_hint(str(error), is_error=True)
            self._stop_search()
            self._unsubscribe()
            self.search = None
            self._count.update("", layout=False)
            self._list.show((), with_session=False, empty="", keep_cursor=False)
            return
        room = self.app.size.width - _HINT_MARGIN
        self._show_hint(next((text for text in self.hints if len(text) <= room), self.hints[-1]))
        if self.search is not None and (query, self.scope) == (self.search.query, self.search.scope):
            return
        self._unsubscribe()
        self.search = self._start_search(query, self.scope)
        self._unsubscribe = self.search.subscribe(self._show_results)
        self._refresh_interval = _MIN_INTERVAL
        self._refresh_hits(keep=False)

    def _show_results(self) -> None:
        """Show new results at once if they are the first or the last ones, otherwise when the interval has passed."""
        search = self.search
        if search is None:
            return
        first = bool(search.results.hits) and not self._list.hits
        if first or not search.running or monotonic() - self._refreshed_at > self._refresh_interval:
            self._refresh_interval = min(self._refresh_interval * 1.5, _MAX_INTERVAL)
            self._refresh_hits(keep=True)

    def _refresh_hits(self, *, keep: bool) -> None:
        if self.search is not None:
            self._refreshed_at = monotonic()
            self._count.update(self.format_state(self.search), layout=False)
            self.show(self.search, keep=keep)
            if self.search.failure:
                self._show_hint("The search failed.", is_error=True)

    def _show_hint(self, text: str, *, is_error: bool = False) -> None:
        self._hint.set_class(is_error, "search--error")
        self._hint.update(printable_line(text))


class OriginDialog(SearchDialog):
    """Lists the items of the branch that contain a passage, the oldest first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab,ctrl+f,shift+tab", "scope(0)", show=False, priority=True)]

    placeholder = "text to trace to its origin"
    hints = ("first line: the origin · Enter goes to it · Esc closes",)

    def parse(self, text: str) -> Query:
        return passage_query(text)

    def format_title(self) -> Content:
        return Content(f"Origin on {fit_name(self._names[SearchScope.BRANCH], _NAME_WIDTH)}")

    def format_state(self, search: Search) -> str:
        if search.running:
            return super().format_state(search)
        hits = search.results.hits
        matches = sum(hit.count for hit in hits)
        items = plural(len(hits), "item")
        return items if matches == len(hits) else f"{items}, {plural(matches, 'match')}"

    def show(self, search: Search, *, keep: bool) -> None:
        # A search finds the oldest hit last: until it ends, the origin is unknown.
        hits = sorted(search.results, key=lambda hit: hit.sequence_number) if not search.running else []
        empty = "searching…" if search.running else "not in this branch" if search.query else ""
        self._list.show(hits, with_session=False, empty=empty, keep_cursor=keep)
