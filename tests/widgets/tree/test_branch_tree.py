"""The tree: what its rows say, and how keys, mouse and views move it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from textual.message import Message

from tests.widgets.tree.samples import NOON, SESSION, TreeApp, grow, showing
from tui.model import Progress, Run, RunState, Session, Turn, View
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.tree.drawing import age

FORKED = {"main": [1, 2, 3, 4], "alt": [1, 2, 5, 6], "deep": [1, 2, 5, 7, 8]}
"""alt parts from main after turn 2, deep from alt after turn 3."""

FORKED_ROWS = [
    "▾ support-42                  2 h ago",
    "• 1 message 1 of main             100",
    "• 2 message 2 of main ◆2          200",
    "├─⊟ 3 message 3 of alt ◆2         300",
    "│ ├─⊟ 4 message 4 of deep         400",
    "│ │ · 5 message 5 of deep [deep]  500",
    "│ · 4 message 4 of alt [alt]      400",
    "• 3 message 3 of main             300",
    "● 4 message 4 of main  main       400",
]


def forked(branch_id: str = "main", turn: int = 4) -> View:
    return showing(grow(FORKED), branch_id, turn)


def turns_said(app: TreeApp) -> list[tuple[str, str, int]]:
    """The messages that name a branch and a turn, in order."""
    kinds = (BranchTree.TurnHighlighted, BranchTree.TurnOpened, BranchTree.TurnClicked)
    return [
        (type(message).__name__, message.branch_id, message.turn) for message in app.said if isinstance(message, kinds)
    ]


def said(app: TreeApp, kind: type[Message]) -> list[Message]:
    return [message for message in app.said if isinstance(message, kind)]


async def test_a_fork_hangs_under_the_turn_where_it_parts() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(37, 12)) as pilot:
        await pilot.pause()

        assert app.lines() == FORKED_ROWS


@pytest.mark.parametrize(
    ("branches", "turn", "rows"),
    [
        ({"main": [1, 2], "other": [3]}, 2, ["├─· 1 … [other]", "• 1 …", "● 2 …  main"]),
        (
            {"main": [1, 2, 3], "fresh": [1, 2]},
            3,
            ["• 1 …", "• 2 … ◆2", "├─· 3 nothing said yet [fresh]", "● 3 …  main"],
        ),
        ({"main": [1], "on": [1, 2, 3]}, 1, ["● 1 … ◆2  main", "╰─⊟ 2 …", "  · 3 … [on]"]),
        ({"main": []}, 0, ["● 1 nothing said yet  main"]),
    ],
    ids=["forked at turn 1", "without turns of its own", "going on after the end", "nothing said at all"],
)
async def test_every_kind_of_fork_has_its_row(
    branches: Mapping[str, Sequence[int]], turn: int, rows: list[str]
) -> None:
    app = TreeApp(showing(grow(branches), turn=turn), words=None)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()

        assert app.lines()[1:] == rows


async def test_a_file_without_sessions_says_so() -> None:
    app = TreeApp(View())
    async with app.run_test(size=(30, 5)) as pilot:
        await pilot.press("j", "G", "enter", "h", "l")

        assert app.lines() == ["No sessions in this file"]
        assert app.said == []


async def test_a_session_without_branches_says_so() -> None:
    app = TreeApp(View(sessions=(SESSION,), session=SESSION))
    async with app.run_test(size=(34, 5)) as pilot:
        await pilot.pause()

        assert app.lines() == ["▾ support-42        empty  2 h ago"]


async def test_sessions_stand_around_the_open_one() -> None:
    sessions = (Session("newer"), SESSION, Session("older", "2024-01-01 00:00:00", plain=True))
    app = TreeApp(showing(grow({"main": [1]}))._replace(sessions=sessions))
    async with app.run_test(size=(34, 8)) as pilot:
        await pilot.pause()

        assert app.lines() == [
            "▸ newer",
            "▾ support-42               2 h ago",
            "● 1 message 1 of main  main    100",
            "▸ older          plain  2024-01-01",
        ]


@pytest.mark.parametrize(
    ("updated_at", "words"),
    [
        (None, ""),
        ("yesterday", ""),
        ("2025-03-01 11:59:30", "now"),
        ("2025-03-01 11:55:00", "5 min ago"),
        ("2025-03-01 10:00:00", "2 h ago"),
        ("2025-02-26 10:00:00", "3 d ago"),
        ("2024-12-24 10:00:00", "2024-12-24"),
    ],
)
def test_the_age_of_a_session(updated_at: str | None, words: str) -> None:
    assert age(updated_at, NOON) == words


# What is read


async def test_of_a_long_branch_only_what_is_in_sight_is_drawn_and_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = BranchTree.render_line

    def counting(tree: BranchTree, y: int) -> object:
        drawn.append(y)
        return draw(tree, y)

    monkeypatch.setattr(BranchTree, "render_line", counting)
    app = TreeApp(showing(grow({"main": range(25_000)}), turn=12_320))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        assert app.pane.row_count == 25_001
        assert {(page.first, page.last) for page in app.asked} == {(12_289, 12_352)}
        assert len(drawn) < 10 * 20

        app.asked.clear()
        await pilot.press("G")
        assert [(page.first, page.last) for page in app.asked] == [(24_961, 25_000)]


async def test_turns_are_asked_for_once_while_they_are_on_their_way() -> None:
    app = TreeApp(showing(grow({"main": range(100)})), words=None)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("j", "k", "pagedown", "pageup")

        assert app.asked == [("main", 1, 64)]


async def test_turns_that_never_came_are_not_asked_for_without_end() -> None:
    app = TreeApp(showing(grow({"main": range(3)})), words=None)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.pane.receive_turns("main", 0, [Turn(1, "only this", items=1)])
        await pilot.pause()

        assert len(app.asked) == 1
        assert app.lines()[1:] == ["● 1 only this", "• 2 …", "• 3 …  main"]


async def test_shared_turns_are_read_once_from_the_oldest_branch() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()

        assert sorted(app.asked) == [
            ("alt", 3, 3),
            ("alt", 4, 4),
            ("deep", 4, 5),
            ("main", 1, 2),
            ("main", 3, 4),
        ]
        assert app.times_asked == 1


async def test_a_new_revision_is_read_again_and_the_old_text_stands_until_then() -> None:
    app = TreeApp(showing(grow({"main": [1]})))
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        app._words = None
        app.view = app.view._replace(revision=1)
        await pilot.pause()
        assert len(app.asked) == 2
        assert "message 1 of main" in app.lines()[1]

        app.pane.receive_turns("main", 1, [Turn(1, "something else", items=1)])
        await pilot.pause()
        assert "something else" in app.lines()[1]

        app.pane.receive_turns("main", 0, [Turn(1, "read before, came late", items=1)])
        await pilot.pause()
        assert "something else" in app.lines()[1]


async def test_another_session_shows_nothing_of_the_one_before() -> None:
    app = TreeApp(showing(grow({"main": [1]})))
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        app._words = None
        other = Session("other")
        app.view = app.view._replace(sessions=(SESSION, other), session=other, tree=grow({"main": [2]}))
        await pilot.pause()

        assert app.lines()[-1] == "● 1 …  main"


async def test_a_long_branch_opens_at_its_end() -> None:
    app = TreeApp(showing(grow({"main": range(25_000)}), turn=25_000))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()

        assert len(app.lines()) == 20
        assert app.lines()[-1].startswith("● 25000 ")
        assert {(page.first, page.last) for page in app.asked} == {(24_961, 25_000)}


# The cursor


async def test_the_cursor_says_which_turn_it_comes_to() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("k", "up", "g", "j", "G", "down", "home", "end", "pageup", "pagedown")

        assert turns_said(app) == [
            ("TurnHighlighted", "main", 3),
            ("TurnHighlighted", "alt", 4),
            ("TurnHighlighted", "main", 1),
            ("TurnHighlighted", "main", 4),
        ]
        assert app.pane.cursor_row == 8


async def test_a_branch_that_an_agent_answers_on_is_marked_and_drawn_no_oftener(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(37, 12)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(runs={"deep": Run("deep", RunState.RUNNING, 0, "offline")})
        await pilot.pause()
        assert "[» deep]" in app.lines()[5]
        drawn: list[int] = []
        monkeypatch.setattr(app.pane, "render_line", drawn.append)
        for words in ("one", "one two", "one two three"):
            run = app.view.runs["deep"]
            app.view = app.view._replace(runs={"deep": run._replace(progress=Progress(words))})
            await pilot.pause()
        assert drawn == []


async def test_a_page_down_and_up_stay_within_the_rows() -> None:
    app = TreeApp(showing(grow({"main": range(30)})))
    async with app.run_test(size=(40, 12)) as pilot:
        rows = []
        for key in ("pagedown", "pagedown", "pagedown", "pageup", "pageup", "pageup"):
            await pilot.press(key)
            rows.append(app.pane.cursor_row)

        assert rows == [12, 23, 30, 19, 8, 0]


async def test_a_shared_turn_is_shown_in_the_opened_branch_and_others_in_the_one_that_ends_first() -> None:
    app = TreeApp(forked("deep", 5))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("g", "j", "j", "j", "j")
        assert turns_said(app)[-3:] == [
            ("TurnHighlighted", "deep", 2),
            ("TurnHighlighted", "deep", 3),
            ("TurnHighlighted", "deep", 4),
        ]

        app.view = app.view._replace(branch_id="main", turn=4)
        await pilot.press("g", "j", "j", "j")
        assert turns_said(app)[-1] == ("TurnHighlighted", "alt", 3)


async def test_coming_back_from_a_fork_shows_the_opened_branch_again() -> None:
    app = TreeApp(forked(turn=2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j")
        assert turns_said(app) == [("TurnHighlighted", "alt", 3)]
        app.view = app.view._replace(branch_id="alt", turn=3, preview=True)
        await pilot.press("k")

        assert turns_said(app)[-1] == ("TurnHighlighted", "main", 2)


async def test_enter_opens_the_turn_under_the_cursor() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("up", "up", "enter")

        assert turns_said(app)[-1] == ("TurnOpened", "alt", 4)


async def test_enter_opens_the_session_under_the_cursor() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("G", "enter", "g", "enter")

        assert said(app, BranchTree.SessionOpened) == [
            BranchTree.SessionOpened("other"),
            BranchTree.SessionOpened("support-42"),
        ]


async def test_the_cursor_follows_the_view_silently_and_into_sight() -> None:
    app = TreeApp(showing(grow({"main": range(1000), "alt": [0, 1, 5000]})))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(turn=500)
        await pilot.pause()
        assert "● 500 message 500 of main" in app.lines()[-1]

        app.view = app.view._replace(branch_id="alt", turn=3)
        await pilot.pause()
        assert app.lines()[0].startswith("├─●   3 message 3 of alt")
        assert app.said == []


async def test_a_view_that_the_cursor_caused_does_not_call_it_back() -> None:
    app = TreeApp(showing(grow({"main": range(9)})))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j", "j", "j")
        for turn in (2, 3):
            app.view = app.view._replace(turn=turn)
        assert app.pane.cursor_row == 4

        app.view = app.view._replace(turn=8)
        assert app.pane.cursor_row == 8


async def test_the_cursor_passes_a_branch_without_turns_of_its_own() -> None:
    app = TreeApp(showing(grow({"main": [1, 2, 3], "fresh": [1, 2]}), turn=2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j")
        assert turns_said(app) == [("TurnHighlighted", "fresh", 2)]
        app.view = app.view._replace(branch_id="fresh", preview=True)
        assert app.pane.cursor_row == 3

        await pilot.press("j")
        assert turns_said(app)[-1] == ("TurnHighlighted", "main", 3)


async def test_a_fork_without_turns_of_its_own_is_where_the_cursor_goes_when_it_is_made() -> None:
    app = TreeApp(showing(grow({"main": [1, 2, 3]}), turn=3))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(tree=grow({"main": [1, 2, 3], "fresh": [1, 2]}), branch_id="fresh", turn=2)
        await pilot.pause()

        assert app.lines()[app.pane.cursor_row] == "├─● 3 nothing said yet  fresh"


async def test_of_two_rows_for_one_turn_the_one_with_the_cursor_is_marked() -> None:
    app = TreeApp(showing(grow({"main": [1, 2, 3], "fresh": [1, 2]}), "fresh", 2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert [line[:4].strip() for line in app.lines()[2:4]] == ["• 2", "├─●"]

        await pilot.press("k")
        assert [line[:4].strip() for line in app.lines()[2:4]] == ["● 2", "├─•"]
        assert app.said == []


async def test_rows_that_come_above_do_not_move_what_is_in_sight() -> None:
    branches = {"main": list(range(100))}
    app = TreeApp(showing(grow(branches), turn=50))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        before = app.lines()
        app.view = app.view._replace(tree=grow({**branches, "new": [0, 1, *range(200, 220)]}))
        await pilot.pause()

        assert app.pane.row_count == 121
        assert app.lines() == before


# Folds


async def test_left_folds_a_fork_and_right_unfolds_it() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("left")
        assert app.lines()[2:5] == [
            "• 2 message 2 of main ◆2                     200",
            "├─⊞ 3 message 3 of alt +3 turns, 2 branches  300",
            "· 3 message 3 of main                        300",
        ]

        await pilot.press("l")
        assert len(app.lines()) == len(FORKED_ROWS)


async def test_a_fold_of_one_branch_shows_its_name() -> None:
    app = TreeApp(forked("deep", 4))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")

        assert app.lines()[4] == "│ ├─⊞ 4 message 4 of deep +1 turn  deep      400"


async def test_left_goes_to_the_head_of_the_fork_then_folds_it_then_goes_to_where_it_parts() -> None:
    app = TreeApp(forked("deep", 5))
    async with app.run_test(size=(48, 12)) as pilot:
        rows = []
        for _ in range(6):
            await pilot.press("h")
            rows.append(app.pane.cursor_row)

        assert rows == [4, 4, 3, 3, 2, 0]


async def test_right_goes_to_where_branches_part_and_to_the_first_of_them() -> None:
    app = TreeApp(forked("main", 1))
    async with app.run_test(size=(48, 12)) as pilot:
        rows = []
        for _ in range(5):
            await pilot.press("right")
            rows.append(app.pane.cursor_row)

        assert rows == [2, 3, 4, 5, 5]


async def test_right_on_a_closed_session_opens_it() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("G", "l")

        assert said(app, BranchTree.SessionOpened) == [BranchTree.SessionOpened("other")]


async def test_left_folds_the_open_session_away_and_right_brings_it_back() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("g", "h")
        assert app.lines() == ["▸ support-42                     2 h ago"]

        await pilot.press("l")
        assert len(app.lines()) == len(FORKED_ROWS)


async def test_folds_stay_when_the_tree_grows() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")
        app.view = app.view._replace(tree=grow({**FORKED, "main": [1, 2, 3, 4, 9]}), revision=1)
        await pilot.pause()

        assert [line[:6] for line in app.lines()[3:]] == ["├─⊞ 3 ", "· 3 me", "· 4 me", "· 5 me"]


async def test_a_turn_selected_elsewhere_comes_out_of_its_fold() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")
        app.view = app.view._replace(branch_id="deep", turn=5)
        await pilot.pause()

        assert app.pane.cursor_row == 5
        assert app.lines()[5].startswith("│ │ ● 5")


async def test_a_cursor_that_is_folded_away_comes_to_the_fold_and_says_so() -> None:
    app = TreeApp(forked("alt", 4))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.click(BranchTree, offset=(1, 3))

        assert app.pane.cursor_row == 3
        assert turns_said(app) == [("TurnHighlighted", "alt", 3)]


# The mouse


async def test_a_click_on_a_turn_asks_for_a_fork_there() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(BranchTree, offset=(12, 6))

        assert turns_said(app) == [("TurnClicked", "alt", 4)]
        assert app.pane.cursor_row == 6


async def test_a_click_on_a_name_switches_to_the_branch() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.click(BranchTree, offset=(FORKED_ROWS[5].index("[deep]") + 1, 5))

        assert app.said == [BranchTree.BranchClicked("deep")]


async def test_a_click_on_the_fold_mark_folds_and_unfolds() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.click(BranchTree, offset=(2, 3))
        assert "+3 turns, 2 branches" in app.lines()[3]

        await pilot.click(BranchTree, offset=(2, 3))
        assert len(app.lines()) == len(FORKED_ROWS)
        assert app.said == []


async def test_a_click_on_a_session_opens_it_and_on_its_mark_folds_it() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(BranchTree, offset=(4, 9))
        assert app.said == [BranchTree.SessionOpened("other")]

        await pilot.click(BranchTree, offset=(0, 0))
        assert app.lines() == ["▸ support-42                     2 h ago", "▸ other"]

        await pilot.click(BranchTree, offset=(5, 0))
        assert len(app.lines()) == len(FORKED_ROWS) + 1


async def test_a_click_below_the_last_row_means_nothing() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.click(BranchTree, offset=(5, 15))

        assert app.said == []


async def test_sessions_that_are_not_known_are_asked_for_as_they_come_into_sight() -> None:
    newest = (SESSION, *(Session(f"s{number}") for number in range(1, 4)))
    app = TreeApp(showing(grow({"main": [1]}))._replace(sessions=newest, sessions_remaining=9_996))
    async with app.run_test(size=(34, 6)) as pilot:
        await pilot.pause()
        assert app.lines()[-1] == "▸ …"
        assert app.pane.row_count == 10_001
        app.said.clear()
        await pilot.press("end")
        await pilot.pause()

        assert app.lines() == ["▸ …"] * 6
        assert said(app, BranchTree.SessionsNeeded) == [BranchTree.SessionsNeeded(9984, 10_000)]

        await pilot.press("enter")
        assert not said(app, BranchTree.SessionOpened)
        app.pane.receive_sessions(9984, 0, [Session(f"s{number}") for number in range(9984, 10_000)])
        await pilot.pause()
        assert app.lines()[-1] == "▸ s9999"
        await pilot.press("enter")
        await pilot.pause()
        assert said(app, BranchTree.SessionOpened) == [BranchTree.SessionOpened("s9999")]


async def test_the_cursor_stays_on_a_session_that_was_on_its_way() -> None:
    view = showing(grow({"main": [1]}))._replace(sessions_remaining=99)
    app = TreeApp(view)
    async with app.run_test(size=(34, 6)) as pilot:
        await pilot.press("end")
        app.pane.receive_sessions(64, 0, [Session(f"s{number}") for number in range(64, 100)])
        app.view = view._replace(sessions=(Session("new"), SESSION), revision=1)
        await pilot.pause()

        assert app.pane.cursor_row == app.pane.row_count - 2
        assert app.lines()[-1].startswith("▸")
