"""The explorer's finding: in the chat and the tree with `/`, everywhere with Ctrl+F, and who said it first with `B`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.worker import Worker

from tui.controller import SessionController
from tui.controller.search import Search
from tui.errors import QueryError
from tui.explorer.base import ExplorerBase
from tui.model.query import Query, parse_query
from tui.model.search import Hit, SearchScope
from tui.widgets.find_bar import FindBar
from tui.widgets.key_bar import KeyBar
from tui.widgets.transcript.transcript import Transcript

if TYPE_CHECKING:
    from tui.screens.dialogs.search import SearchDialog

__all__ = ["Finding"]

_MOST_LISTED: Final = 5_000
"""Hits that a list holds."""

_MOST_STEPPED: Final = 20_000
"""Hits that `n` goes through in a branch or a tree."""

_WORKERS: Final = "find"


@dataclass
class _Walk:
    """What `n` and `N` go through.

    Attributes:
        search: What was found.
        bar: The line that tells where the walk is.
        back: Goes back to where it began.
        hits: In the order in which to go through them; None while that is not known.
        at: Number of the hit where it stands.
        hit: That hit; None before the first step.
        here: In how many places the item there holds it, and which of them is the current one.
    """

    search: Search
    bar: FindBar
    back: Callable[[], None] = lambda: None
    hits: Sequence[Hit] | None = None
    at: int = 0
    hit: Hit | None = None
    here: str = ""

    def state(self, before: str = "") -> str:
        """Where it is, in words."""
        results = self.search.results
        if self.search.failure:
            return self.search.failure
        if self.hits is None:
            return f"searching… {results.progress:.0%}" if self.search.running else "stopped"
        if not self.hits:
            return "not found"
        more = "+" if results.truncated or self.search.running else ""
        return f"{before}{self.at + 1:,} of {len(self.hits):,}{more}{self.here}"


class Finding(ExplorerBase):
    """An explorer that finds."""

    def __init__(self, controller: SessionController) -> None:
        super().__init__(controller)
        self._chat_bar = FindBar("find in this branch", id="find-in-chat")
        self._tree_bar = FindBar("find a message of the user", id="find-in-tree")
        self._walk: _Walk | None = None
        self._sought = ("", SearchScope.BRANCH)

    # Commands

    async def action_find_here(self) -> None:
        """Find in the tree where that has the focus, else in the chat."""
        self._end_walk()
        bar = self._tree_bar if self._tree.has_focus else self._chat_bar
        if bar is self._chat_bar:
            self.show_pane("chat")
        await self._seat(bar)
        bar.open()

    async def _seat(self, bar: FindBar) -> None:
        """Give a bar its place, which it has from its first use on."""
        if bar.is_attached:
            return
        if bar is self._chat_bar:
            await self._talk.mount(bar, after=self._chat)
        else:
            await self.mount(bar, before=self.query_one(KeyBar))

    def action_find_step(self, step: int) -> None:
        """Go to the next (1) or previous (-1) place."""
        walk = self._walk
        if walk is None:
            self._notify("Nothing was searched for: / finds here, Ctrl+F everywhere.")
        elif walk.hits is None:
            self._notify(f"Still {walk.state()}")
        elif walk.search.revision != self.view.revision and walk.search.scope is not SearchScope.FILE:
            self._search_again(walk, step)
        elif walk.bar is self._tree_bar or not self._chat.step_match(step):
            self._step_to(walk, walk.at + step, last=step < 0)

    async def action_find_everywhere(self) -> None:
        """List what holds a text, in the branch, the session or the file."""
        text, scope = self._sought
        from tui.screens.dialogs.search import SearchDialog

        dialog = SearchDialog(
            partial(self._begin_search, most=_MOST_LISTED),
            self._stop_search,
            self._branches_of,
            text=self._selected_line() or text,
            scope=scope,
            names=self._names(),
        )
        await self._open(dialog, keep=True)

    async def action_blame(self) -> None:
        """List where the selected text came into this branch, and where it came again."""
        from tui.screens.dialogs.search import OriginDialog

        dialog = OriginDialog(
            partial(self._begin_search, most=_MOST_STEPPED),
            self._stop_search,
            self._branches_of,
            text=self._selected_line(),
            names=self._names(),
        )
        await self._open(dialog, keep=False)

    def action_leave(self) -> None:
        """Stop what runs; else take the marks of a search away; else what every explorer does."""
        if self._walk is None or self.view.fork is not None:
            super().action_leave()
        elif not self.stop():
            self._end_walk()

    # The line at the foot of a pane

    @on(FindBar.Changed)
    def _type(self, event: FindBar.Changed) -> None:
        bar, in_chat = event.bar, event.bar is self._chat_bar
        back = self._walk.back if self._walk is not None else self._way_back(bar)
        try:
            query = parse_query(event.text)
        except QueryError as error:
            bar.tell(str(error), wrong=True)
            return
        bar.tell("")
        if in_chat:
            self._chat.mark_matches(query or None)
        elif query:
            query = replace(query, filters=(*query.filters, ("role", "user")))
        scope = SearchScope.BRANCH if in_chat else SearchScope.SESSION
        walk = self._walk = _Walk(self._begin_search(query, scope, most=_MOST_STEPPED), bar, back)
        walk.search.subscribe(partial(self._come_along, walk))

    @on(FindBar.Accepted)
    def _accept(self, event: FindBar.Accepted) -> None:
        if not event.text.strip():
            self._end_walk()
        self.go_to("chat" if event.bar is self._chat_bar else "tree")

    @on(FindBar.Left)
    def _give_up(self, event: FindBar.Left) -> None:
        back = self._walk.back if self._walk is not None else lambda: None
        self._end_walk()
        event.bar.close()
        self.go_to("chat" if event.bar is self._chat_bar else "tree")
        back()

    @on(FindBar.Stepped)
    def _step_while_typing(self, event: FindBar.Stepped) -> None:
        if self._walk is not None and self._walk.hits is not None:
            self.action_find_step(event.step)

    @on(Transcript.MatchShown)
    def _tell_place(self, event: Transcript.MatchShown) -> None:
        walk = self._walk
        if walk is not None and walk.hits:
            walk.here = f" · {event.number}/{event.count} in it" if event.count > 1 else ""
            if not event.count:
                walk.here = " · in a part that is not drawn"
            walk.bar.tell(walk.state())

    # How it is done

    def _begin_search(self, query: Query, scope: SearchScope, most: int) -> Search:
        search = self._controller.search.create(query, scope, most)
        _: Worker[None] = self.run_worker(search.run, group=_WORKERS, exclusive=True)
        return search

    def _stop_search(self) -> None:
        self.workers.cancel_group(self, _WORKERS)

    async def _open(self, dialog: SearchDialog, *, keep: bool) -> None:
        """Show a dialog, and go to what is picked in it."""
        await self._seat(self._chat_bar)

        def picked(hit: Hit | None) -> None:
            if keep:
                self._sought = dialog.text, dialog.scope
            if hit is None or dialog.search is None:
                self._stop_search()
                return
            self._end_walk(stop=False)
            hits = dialog.search.results.hits if keep else dialog.hits
            walk = self._walk = _Walk(dialog.search, self._chat_bar, hits=hits)
            dialog.search.subscribe(partial(self._come_along, walk))
            self.clear_selection()
            self._chat_bar.open(dialog.text)
            self.go_to("chat")
            self._step_to(walk, hits.index(hit))

        await self.ask(dialog, picked)

    def _come_along(self, walk: _Walk) -> None:
        """Take in what the search of a walk has found; once it is over, go to the hit nearest to the reader."""
        if walk is not self._walk:
            return
        if walk.hits is walk.search.results.hits:
            # What came meanwhile may stand before the hit that was gone to.
            walk.at = walk.hits.index(walk.hit) if walk.hit is not None else 0
        elif walk.hits is None and not walk.search.running and walk.search.query:
            walk.hits = self._in_order(walk)
            if walk.hits:
                self._step_to(walk, self._nearest(walk))
        walk.bar.tell(walk.state() if walk.search.query else "", wrong=bool(walk.search.failure))

    def _search_again(self, walk: _Walk, step: int) -> None:
        """Search what others have written to meanwhile, then go on from the same hit."""
        before = walk.hit
        search = self._begin_search(walk.search.query, walk.search.scope, _MOST_STEPPED)
        again = self._walk = _Walk(search, walk.bar, walk.back)

        def go_on() -> None:
            if again is self._walk and not search.running:
                again.hits = self._in_order(again)
                ids = [hit.message_id for hit in again.hits]
                if before is not None and before.message_id in ids:
                    again.at = ids.index(before.message_id)
                if again.hits:
                    self.action_find_step(step)
            again.bar.tell(again.state())

        search.subscribe(go_on)

    def _step_to(self, walk: _Walk, number: int, *, last: bool = False) -> None:
        """Go to a hit of a walk; beyond its ends it goes on at the other one, and says so."""
        if not walk.hits:
            return
        round_ = "" if 0 <= number < len(walk.hits) else "from the top: " if number > 0 else "from the end: "
        walk.at, walk.here = number % len(walk.hits), ""
        walk.hit = walk.hits[walk.at]
        walk.bar.tell(walk.state(round_))
        self._do(partial(self._show_hit, walk, walk.hit, last=last))

    async def _show_hit(self, walk: _Walk, hit: Hit, *, last: bool) -> None:
        known = walk.search.results.branches(hit)
        if walk.bar is self._tree_bar:
            among = self._controller.search.branches_with(hit, known)
            branch_id = self.view.branch_id if self.view.branch_id in among else hit.branch_id
            await self._controller.navigation.preview(branch_id, hit.turn)
            return
        position = await self._controller.search.show(hit, known)
        if position is not None and walk is self._walk and walk.hit is hit:
            self._chat.mark_matches(walk.search.query)
            self._chat.go_to_match(position, last=last)
            await self._controller.usage.load()

    def _in_order(self, walk: _Walk) -> list[Hit]:
        """The hits of a branch as they are read, those of a session as the tree shows them."""
        if walk.bar is self._chat_bar:
            return sorted(walk.search.results, key=lambda hit: hit.sequence_number)
        tree = self.view.tree
        order = {chain.index: number for number, (chain, _) in enumerate(tree.walk())}

        def row(hit: Hit) -> tuple[int, int]:
            chain = tree.chain_at(hit.branch_id, hit.turn)
            return (order[chain.index] if chain else len(order)), hit.turn

        return sorted(walk.search.results, key=row)

    def _nearest(self, walk: _Walk) -> int:
        """The first hit at the reader's place or after it; the first of all where there is none."""
        item, hits = self._chat.cursor_item, walk.hits or ()
        if walk.bar is self._tree_bar:
            branch_id, turn = self.view.branch_id, self.view.turn
            after = (
                at
                for at, hit in enumerate(hits)
                if hit.turn >= turn and branch_id in self._controller.search.branches_with(hit, (hit.branch_id,))
            )
            return next(after, 0)
        if item is None:
            return 0
        # In a branch later items have greater keys.
        place = (item.turn, item.message_id)
        return next((at for at, hit in enumerate(hits) if (hit.turn, hit.message_id) >= place), 0)

    def _way_back(self, bar: FindBar) -> Callable[[], None]:
        view = self.view
        if bar is self._tree_bar:
            return partial(self._do, partial(self._controller.navigation.preview, view.branch_id, view.turn))
        bookmark = self._chat.bookmark()

        def back() -> None:
            if self.view.branch_id == view.branch_id:
                self._chat.return_to(bookmark)

        return back

    def _end_walk(self, *, stop: bool = True) -> None:
        """Take the marks away."""
        if stop:
            self._stop_search()
        if self._walk is not None:
            self._walk.bar.close()
            self._walk = None
        self._chat.mark_matches(None)

    def _branches_of(self, hit: Hit) -> Sequence[str]:
        return self._controller.search.branches_with(hit, (hit.branch_id,))

    def _selected_line(self) -> str:
        """The text that the mouse has selected, on one line."""
        return " ".join((self.get_selected_text() or "").split())

    def _names(self) -> tuple[str, str, str]:
        session = self.view.session
        return self.view.branch_id, session.session_id if session else "", self._controller.path.name
