"""The cursor, the folds and the selected turn under any order of commands and changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.tree.samples import SESSION, grow, showing
from tui.model import Session, View
from tui.widgets.tree.rows import SessionRow, TurnRow
from tui.widgets.tree.state import TreeState, TurnPlace

BEFORE = {"main": [1, 2, 3, 4], "alt": [1, 2, 5, 6], "deep": [1, 2, 5, 7, 8], "root": [9], "fresh": [1, 2]}
AFTER = {"main": [1, 2, 3, 4, 10], "alt": [1, 2, 5], "deep": [1, 2, 5, 7, 8], "new": [1, 11, 12]}
TREES = (grow(BEFORE), grow(AFTER))
SESSIONS = (Session("first"), SESSION, Session("last"))


@st.composite
def views(draw: st.DrawFn) -> View:
    """A branch and a turn of one of the trees."""
    tree = draw(st.sampled_from(TREES))
    branch = tree.branches[draw(st.sampled_from(sorted(tree.branches)))]
    view = showing(tree, branch.branch_id, draw(st.integers(1, branch.turns)))
    return view._replace(sessions=SESSIONS, preview=draw(st.booleans()))


STEPS = st.lists(st.one_of(views(), st.sampled_from(["up", "down", "out", "in", "fold", "fold session"])), max_size=20)


def take(state: TreeState, step: View | str) -> None:
    row = state.at(state.cursor)
    match step:
        case View():
            state.show(step)
        case "up":
            state.move_to(state.cursor - 1)
        case "down":
            state.move_to(state.cursor + 1)
        case "out":
            state.move_to(state.step_out())
        case "in":
            state.move_to(state.step_in())
        case "fold" if isinstance(row, TurnRow) and row.first and row.span.foldable:
            state.toggle(row.span)
        case "fold session" if isinstance(row, SessionRow) and row.is_open:
            state.toggle_session()


@given(views(), STEPS)
def test_the_cursor_is_always_on_a_row(start: View, steps: list[View | str]) -> None:
    state = TreeState()
    for step in (start, *steps):
        take(state, step)

        assert state.at(state.cursor) is not None
        assert state.selected is None or state.at(state.selected) is not None


@given(views(), STEPS, views())
def test_a_turn_selected_elsewhere_has_the_cursor_and_the_mark(
    start: View, steps: list[View | str], last: View
) -> None:
    state = TreeState()
    for step in (start, *steps):
        take(state, step)
    moved = (state.view.branch_id, state.view.turn) != (last.branch_id, last.turn)

    assert state.show(last) == moved
    if moved:
        row = state.at(state.cursor)
        assert isinstance(row, TurnRow)
        assert last.branch_id in row.span.chain.holders
        assert min(row.turn, row.span.chain.last) == last.turn
        assert state.selected == state.cursor


@given(views(), STEPS)
def test_what_the_cursor_announced_does_not_call_it_back(start: View, steps: list[View | str]) -> None:
    state = TreeState()
    state.show(start)
    announced: list[TurnPlace] = []
    for step in steps:
        if not isinstance(step, View):
            take(state, step)
            place = state.announce()
            announced += [place] if place is not None else []
    cursor, tree = state.cursor, state.view.tree

    for branch_id, turn in announced:
        preview = branch_id != start.branch_id
        assert not state.show(start._replace(tree=tree, branch_id=branch_id, turn=turn, preview=preview))
        assert state.cursor == cursor
    assert state.announce() is None
