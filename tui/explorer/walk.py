"""The walk through the hits of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.controller.navigation import Place
from tui.controller.search import Search
from tui.model import TurnTree
from tui.model.search import Hit, SearchScope
from tui.widgets.search_bar import SearchBar

__all__ = ["Walk"]


@dataclass(eq=False)
class Walk:
    """The hits of one search that `n` and `N` go through.

    Attributes:
        bar: The bar that shows the walk's state.
        origin: The place before the search.
        go_back: Goes back there.
        hits: The hits in the order of the walk; None until the search has ended.
        index: Index of the current hit.
        hit: The current hit; None before the first step.
        place: Which match within that item is the current one, in words.
    """

    search: Search
    bar: SearchBar
    origin: Place
    go_back: Callable[[], None] = lambda: None
    hits: Sequence[Hit] | None = None
    index: int = 0
    hit: Hit | None = None
    place: str = ""

    def state(self, prefix: str = "") -> str:
        """Return the state of the walk in words."""
        results = self.search.results
        if self.search.failure:
            return "failed"
        if self.hits is None:
            return f"searching… {results.progress:.0%}" if self.search.running else "stopped"
        if not self.hits:
            return self.search.query.mistake_hint or "not found"
        more = "+" if results.truncated or self.search.running else ""
        return f"{prefix}{self.index + 1:,} of {len(self.hits):,}{more}{self.place}"

    def sort_hits(self, tree: TurnTree) -> Sequence[Hit]:
        """Take the hits of the search: those of a branch in reading order, others in the order of the tree's rows."""
        if self.search.scope is SearchScope.BRANCH:
            self.hits = sorted(self.search.results, key=lambda hit: hit.sequence_number)
            return self.hits

        def row(hit: Hit) -> tuple[int, int, int]:
            chain = tree.chain_at(hit.branch_id, hit.turn)
            return (chain.index if chain else len(tree.chains)), hit.turn, hit.sequence_number

        self.hits = sorted(self.search.results, key=row)
        return self.hits
