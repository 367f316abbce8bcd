"""Snapshots of the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.widgets.tree.samples import SESSION, TreeApp, tree_of, view_of
from tui.model import Session, Turn, View

Snapshot = Callable[..., bool]

TEXTS = (
    "Hello, can you help me with the weather?",
    "What is it like in Oslo?",
    "and tomorrow, by the hour",
    "plot it as a line",
    "안녕하세요, 오늘 날씨가 어때요?",
    "a family 👨‍👩‍👧 and a party 🎉 with 日本語",
    "[/x] [bold]no markup[/bold] [@click=app.quit]x[/]",
    "an escape \x1b[31mred\x1b[0m and a bell \x07",
)
SESSIONS = (
    SESSION,
    Session("고객 상담 세션", "2025-02-27 09:00:00"),
    Session("[b]nightly[/b] \x1b[1m", "2024-12-24 18:00:00", plain=True),
    Session("draft"),
)
NESTED = {
    "main": [1, 2, 3, 4, 5, 6],
    "fahrenheit": [1, 2, 10],
    "bergen": [1, 2, 20, 21, 22, 23],
    "a-branch-with-a-very-long-name": [1, 2, 20, 21, 30],
    "fresh": [1, 2, 3],
    "more": [1, 2, 3, 4, 5, 6, 40, 41],
    "from-the-start": [50, 51],
}


def read_turn(branch_id: str, turn: int) -> Turn:
    """Return a turn with some text, marks and tokens, always the same for a branch and number."""
    seed = turn * 3 + len(branch_id)
    return Turn(
        turn,
        TEXTS[seed % len(TEXTS)],
        items=4,
        tools=seed % 3,
        errors=int(seed % 5 == 4),
        tokens=(None, 110, 270, 1_234, 56_789, 1_100_000)[seed % 6],
    )


def nested(branch_id: str = "bergen", turn: int = 4) -> View:
    return view_of(tree_of(NESTED), branch_id, turn)._replace(sessions=SESSIONS)


def spiral(depth: int) -> View:
    """Return a view of branches each of which forks from the one before, a turn later."""
    branches: dict[str, Sequence[int]] = {"main": range(depth + 2)}
    messages = list(range(depth + 2))
    for level in range(1, depth + 1):
        messages = [*messages[:level], level * 1000, level * 1000 + 1]
        branches[f"level-{level}"] = messages
    return view_of(tree_of(branches), f"level-{depth}", depth + 2)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("width", [24, 34, 60])
def test_nested_forks(snap_compare: Snapshot, width: int, theme: str) -> None:
    assert snap_compare(TreeApp(nested(), read_turn, theme), terminal_size=(width, 30))


def test_one_branch(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(view_of(tree_of({"main": range(12)}), turn=12)), terminal_size=(34, 16))


def test_a_fork_at_turn_1(snap_compare: Snapshot) -> None:
    view = view_of(tree_of({"main": [1, 2], "other": [3, 4], "third": [5]}), "other", 2)
    assert snap_compare(TreeApp(view), terminal_size=(34, 12))


def test_a_branch_without_turns_of_its_own(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(nested("fresh", 3), read_turn), terminal_size=(34, 30))


def test_fifty_levels_in_thirty_columns(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(spiral(50)), terminal_size=(30, 30))


def test_the_way_back_from_fifty_levels(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(spiral(50)), terminal_size=(30, 30), press=["G", "pageup"])


@pytest.mark.parametrize("width", [30, 60])
def test_folds(snap_compare: Snapshot, width: int) -> None:
    app = TreeApp(nested("bergen", 3), read_turn)
    assert snap_compare(app, terminal_size=(width, 26), press=["h", *"jjjjjjj", "h", "h"])


def test_the_cursor_apart_from_the_selected_turn(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(nested(), read_turn), terminal_size=(40, 30), press=["j", "j"])


def test_unread_turns(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(nested(), read_turn=None), terminal_size=(34, 30))


def test_without_colour(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(TreeApp(nested(), read_turn), terminal_size=(40, 24), press=["j"])


def test_in_the_terminals_own_colours(snap_compare: Snapshot) -> None:
    assert snap_compare(TreeApp(nested(), read_turn, "ansi-dark"), terminal_size=(40, 24), press=["j"])


def test_marked_turns(snap_compare: Snapshot) -> None:
    view = nested()._replace(marks=(("main", 2), ("main", 5), ("bergen", 4)))
    assert snap_compare(TreeApp(view, read_turn), terminal_size=(40, 24), press=["j"])
