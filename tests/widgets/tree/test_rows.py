"""The rows of the tree: every turn has one, and laying them out takes one step for each chain."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.widgets.tree.samples import SESSION, tree_of, view_of
from tui.model import Branch, Chain, Session, Turn, TurnTree, View
from tui.widgets.tree.drawing import ClickTarget, Columns, TurnAppearance, draw_turn
from tui.widgets.tree.rows import FoldKey, SessionRow, TreeRows, TurnRow, TurnRows, find_chain, fold_key
from tui.widgets.tree.session_cache import SessionCache


def cache_of(view: View) -> SessionCache:
    sessions = SessionCache()
    sessions.show(view)
    return sessions


class CountedTree(TurnTree):
    """A tree that counts the chains of its walks."""

    __slots__ = ()
    visited = 0

    def walk(self) -> Iterator[tuple[Chain, int]]:
        for step in super().walk():
            CountedTree.visited += 1
            yield step


def test_two_thousand_branches_are_laid_out_in_one_step_for_each_chain() -> None:
    plain = tree_of({f"b{number}": [*range(number % 50), 1000 + number] for number in range(2000)})
    tree = CountedTree(plain.branches, plain.chains, plain.roots, plain._last_chains)

    rows = TurnRows(tree)

    assert len(tree.chains) >= 2000
    assert CountedTree.visited == len(tree.chains)
    assert len(rows) == sum(max(1, len(chain)) for chain in tree.chains)


def test_ten_thousand_sessions_are_rows_around_the_open_one() -> None:
    newest = tuple(Session(f"s{number}") for number in range(32))
    sessions = cache_of(View(sessions=newest, sessions_remaining=9_968, session=Session("s5000"), session_index=5000))
    rows = TreeRows(sessions, TurnRows(tree_of({"main": [1, 2]})))

    assert len(rows) == 10_002
    assert rows.get(31) == SessionRow(31, newest[31], is_open=False, is_folded=False)
    assert rows.get(32) == SessionRow(32, None, is_open=False, is_folded=False)
    assert rows.get(5000) == SessionRow(5000, Session("s5000"), is_open=True, is_folded=False)
    assert isinstance(rows.get(5002), TurnRow)
    assert rows.get(5003) == SessionRow(5001, None, is_open=False, is_folded=False)
    assert rows.row_of_session("s9999") is None
    missing = sessions.missing_pages([31, 32, 5000, 5001, 9_999])
    assert missing == [range(64), range(4992, 5056), range(9984, 10_000)]
    assert sessions.missing_pages([40, 5010]) == []

    sessions.receive(9984, 0, [Session(f"s{number}") for number in range(9984, 10_000)])
    assert rows.row_of_session("s9999") == 10_001
    assert rows.get(10_001) == SessionRow(9_999, Session("s9999"), is_open=False, is_folded=False)


def test_the_open_session_is_first_until_its_index_is_known() -> None:
    newest = (Session("a"), Session("b"))
    sessions = cache_of(View(sessions=newest, sessions_remaining=98, session=Session("old")))

    assert [sessions.get(place) for place in range(4)] == [Session("old"), *newest, None]
    assert (len(sessions), sessions.open_index, sessions.index_of("b")) == (100, 0, 2)


@st.composite
def forests(draw: st.DrawFn) -> tuple[TurnTree, frozenset[FoldKey]]:
    """Draw a tree, and some of its chains to fold."""
    branches: dict[str, list[int]] = {"main": list(range(draw(st.integers(0, 5))))}
    for number in range(draw(st.integers(0, 8))):
        parent = branches[draw(st.sampled_from(sorted(branches)))]
        shared = parent[: draw(st.integers(0, len(parent)))]
        branches[f"b{number}"] = shared + [100 * (number + 1) + turn for turn in range(draw(st.integers(0, 3)))]
    tree = tree_of(branches)
    return tree, frozenset(draw(st.sets(st.sampled_from([fold_key(chain) for chain in tree.chains]))))


@given(forests())
def test_each_row_is_found_by_what_it_shows(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, folds = forest
    around = (Session("before"), SESSION, Session("after"))
    rows = TreeRows(cache_of(View(sessions=around, session=SESSION)), TurnRows(tree, folds))

    for index in range(len(rows)):
        row = rows.get(index)
        if isinstance(row, SessionRow):
            assert row.session is not None
            assert rows.row_of_session(row.session.session_id) == index
        else:
            chain = find_chain(tree, row.span.chain.holders[0], row.turn)
            assert chain is row.span.chain
            assert rows.row_of_turn(chain, row.turn) == index


@given(forests())
def test_a_fold_counts_what_it_hides(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, folds = forest
    rows = TreeRows(cache_of(view_of(tree)), TurnRows(tree, folds))
    shown = [row for row in map(rows.get, range(len(rows))) if isinstance(row, TurnRow)]
    folded = [row.span.hidden for row in shown if row.span.hidden is not None]

    turns = sum(len(chain) for chain in tree.chains)
    empty = sum(1 for row in shown if not len(row.span.chain))
    assert len(shown) - empty + sum(hidden.turns for hidden in folded) == turns
    named = [name for row in shown if row.is_last or row.span.hidden for name in row.span.branch_ids]
    assert sorted(named) == sorted(tree.branches)


def shown_rows(tree: TurnTree, folds: frozenset[FoldKey]) -> list[TurnRow]:
    turns = TurnRows(tree, folds)
    return [turns.get(row) for row in range(len(turns))]


@given(forests())
def test_forks_are_marked_on_the_turns_that_differ(forest: tuple[TurnTree, frozenset[FoldKey]]) -> None:
    tree, _ = forest

    marked = [
        (row.span.chain.index, row.turn, row.span.alternative)
        for row in shown_rows(tree, frozenset())
        if row.is_first and row.span.is_fork
    ]

    assert marked == [
        (chain.index, chain.first, tree.alternatives(chain).index(chain) + 1)
        for chain in tree.chains
        if len(tree.alternatives(chain)) > 1
    ]


@given(forests())
def test_the_line_of_a_fork_runs_from_its_first_alternative_to_its_last(
    forest: tuple[TurnTree, frozenset[FoldKey]],
) -> None:
    tree, folds = forest
    rows = shown_rows(tree, folds)

    for place, row in enumerate(rows):
        for lane in range(row.span.depth):
            later = [other.span for other in rows[place + 1 :] if other.is_first and other.span is not row.span]
            joined = next((span for span in later if span.depth <= lane + 1 and span.is_fork), None)
            continues = joined is not None and joined.depth == lane + 1 and joined.alternative > 1
            assert bool(row.span.lines >> lane & 1) == continues


@given(forests(), st.integers(20, 100))
def test_all_rows_have_the_same_columns(forest: tuple[TurnTree, frozenset[FoldKey]], width: int) -> None:
    tree, folds = forest
    columns = Columns.fit(width, TurnRows(tree, folds).depth, 2)

    for row in shown_rows(tree, folds):
        text = "".join(
            part.text for part in draw_turn(row, TurnAppearance(None, on_path=False, is_selected=False), columns)
        )
        assert cell_len(text) == width
        assert text[columns.left - 5] in "·▾▸"
        assert int(text[columns.left - 3 : columns.left]) == row.turn
        assert text[columns.left] in "…e"


@given(st.integers(0, 200), st.integers(20, 200))
def test_forks_of_any_depth_leave_room_for_words(depth: int, width: int) -> None:
    columns = Columns.fit(width, depth, 2)

    assert columns.width == width
    assert columns.words >= min(8, width // 3)
    assert columns.hidden_forks(depth) < max(1, depth)
    assert 0 <= depth - columns.hidden_forks(depth) <= columns.lanes
    assert (columns.hidden_forks(depth) == 0) == (depth <= columns.lanes)


@given(
    st.integers(20, 100),
    st.integers(1, 60),
    st.text("ab", min_size=1, max_size=30),
    st.text("cd ", max_size=60),
    st.booleans(),
    st.booleans(),
)
def test_a_name_is_not_cut_to_less_than_eight_cells_for_words(
    width: int, depth: int, label: str, words: str, is_current: bool, has_marks: bool
) -> None:
    tree = tree_of({"main": [1, 2], "other": [1, 3]})
    branch = Branch("b", 2, pinned=has_marks, archived=has_marks)
    appearance = TurnAppearance(
        Turn(2, words, items=2, tokens=10),
        True,
        True,
        False,
        branch,
        label,
        is_current=is_current,
        is_waiting=has_marks,
    )
    columns = Columns.fit(width, depth, 2)
    row = shown_rows(tree, frozenset())[-1]

    parts = draw_turn(row, appearance, columns)
    assert sum(cell_len(part.text) for part in parts) == width
    shown = next(part.text[1:-1] for part in parts if part.target is ClickTarget.BRANCH)
    name = shown.lstrip("?★⊘ ")
    marks = 6 * has_marks
    assert len(name) >= min(len(label), 8, columns.words - 3 - marks)
    assert name == label or len(name) >= 3
