"""The map of rows: how much work it is, and that every turn has its row."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.trees import SESSION, grow
from tui.model import Chain, Session, TurnTree
from tui.widgets._tree_rows import FoldKey, SessionRow, TreeRows, TurnRow, find_chain, fold_key


class CountedTree(TurnTree):
    """A tree that counts the chains it is asked for in a walk."""

    __slots__ = ()
    visited = 0

    def walk(self) -> Iterator[tuple[Chain, int]]:
        for step in super().walk():
            CountedTree.visited += 1
            yield step


def test_two_thousand_branches_are_laid_out_in_one_step_for_each_chain() -> None:
    plain = grow({f"b{number}": [*range(number % 50), 1000 + number] for number in range(2000)})
    tree = CountedTree(plain.branches, plain.chains, plain.roots, plain._tips)

    rows = TreeRows([SESSION], SESSION.session_id, tree)

    assert len(tree.chains) >= 2000
    assert CountedTree.visited == len(tree.chains)
    assert len(rows) == 1 + sum(max(1, len(chain)) for chain in tree.chains)


def test_ten_thousand_sessions_are_rows_around_the_open_one() -> None:
    sessions = [Session(f"s{number}") for number in range(10_000)]
    rows = TreeRows(sessions, "s5000", grow({"main": [1, 2]}))

    assert len(rows) == 10_002
    assert rows.at(5000) == SessionRow(sessions[5000], is_open=True, folded=False)
    assert isinstance(rows.at(5002), TurnRow)
    assert rows.at(5003) == SessionRow(sessions[5001], is_open=False, folded=False)
    assert rows.of_session("s9999") == 10_001
    assert rows.of_session("gone") is None


@st.composite
def forests(draw: st.DrawFn) -> tuple[TurnTree, frozenset[FoldKey]]:
    """A tree, and some of its chains to fold."""
    branches: dict[str, list[int]] = {"main": list(range(draw(st.integers(0, 5))))}
    for number in range(draw(st.integers(0, 8))):
        parent = branches[draw(st.sampled_from(sorted(branches)))]
        shared = parent[: draw(st.integers(0, len(parent)))]
        branches[f"b{number}"] = shared + [100 * (number + 1) + turn for turn in range(draw(st.integers(0, 3)))]
    tree = grow(branches)
    return tree, frozenset(draw(st.sets(st.sampled_from([fold_key(chain) for chain in tree.chains]))))


@given(forests())
def test_each_row_is_found_again_by_what_it_shows(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, folds = forest
    rows = TreeRows([Session("before"), SESSION, Session("after")], SESSION.session_id, tree, folds)

    for index in range(len(rows)):
        row = rows.at(index)
        if isinstance(row, SessionRow):
            assert rows.of_session(row.session.session_id) == index
        else:
            chain = find_chain(tree, row.span.chain.through[0], row.turn)
            assert chain is row.span.chain
            assert rows.of_turn(chain, row.turn) == index


@given(forests())
def test_a_fold_says_how_much_it_hides(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, folds = forest
    rows = TreeRows([SESSION], SESSION.session_id, tree, folds)
    shown = [row for row in map(rows.at, range(len(rows))) if isinstance(row, TurnRow)]
    folded = [row.span.hidden for row in shown if row.span.hidden is not None]

    turns = sum(len(chain) for chain in tree.chains)
    empty = sum(1 for row in shown if not len(row.span.chain))
    assert len(shown) - empty + sum(hidden.turns for hidden in folded) == turns
    named = [name for row in shown if row.last or row.span.hidden for name in row.span.ends]
    assert sorted(named) == sorted(tree.branches)


@given(forests())
def test_guides_join_each_fork_to_the_turn_it_hangs_under(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, folds = forest
    rows = TreeRows([SESSION], SESSION.session_id, tree, folds)
    shown = [row.span for row in map(rows.at, range(1, len(rows))) if isinstance(row, TurnRow) and row.first]

    for place, span in enumerate(shown):
        for column in range(span.depth):
            joined = next(
                (
                    later
                    for later in shown[place + 1 :]
                    if later.depth <= column or (later.fork and later.depth == column + 1)
                ),
                None,
            )
            goes_on = joined is not None and (
                joined.depth == column + 1 or (joined.depth == column and not joined.fork)
            )
            assert bool(span.rails >> column & 1) == goes_on
