"""Cursor, folds and selected turn after any sequence of commands and views."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.tree.samples import SESSION, tree_of, view_of
from tui.model import Session, View
from tui.widgets.tree.rows import SessionRow, TurnRow
from tui.widgets.tree.state import TreeState, TurnRef

BEFORE = {"main": [1, 2, 3, 4], "alt": [1, 2, 5, 6], "deep": [1, 2, 5, 7, 8], "root": [9], "fresh": [1, 2]}
AFTER = {"main": [1, 2, 3, 4, 10], "alt": [1, 2, 5], "deep": [1, 2, 5, 7, 8], "new": [1, 11, 12]}
TREES = (tree_of(BEFORE), tree_of(AFTER))
SESSIONS = (Session("first"), SESSION, Session("last"))


@st.composite
def views(draw: st.DrawFn) -> View:
    """Draw a view of a branch and a turn of one of the trees."""
    tree = draw(st.sampled_from(TREES))
    branch = tree.branches[draw(st.sampled_from(sorted(tree.branches)))]
    view = view_of(tree, branch.branch_id, draw(st.integers(1, branch.turns)))
    return view._replace(sessions=SESSIONS, preview=draw(st.booleans()))


STEPS = st.lists(
    st.one_of(views(), st.sampled_from(["up", "down", "outwards", "inwards", "fold", "fold session"])), max_size=20
)


def apply(state: TreeState, step: View | str) -> None:
    row = state.get(state.cursor)
    match step:
        case View():
            state.show(step)
        case "up":
            state.move_to(state.cursor - 1)
        case "down":
            state.move_to(state.cursor + 1)
        case "outwards":
            state.move_to(state.row_for_left_key())
        case "inwards":
            state.move_to(state.row_for_right_key())
        case "fold" if isinstance(row, TurnRow) and row.is_first and row.span.is_foldable:
            state.toggle(row.span)
        case "fold session" if isinstance(row, SessionRow) and row.is_open:
            state.toggle_session()


@given(views(), STEPS)
def test_the_cursor_is_always_on_a_row(start: View, steps: list[View | str]) -> None:
    state = TreeState()
    for step in (start, *steps):
        apply(state, step)

        assert state.get(state.cursor) is not None
        assert state.selected is None or state.get(state.selected) is not None


@given(views(), STEPS, views())
def test_the_cursor_follows_a_turn_selected_elsewhere(start: View, steps: list[View | str], last: View) -> None:
    state = TreeState()
    for step in (start, *steps):
        apply(state, step)
    moved = (state.view.branch_id, state.view.turn) != (last.branch_id, last.turn)

    assert state.show(last) == moved
    if moved:
        row = state.get(state.cursor)
        assert isinstance(row, TurnRow)
        assert last.branch_id in row.span.chain.holders
        assert min(row.turn, row.span.chain.last) == last.turn
        assert state.selected == state.cursor


@given(views(), STEPS)
def test_a_view_that_the_cursor_caused_does_not_move_it(start: View, steps: list[View | str]) -> None:
    state = TreeState()
    state.show(start)
    announced: list[TurnRef] = []
    for step in steps:
        if not isinstance(step, View):
            apply(state, step)
            announcement = state.take_announcement()
            announced += [announcement] if announcement is not None else []
    cursor, tree = state.cursor, state.view.tree

    for branch_id, turn in announced:
        preview = branch_id != start.branch_id
        assert not state.show(start._replace(tree=tree, branch_id=branch_id, turn=turn, preview=preview))
        assert state.cursor == cursor
    assert state.take_announcement() is None


def test_the_cursor_stays_on_the_selected_turn_when_an_empty_branch_gets_a_turn() -> None:
    state = TreeState()
    state.show(view_of(tree_of({"main": [1, 2], "empty": [1]}), "empty", 1))
    state.show(view_of(tree_of({"main": [1, 2], "empty": [1, 3]}), "empty", 1))
    assert state.cursor == state.selected
    assert isinstance(row := state.get(state.cursor), TurnRow)
    assert row.turn == 1
