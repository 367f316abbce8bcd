"""The tree: what its rows show, and how keys, mouse and views move it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest
from textual.message import Message

from tests.widgets.tree.samples import SESSION, TreeApp, tree_of, view_of
from tui.model import Progress, Run, RunState, Session, Turn, View
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.tree.drawing import draw_heading

FORKED = {"main": [1, 2, 3, 4], "alt": [1, 2, 5, 6], "deep": [1, 2, 5, 7, 8]}
"""alt forks from main after turn 2, deep from alt after turn 3."""

FORKED_ROWS = [
    "▾ support-42                  2 h ago",
    "   •  1 message 1 of main         100",
    "   •  2 message 2 of main         200",
    "╭──▾  3 message 3 of m… ‹1/2›     300",
    "│  ●  4 message 4 of…   main      400",
    "╰──▾  3 message 3 of a… ‹2/2›     300",
    " ╭─·  4 message…  [alt] ‹1/2›     400",
    " ╰─▾  4 message 4 of d… ‹2/2›     400",
    "   ·  5 message 5 of…  [deep]     500",
]


def forked(branch_id: str = "main", turn: int = 4) -> View:
    return view_of(tree_of(FORKED), branch_id, turn)


def turn_messages(app: TreeApp) -> list[tuple[str, str, int]]:
    """Return the messages that name a branch and a turn, in order."""
    kinds = (BranchTree.TurnHighlighted, BranchTree.TurnOpened, BranchTree.TurnClicked)
    posted = (message for message in app.messages if isinstance(message, kinds))
    return [(type(message).__name__, message.branch_id, message.turn) for message in posted]


def messages(app: TreeApp, kind: type[Message]) -> list[Message]:
    return [message for message in app.messages if isinstance(message, kind)]


async def test_lines_join_the_alternatives_of_a_fork() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(37, 12)) as pilot:
        await pilot.pause()

        assert app.lines() == FORKED_ROWS


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (60, ["[shared-prefix-one] ‹2/4›", "[shared-prefix-two] ‹3/4›", "[from turn 2] ‹4/4›"]),
        (43, ["[shar…one] ‹2/4›", "[shar…two] ‹3/4›", "‹4/4›"]),
        (37, ["[shared…x-one]", "[shared…x-two]", "‹4/4›"]),
        (30, ["[shar…one]", "[shar…two]", "‹4/4›"]),
    ],
)
async def test_names_of_branches_fill_free_room_and_keep_the_end_that_differs(width: int, names: list[str]) -> None:
    made = "branch_from_turn_2_1795904897"
    branches = {"main": [1], "shared-prefix-one": [1, 2], "shared-prefix-two": [1, 3], made: [1, 4]}

    def read(branch_id: str, turn: int) -> Turn:
        return Turn(turn, "on fork", items=2, tokens=97)

    app = TreeApp(view_of(tree_of(branches)), read)
    async with app.run_test(size=(width, 12)) as pilot:
        await pilot.pause()
        # The words come before the name, and are cut where it needs their room.
        notes = [re.search(r"(\[|‹).*(\]|›)", line) for line in app.lines()[2:]]
        assert [note and note[0] for note in notes] == names


@pytest.mark.parametrize(
    ("branches", "turn", "rows"),
    [
        (
            {"main": [1, 2], "other": [3]},
            2,
            ["╭─▾  1 …                ‹1/2›", "│ ●  2 …                main", "╰─·  1 …        [other] ‹2/2›"],
        ),
        (
            {"main": [1, 2, 3], "fresh": [1, 2]},
            3,
            ["  •  1 …", "  •  2 …", "╭─●  3 …          main  ‹1/2›", "╰─·  3 empty    [fresh] ‹2/2›"],
        ),
        (
            {"main": [1], "on": [1, 2, 3]},
            1,
            ["╭─●  1 …                main", "╰─▾  2 …                ‹2/2›", "  ·  3 …                 [on]"],
        ),
        ({"main": []}, 0, ["●  1 empty              main"]),
    ],
    ids=["forked at turn 1", "without turns of its own", "continuing after the end", "without messages"],
)
async def test_every_kind_of_fork_has_its_row(
    branches: Mapping[str, Sequence[int]], turn: int, rows: list[str]
) -> None:
    app = TreeApp(view_of(tree_of(branches), turn=turn), read_turn=None)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()

        assert app.lines()[1:] == rows


async def test_a_branch_whose_turns_were_undone_shows_nothing_of_them() -> None:
    branches = {"main": [1, 2, 3], "again": [1, 2, 4]}
    app = TreeApp(view_of(tree_of(branches), "again", 3))
    async with app.run_test(size=(46, 12)) as pilot:
        await pilot.pause()
        assert app.lines()[-1].split() == ["╰─●", "3", "message", "3", "of…", "again", "‹2/2›", "300"]
        for revision in (1, 2):
            view = view_of(tree_of({**branches, "again": [1, 2]}), "again", 2)
            app.view = view._replace(revision=revision)
            await pilot.pause()

            assert app.lines()[-1].split() == ["╰─●", "3", "empty", "again", "‹2/2›"]
            assert "No messages of its own in again" in app.descriptions[-1]
            assert "token" not in app.descriptions[-1]


async def test_a_file_without_sessions_has_a_note() -> None:
    app = TreeApp(View())
    async with app.run_test(size=(30, 5)) as pilot:
        await pilot.press("j", "G", "enter", "h", "l")

        assert app.lines() == ["No sessions in this file"]
        assert app.messages == []


async def test_a_session_without_branches_is_marked_empty() -> None:
    app = TreeApp(View(sessions=(SESSION,), session=SESSION))
    async with app.run_test(size=(34, 5)) as pilot:
        await pilot.pause()

        assert app.lines() == ["▾ support-42        empty  2 h ago"]


async def test_the_open_session_is_among_the_others() -> None:
    sessions = (Session("newer"), SESSION, Session("older", "2024-01-01 00:00:00", plain=True))
    app = TreeApp(view_of(tree_of({"main": [1]}))._replace(sessions=sessions))
    async with app.run_test(size=(34, 8)) as pilot:
        await pilot.pause()

        assert app.lines() == [
            "▸ newer",
            "▾ support-42               2 h ago",
            "●  1 message 1 of…   main      100",
            "▸ older          plain  2024-01-01",
        ]


# Requests


async def test_only_turns_in_sight_are_drawn_and_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = BranchTree.render_line

    def counting(tree: BranchTree, y: int) -> object:
        drawn.append(y)
        return draw(tree, y)

    monkeypatch.setattr(BranchTree, "render_line", counting)
    app = TreeApp(view_of(tree_of({"main": range(25_000)}), turn=12_320))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        assert app.pane.row_count == 25_001
        assert {(page.first, page.last) for page in app.requested} == {(12_289, 12_352)}
        assert len(drawn) < 10 * 20

        app.requested.clear()
        await pilot.press("G")
        assert [(page.first, page.last) for page in app.requested] == [(24_961, 25_000)]


async def test_turns_are_requested_once_until_they_are_received() -> None:
    app = TreeApp(view_of(tree_of({"main": range(100)})), read_turn=None)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("j", "k", "pagedown", "pageup")

        assert app.requested == [("main", 1, 64)]


async def test_an_incomplete_answer_is_not_requested_again() -> None:
    app = TreeApp(view_of(tree_of({"main": range(3)})), read_turn=None)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.pane.receive_turns("main", 0, [Turn(1, "only this", items=1)])
        await pilot.pause()

        assert len(app.requested) == 1
        assert app.lines()[1:] == ["●  1 only this", "•  2 …", "•  3 …                  main"]


async def test_shared_turns_are_requested_once_from_the_oldest_branch() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()

        assert sorted(app.requested) == [
            ("alt", 3, 3),
            ("alt", 4, 4),
            ("deep", 4, 5),
            ("main", 1, 2),
            ("main", 3, 4),
        ]
        assert app.request_count == 1


async def test_a_new_revision_is_requested_and_the_old_text_shown_until_it_is_received() -> None:
    app = TreeApp(view_of(tree_of({"main": [1]})))
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        app._read_turn = None
        app.view = app.view._replace(revision=1)
        await pilot.pause()
        assert len(app.requested) == 2
        assert "message 1 of main" in app.lines()[1]

        app.pane.receive_turns("main", 1, [Turn(1, "something else", items=1)])
        await pilot.pause()
        assert "something else" in app.lines()[1]

        app.pane.receive_turns("main", 0, [Turn(1, "read before, came late", items=1)])
        await pilot.pause()
        assert "something else" in app.lines()[1]


async def test_another_session_shows_no_turns_of_the_one_before() -> None:
    app = TreeApp(view_of(tree_of({"main": [1]})))
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        app._read_turn = None
        other = Session("other")
        app.view = app.view._replace(sessions=(SESSION, other), session=other, tree=tree_of({"main": [2]}))
        await pilot.pause()

        assert app.lines()[-1] == "●  1 …                  main"


async def test_a_long_branch_opens_at_its_end() -> None:
    app = TreeApp(view_of(tree_of({"main": range(25_000)}), turn=25_000))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()

        assert len(app.lines()) == 20
        assert app.lines()[-1].startswith("● 25000 ")
        assert {(page.first, page.last) for page in app.requested} == {(24_961, 25_000)}


# Cursor


async def test_the_cursor_announces_the_turn_it_moves_to() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("k", "up", "g", "j", "G", "down", "home", "end", "pageup", "pagedown")

        assert turn_messages(app) == [
            ("TurnHighlighted", "main", 3),
            ("TurnHighlighted", "main", 2),
            ("TurnHighlighted", "main", 1),
            ("TurnHighlighted", "deep", 5),
        ]
        assert app.pane.cursor_row == 8


async def test_a_running_branch_is_marked_and_not_redrawn_for_each_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(37, 12)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(runs={"deep": Run("deep", RunState.RUNNING, 0, "offline")})
        await pilot.pause()
        assert "[» deep]" in app.lines()[8]
        app.view = app.view._replace(runs={"deep": Run("deep", RunState.WAITING, 0, "offline")})
        await pilot.pause()
        assert "[? deep]" in app.lines()[8]
        app.view = app.view._replace(runs={"deep": Run("deep", RunState.RUNNING, 0, "offline")})
        await pilot.pause()
        drawn: list[int] = []
        monkeypatch.setattr(app.pane, "render_line", drawn.append)
        for words in ("one", "one two", "one two three"):
            run = app.view.runs["deep"]
            app.view = app.view._replace(runs={"deep": run._replace(progress=Progress(words))})
            await pilot.pause()
        assert drawn == []


async def test_a_page_down_and_up_stay_within_the_rows() -> None:
    app = TreeApp(view_of(tree_of({"main": range(30)})))
    async with app.run_test(size=(40, 12)) as pilot:
        rows = []
        for key in ("pagedown", "pagedown", "pagedown", "pageup", "pageup", "pageup"):
            await pilot.press(key)
            rows.append(app.pane.cursor_row)

        assert rows == [12, 23, 30, 19, 8, 0]


async def test_a_turn_is_shown_in_the_opened_branch_or_the_one_that_ends_first() -> None:
    app = TreeApp(forked("deep", 5))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("g", *"jjjjj")
        assert turn_messages(app)[-4:] == [
            ("TurnHighlighted", "deep", 2),
            ("TurnHighlighted", "main", 3),
            ("TurnHighlighted", "main", 4),
            ("TurnHighlighted", "deep", 3),
        ]

        app.view = app.view._replace(branch_id="main", turn=4)
        await pilot.press("g", *"jjjjj")
        assert turn_messages(app)[-1] == ("TurnHighlighted", "alt", 3)


async def test_the_opened_branch_is_shown_again_after_a_fork() -> None:
    app = TreeApp(forked(turn=2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j", "j", "j")
        assert turn_messages(app)[-1] == ("TurnHighlighted", "alt", 3)
        app.view = app.view._replace(branch_id="alt", turn=3, preview=True)
        await pilot.press("k", "k", "k")

        assert turn_messages(app)[-1] == ("TurnHighlighted", "main", 2)


async def test_enter_opens_the_turn_under_the_cursor() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("down", "down", "enter")

        assert turn_messages(app)[-1] == ("TurnOpened", "alt", 4)


async def test_enter_opens_the_session_under_the_cursor() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("G", "enter", "g", "enter")

        assert messages(app, BranchTree.SessionOpened) == [
            BranchTree.SessionOpened(app.pane, "other"),
            BranchTree.SessionOpened(app.pane, "support-42"),
        ]


async def test_the_cursor_follows_the_view_into_sight_without_a_message() -> None:
    app = TreeApp(view_of(tree_of({"main": range(1000), "alt": [0, 1, 5000]})))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(turn=500)
        await pilot.pause()
        assert "●  500 message 500 of main" in app.lines()[-1]

        app.view = app.view._replace(branch_id="alt", turn=3)
        await pilot.pause()
        assert app.lines()[-1].startswith("╰─●    3 message 3…  alt  ‹2/2›")
        assert app.messages == []


async def test_a_view_that_the_cursor_caused_does_not_move_it() -> None:
    app = TreeApp(view_of(tree_of({"main": range(9)})))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j", "j", "j")
        for turn in (2, 3):
            app.view = app.view._replace(turn=turn)
        assert app.pane.cursor_row == 4

        app.view = app.view._replace(turn=8)
        assert app.pane.cursor_row == 8


async def test_the_cursor_passes_a_branch_without_turns_of_its_own() -> None:
    app = TreeApp(view_of(tree_of({"main": [1, 2, 3], "fresh": [1, 2]}), turn=2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("j", "j")
        assert turn_messages(app) == [("TurnHighlighted", "main", 3), ("TurnHighlighted", "fresh", 2)]
        app.view = app.view._replace(branch_id="fresh", preview=True)
        assert app.pane.cursor_row == 4

        await pilot.press("k")
        assert turn_messages(app)[-1] == ("TurnHighlighted", "main", 3)


async def test_the_cursor_moves_to_a_new_fork_without_turns_of_its_own() -> None:
    app = TreeApp(view_of(tree_of({"main": [1, 2, 3]}), turn=3))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        app.view = app.view._replace(tree=tree_of({"main": [1, 2, 3], "fresh": [1, 2]}), branch_id="fresh", turn=2)
        await pilot.pause()

        assert app.lines()[app.pane.cursor_row].startswith("╰─●  3 empty")


async def test_the_cursor_decides_which_of_two_rows_of_a_turn_is_selected() -> None:
    app = TreeApp(view_of(tree_of({"main": [1, 2, 3], "fresh": [1, 2]}), "fresh", 2))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert [line[2] for line in app.lines()[2:5]] == ["•", "·", "●"]

        await pilot.press("g", "j", "j")
        assert [line[2] for line in app.lines()[2:5]] == ["●", "·", "•"]


async def test_rows_added_above_do_not_move_those_in_sight() -> None:
    branches = {"main": list(range(100)), "deep": [0, 1, 300], "old": [0, *range(400, 450)]}
    app = TreeApp(view_of(tree_of(branches), "old", 20))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        before = app.lines()
        app.view = app.view._replace(tree=tree_of({**branches, "new": [0, 1, *range(200, 220)]}))
        await pilot.pause()

        assert app.pane.row_count == 172
        assert app.lines() == before


# Names, columns and words


async def test_a_branch_named_after_turn_and_time_shows_the_first_words_after_its_fork() -> None:
    made, again = "branch_from_turn_2_1795904897", "branch_from_turn_2_1795904898_2"
    app = TreeApp(view_of(tree_of({"main": [1, 2], made: [1, 3, 4], again: [1, 5]})))
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        await pilot.pause()

        assert "[message 2 of branch" in app.lines()[4]
        assert "[from turn 2]" in app.lines()[5]


async def test_the_words_after_a_fork_are_read_although_they_are_out_of_sight() -> None:
    made = "branch_from_turn_2_1795904897"
    app = TreeApp(view_of(tree_of({"main": [1, 2], made: [1, *range(10, 500)]}), made, 491))
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        await pilot.pause()

        assert " message 2 of" in app.lines()[-1]
        assert {page.first for page in app.requested} == {2, 450}


async def test_the_heading_names_the_columns_at_every_width() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        assert draw_heading(app.pane.columns).split() == ["turn", "message", "tools", "tokens"]
        await pilot.resize_terminal(30, 12)
        await pilot.pause()
        assert draw_heading(app.pane.columns).split() == ["turn", "message", "tokens"]
        assert app.lines()[1].rindex("100") + 3 == len(draw_heading(app.pane.columns))


async def test_the_signs_of_the_row_under_the_cursor_are_described_in_words() -> None:
    app = TreeApp(forked(turn=3))
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("j", "j", "h")

        assert app.descriptions[-3:] == [
            "Turn 4 of main · 400 tokens · the last turn",
            "Turn 3 of alt · preview, Enter opens it · alternative 2 of 2 · 300 tokens · can be folded",
            "Turn 3 of alt · preview, Enter opens it · alternative 2 of 2 · 300 tokens · folded: 3 turns, 2 branches",
        ]


async def test_the_number_of_forks_that_are_not_drawn_is_shown_and_described() -> None:
    branches = {"main": list(range(30)), **{f"b{level}": [*range(level), 100 + level] for level in range(1, 30)}}
    app = TreeApp(view_of(tree_of(branches), "b29", 30))
    async with app.run_test(size=(60, 80)) as pilot:
        await pilot.pause()
        row = app.lines()[app.pane.cursor_row]

        assert row.startswith("28…╰───────● 30 message 30 of b29")
        assert app.descriptions[-1].endswith("28 outer forks not drawn")


# Folds


async def test_left_folds_a_fork_and_right_unfolds_it() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("left")
        assert app.lines()[5:] == ["╰──▸  3 message… +3 turns, 2 branches        300"]

        await pilot.press("l")
        assert len(app.lines()) == len(FORKED_ROWS)


async def test_a_fold_of_one_branch_shows_its_name() -> None:
    app = TreeApp(forked("deep", 4))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")

        assert app.lines()[7] == " ╰─▸  4 message… +1 turn  deep  ‹2/2›        400"


async def test_left_goes_to_the_first_turn_of_the_fork_then_folds_it_then_leaves_it() -> None:
    app = TreeApp(forked("deep", 5))
    async with app.run_test(size=(48, 12)) as pilot:
        rows = []
        for _ in range(6):
            await pilot.press("h")
            rows.append(app.pane.cursor_row)

        assert rows == [7, 7, 5, 5, 2, 0]


async def test_right_goes_to_the_next_turn_with_forks_and_to_the_first_fork() -> None:
    app = TreeApp(forked("main", 1))
    async with app.run_test(size=(48, 12)) as pilot:
        rows = []
        for _ in range(5):
            await pilot.press("right")
            rows.append(app.pane.cursor_row)

        assert rows == [2, 3, 4, 4, 4]


async def test_right_on_a_closed_session_opens_it() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("G", "l")

        assert messages(app, BranchTree.SessionOpened) == [BranchTree.SessionOpened(app.pane, "other")]


async def test_left_folds_the_open_session_and_right_unfolds_it() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("g", "h")
        assert app.lines() == ["▸ support-42                     2 h ago"]

        await pilot.press("l")
        assert len(app.lines()) == len(FORKED_ROWS)


async def test_folds_are_kept_when_the_tree_grows() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")
        app.view = app.view._replace(tree=tree_of({**FORKED, "main": [1, 2, 3, 4, 9]}), revision=1)
        await pilot.pause()

        assert [line[:7] for line in app.lines()[3:]] == ["╭──▾  3", "│  ·  4", "│  ·  5", "╰──▸  3"]


async def test_a_turn_selected_elsewhere_is_unfolded() -> None:
    app = TreeApp(forked("alt", 3))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.press("h")
        app.view = app.view._replace(branch_id="deep", turn=5)
        await pilot.pause()

        assert app.pane.cursor_row == 8
        assert app.lines()[8].startswith("   ●  5")


async def test_a_hidden_cursor_moves_to_the_fold_and_announces_its_turn() -> None:
    app = TreeApp(forked("alt", 4))
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.click(BranchTree, offset=(1, 5))

        assert app.pane.cursor_row == 5
        assert turn_messages(app) == [("TurnHighlighted", "alt", 3)]


# Mouse


async def test_a_click_on_a_turn_posts_its_branch_and_number() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(BranchTree, offset=(12, 6))

        assert turn_messages(app) == [("TurnClicked", "alt", 4)]
        assert app.pane.cursor_row == 6


async def test_a_click_on_a_name_posts_its_branch() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.click(BranchTree, offset=(app.lines()[8].index("[deep]") + 1, 8))

        assert app.messages == [BranchTree.BranchClicked(app.pane, "deep")]


async def test_a_click_on_the_fold_mark_folds_and_unfolds() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(48, 12)) as pilot:
        await pilot.click(BranchTree, offset=(2, 5))
        assert "+3 turns, 2 branches" in app.lines()[5]

        await pilot.click(BranchTree, offset=(2, 5))
        assert len(app.lines()) == len(FORKED_ROWS)
        assert app.messages == []


async def test_a_click_on_a_session_opens_it_and_on_its_mark_folds_it() -> None:
    app = TreeApp(forked()._replace(sessions=(SESSION, Session("other"))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(BranchTree, offset=(4, 9))
        assert app.messages == [BranchTree.SessionOpened(app.pane, "other")]

        await pilot.click(BranchTree, offset=(0, 0))
        assert app.lines() == ["▸ support-42                     2 h ago", "▸ other"]

        await pilot.click(BranchTree, offset=(5, 0))
        assert len(app.lines()) == len(FORKED_ROWS) + 1


async def test_a_click_below_the_last_row_does_nothing() -> None:
    app = TreeApp(forked())
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.click(BranchTree, offset=(5, 15))

        assert app.messages == []


async def test_unread_sessions_are_requested_when_in_sight() -> None:
    newest = (SESSION, *(Session(f"s{number}") for number in range(1, 4)))
    app = TreeApp(view_of(tree_of({"main": [1]}))._replace(sessions=newest, sessions_remaining=9_996))
    async with app.run_test(size=(34, 6)) as pilot:
        await pilot.pause()
        assert app.lines()[-1] == "▸ …"
        assert app.pane.row_count == 10_001
        app.messages.clear()
        await pilot.press("end")
        await pilot.pause()

        assert app.lines() == ["▸ …"] * 6
        assert messages(app, BranchTree.SessionsNeeded) == [BranchTree.SessionsNeeded(app.pane, 9984, 10_000)]

        await pilot.press("enter")
        assert not messages(app, BranchTree.SessionOpened)
        app.pane.receive_sessions(9984, 0, [Session(f"s{number}") for number in range(9984, 10_000)])
        await pilot.pause()
        assert app.lines()[-1] == "▸ s9999"
        await pilot.press("enter")
        await pilot.pause()
        assert messages(app, BranchTree.SessionOpened) == [BranchTree.SessionOpened(app.pane, "s9999")]


async def test_the_cursor_stays_on_a_session_that_is_received() -> None:
    view = view_of(tree_of({"main": [1]}))._replace(sessions_remaining=99)
    app = TreeApp(view)
    async with app.run_test(size=(34, 6)) as pilot:
        await pilot.press("end")
        app.pane.receive_sessions(64, 0, [Session(f"s{number}") for number in range(64, 100)])
        app.view = view._replace(sessions=(Session("new"), SESSION), revision=1)
        await pilot.pause()

        assert app.pane.cursor_row == app.pane.row_count - 2
        assert app.lines()[-1].startswith("▸")
