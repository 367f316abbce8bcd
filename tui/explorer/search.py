"""The search in the panes, and the walk from hit to hit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.worker import Worker

from tui.controller.search import Search
from tui.errors import QueryError
from tui.explorer.walk import Walk
from tui.model.query import Query, parse_query
from tui.model.search import Hit, SearchScope
from tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from tui.controller import SessionController
    from tui.explorer.layout import Panes
    from tui.screens.command_screen import CommandScreen
    from tui.screens.dialogs.search import SearchDialog

__all__ = ["ExplorerSearch"]

_LIST_LIMIT: Final = 5_000
"""Hits in a dialog's list."""

_WALK_LIMIT: Final = 20_000
"""Hits of a walk in a branch or a tree."""

_WORKERS: Final = "search"


class ExplorerSearch:
    """The search bar, the search dialogs, and the walk through the hits, which chat and tree mark."""

    def __init__(self, screen: CommandScreen[None], panes: Panes, controller: SessionController) -> None:
        self._screen = screen
        self._panes = panes
        self._controller = controller
        self._bar = SearchBar("search all text", id="search-in-chat")
        self._scope = SearchScope.BRANCH
        self._return_pane = "chat"
        self._walk: Walk | None = None
        # The walk before a query that is not valid.
        self._refused: Walk | None = None
        self._last_search = ("", SearchScope.BRANCH)
        self._told_failure = ""

    @property
    def is_walking(self) -> bool:
        """True if a walk through hits has begun and not ended."""
        return self._walk is not None

    # Commands

    async def begin_typing(self) -> None:
        """Open the search bar, to search the shown branch."""
        self.end()
        self._return_pane, self._scope = self._panes.focused_pane or "chat", SearchScope.BRANCH
        self._panes.show_pane("chat")
        await self._mount()
        self._bar.open()
        self._show_scope()

    def step(self, step: int) -> None:
        """Go to the next (1) or previous (-1) hit."""
        walk = self._walk
        if walk is None:
            self._screen.show_notice("No search yet: / searches here, Ctrl+F everywhere.")
        elif walk.hits is None:
            self._screen.show_notice(f"The search is not over: {walk.state()}")
        elif walk.search.revision != self._controller.view.revision and walk.search.scope is not SearchScope.FILE:
            self._repeat(walk, step)
        elif not self._panes.chat.step_match(step):
            self._go_to(walk, walk.index + step, last=step < 0)

    async def open_dialog(self) -> None:
        """Open the dialog that searches the branch, the session or the file."""
        from tui.screens.dialogs.search import SearchDialog

        text, scope = self._last_search
        dialog = SearchDialog(
            partial(self._start, limit=_LIST_LIMIT),
            self._stop,
            self._branches_with,
            text=self._selected_line() or text,
            scope=scope,
            names=self._names(),
        )
        await self._open(dialog, keep=True)

    async def open_origins(self) -> None:
        """Open the dialog that lists the items from which the selected text comes, and the items that repeat it."""
        from tui.screens.dialogs.search import OriginDialog

        dialog = OriginDialog(
            partial(self._start, limit=_WALK_LIMIT),
            self._stop,
            self._branches_with,
            text=self._selected_line(),
            names=self._names(),
        )
        await self._open(dialog, keep=False)

    def end(self, *, stop: bool = True) -> None:
        """End the walk and remove the marks; `stop` stops the search too."""
        if stop:
            self._stop()
        if self._walk is not None or self._refused is not None:
            self._bar.close()
            self._walk = self._refused = None
        self._panes.chat.mark_matches(None)
        self._panes.branch_tree.mark_hits(())

    # The search bar

    def search_typed(self, text: str) -> None:
        """Search for what was typed in the bar."""
        bar = self._bar
        before, here = self._walk or self._refused, self._controller.navigation.place
        origin, go_back = (before.origin, before.go_back) if before is not None else (here, self._bookmark())
        try:
            query = parse_query(text)
        except QueryError as error:
            self._stop()
            self._walk, self._refused = None, before
            self._panes.chat.mark_matches(None)
            self._panes.branch_tree.mark_hits(())
            bar.show_state(str(error), is_error=True)
            return
        self._refused = None
        bar.show_state("")
        self._panes.chat.mark_matches(query or None)
        self._panes.branch_tree.mark_hits(())
        search = self._start(query, self._scope, limit=_WALK_LIMIT)
        walk = self._walk = Walk(search, bar, origin, go_back)
        walk.search.subscribe(partial(self._take_results, walk))

    def toggle_scope(self, text: str) -> None:
        """Search the session instead of the branch, or the branch again."""
        self._scope = SearchScope.BRANCH if self._scope is SearchScope.SESSION else SearchScope.SESSION
        self._show_scope()
        self.search_typed(text)

    def submit(self, text: str) -> None:
        """Give the focus to the chat; end the walk if the bar is empty."""
        if not text.strip():
            self.end()
        self._panes.go_to("chat")

    def cancel(self) -> None:
        """Close the bar, and go back to the place before the search."""
        walk = self._walk or self._refused
        self.end()
        self._bar.close()
        self._panes.go_to(self._return_pane)
        if walk is not None:
            walk.go_back()

    def step_while_typing(self, step: int) -> None:
        """Go to the next or previous hit, if the hits are known already."""
        if self._walk is not None and self._walk.hits is not None:
            self.step(step)

    def match_shown(self, number: int, count: int) -> None:
        """Show in the bar which match within the current item the chat shows; `count` is 0 if it shows none."""
        walk = self._walk
        if walk is not None and walk.hits:
            walk.place = f" · {number}/{count} here" if count > 1 else ""
            if not count:
                walk.place = " · in a part that is not shown"
            walk.bar.show_state(walk.state())

    async def _mount(self) -> None:
        """Mount the bar with its first use."""
        if not self._bar.is_attached:
            await self._panes.talk.mount(self._bar, after=self._panes.chat)

    def _show_scope(self) -> None:
        other = SearchScope.BRANCH if self._scope is SearchScope.SESSION else SearchScope.SESSION
        self._bar.show_scope(self._scope, f"Tab: {other}")

    def _bookmark(self) -> Callable[[], None]:
        """Return a function that goes back to the present place."""
        view, navigation = self._controller.view, self._controller.navigation
        chat, scroll_state, previous = self._panes.chat, self._panes.chat.scroll_state(), navigation.previous

        async def switch() -> None:
            await navigation.switch_branch(view.branch_id, view.turn)
            navigation.go_back_to(previous)

        def go_back() -> None:
            if self._controller.view.branch_id == view.branch_id:
                chat.restore_scroll_state(scroll_state)
                navigation.go_back_to(previous)
            else:
                self._screen.run_command(switch)

        return go_back

    # The search

    def _start(self, query: Query, scope: SearchScope, limit: int) -> Search:
        search = self._controller.search.create(query, scope, limit)
        search.subscribe(partial(self._tell_failure, search))
        _: Worker[None] = self._screen.run_worker(search.run, group=_WORKERS, exclusive=True)
        return search

    def _tell_failure(self, search: Search) -> None:
        """Show in a notice why a search failed, unless the last one failed likewise; the bar has no room for it."""
        if not search.running:
            if search.failure not in ("", self._told_failure):
                self._screen.show_notice(search.failure, "error")
            self._told_failure = search.failure

    def _stop(self) -> None:
        self._screen.workers.cancel_group(self._screen, _WORKERS)

    async def _open(self, dialog: SearchDialog, *, keep: bool) -> None:
        """Open a dialog, and go to the picked hit; with `keep`, the next dialog begins with its text and scope."""
        await self._mount()

        def closed(hit: Hit | None) -> None:
            if keep:
                self._last_search = dialog.text, dialog.scope
            if hit is None or dialog.search is None:
                self._stop()
                return
            self.end(stop=False)
            hits = dialog.search.results.hits if keep else dialog.hits
            walk = self._walk = Walk(dialog.search, self._bar, self._controller.navigation.place, hits=hits)
            dialog.search.subscribe(partial(self._take_results, walk))
            self._screen.clear_selection()
            self._bar.open(dialog.text)
            self._bar.show_scope(dialog.scope)
            self._mark_hits(walk)
            self._panes.go_to("chat")
            self._go_to(walk, hits.index(hit))

        await self._screen.push_dialog(dialog, closed)

    def _take_results(self, walk: Walk) -> None:
        """Show the results of a walk's search; once it has ended, go to the hit nearest to the reader."""
        if walk is not self._walk:
            return
        if walk.hits is walk.search.results.hits:
            # New hits may precede the current one.
            walk.index = walk.hits.index(walk.hit) if walk.hit is not None else 0
        elif walk.hits is None and not walk.search.running and walk.search.query:
            walk.sort_hits(self._controller.view.tree)
            self._mark_hits(walk)
            self._go_to(walk, self._nearest(walk))
        walk.bar.show_state(walk.state() if walk.search.query else "", is_error=bool(walk.search.failure))

    def _repeat(self, walk: Walk, step: int) -> None:
        """Search again, as the file has changed, then step from the same hit."""
        search = self._start(walk.search.query, walk.search.scope, _WALK_LIMIT)
        repeated = self._walk = Walk(search, walk.bar, walk.origin, walk.go_back)

        def take_results() -> None:
            if repeated is self._walk and not search.running:
                hits = repeated.sort_hits(self._controller.view.tree)
                self._mark_hits(repeated)
                ids = [hit.message_id for hit in hits]
                if walk.hit is not None and walk.hit.message_id in ids:
                    repeated.index = ids.index(walk.hit.message_id)
                if hits:
                    self.step(step)
            repeated.bar.show_state(repeated.state())

        search.subscribe(take_results)

    # The walk

    def _go_to(self, walk: Walk, number: int, *, last: bool = False) -> None:
        """Go to a hit; a number beyond one end continues at the other; `last` picks the last match within the item."""
        if not walk.hits:
            return
        wrapped = "" if 0 <= number < len(walk.hits) else "from the top: " if number > 0 else "from the end: "
        walk.index, walk.place = number % len(walk.hits), ""
        walk.hit = walk.hits[walk.index]
        walk.bar.show_state(walk.state(wrapped))
        self._screen.run_command(partial(self._show, walk, walk.hit, last=last))

    async def _show(self, walk: Walk, hit: Hit, *, last: bool) -> None:
        controller = self._controller
        known = walk.search.results.branches(hit)
        position = await controller.search.show(hit, known, walk.origin)
        if position is not None and walk is self._walk and walk.hit is hit:
            self._panes.chat.mark_matches(walk.search.query)
            self._panes.chat.go_to_match(position, last=last)
            await controller.usage.load()

    def _nearest(self, walk: Walk) -> int:
        """Return the index of the first hit at or after the reader's place; 0 if there is none."""
        item, branch_id = self._panes.chat.cursor_item, self._controller.view.branch_id
        if item is None:
            return 0
        # Later items of a branch have greater keys.
        place = (item.turn, item.message_id)
        following = (index for index, hit in enumerate(walk.hits or ()) if (hit.turn, hit.message_id) >= place)
        if walk.search.scope is not SearchScope.BRANCH:
            hits = walk.hits or ()
            following = (index for index in following if branch_id in self._branches_with(hits[index]))
        return next(following, 0)

    def _mark_hits(self, walk: Walk) -> None:
        """Mark in the tree the turns that have hits."""
        session = self._controller.view.session
        hits = (hit for hit in walk.hits or () if session is not None and hit.session_id == session.session_id)
        self._panes.branch_tree.mark_hits((hit.branch_id, hit.turn) for hit in hits)

    def _branches_with(self, hit: Hit) -> Sequence[str]:
        return self._controller.search.branches_with(hit, (hit.branch_id,))

    def _selected_line(self) -> str:
        """Return the text that is selected with the mouse, on one line."""
        return " ".join((self._screen.get_selected_text() or "").split())

    def _names(self) -> tuple[str, str, str]:
        view, session = self._controller.view, self._controller.view.session
        return view.branch_id, session.session_id if session else "", self._controller.path.name
