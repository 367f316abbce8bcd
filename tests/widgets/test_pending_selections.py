"""The selections that a widget has posted and that no view has shown yet."""

from __future__ import annotations

from tui.widgets.pending_selections import PendingSelections


def posted(*turns: int) -> PendingSelections[int]:
    selections: PendingSelections[int] = PendingSelections()
    for turn in turns:
        selections.add(turn)
    return selections


def test_the_latest_selection_is_the_one_posted_last_or_the_one_shown() -> None:
    assert posted().latest(1) == 1
    assert posted(2, 3).latest(1) == 3


def test_a_view_confirms_a_selection_and_those_before_it() -> None:
    selections = posted(2, 3, 4)
    assert selections.confirm(3)
    assert selections
    assert not posted(2).confirm(3)
    assert selections.confirm(4)
    assert not selections


def test_a_selection_from_elsewhere_drops_all() -> None:
    selections = posted(2, 3)
    assert not selections.confirm(7)
    assert not selections
    assert not selections.confirm(3)
