"""The list of changes, used with keys and mouse."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.screens.dialogs.dialog_app import DialogApp
from tui.errors import ConvoError
from tui.model import EntryState, JournalEntry
from tui.screens.dialogs.undo_history import HistoryActions, UndoHistory
from tui.widgets.lists.choices import ChoiceList


def entry(number: int, state: EntryState = EntryState.DONE) -> JournalEntry:
    return JournalEntry(
        id=number,
        session_id="support",
        branch_id="alt",
        operation="label",
        description=f"Change {number} [/x]\x1b",
        state=state,
        kept_bytes=1200,
        created_at="2026-03-01 09:30:00",
    )


class History:
    """A history of three changes that records what is asked of it.

    Attributes:
        calls: The calls so far.
        list: The entries, the newest first.
    """

    def __init__(self, refuses: ConvoError | None = None) -> None:
        self.calls: list[str] = []
        self.list = [entry(3), entry(2), entry(1)]
        self._refuses = refuses

    async def entries(self) -> Sequence[JournalEntry]:
        return self.list

    async def undo_or_redo(self, changed: JournalEntry) -> None:
        self.calls.append(f"undo {changed.id}")
        if self._refuses is not None:
            raise self._refuses
        self.list = [entry(other.id, EntryState.UNDONE) if other.id >= changed.id else other for other in self.list]

    async def make_permanent(self, entry_id: int) -> None:
        self.calls.append(f"keep {entry_id}")

    async def empty_trash(self) -> None:
        self.calls.append("empty")
        self.list = []


def open_history(history: History) -> DialogApp[None]:
    actions = HistoryActions(history.entries, history.undo_or_redo, history.make_permanent, history.empty_trash)
    return DialogApp(UndoHistory(history.list, actions))


async def test_enter_undoes_back_to_the_highlighted_change() -> None:
    history = History()
    app = open_history(history)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "Enter undoes 1 change: Change 3 [/x]␛" in app.text
        assert "3.6 kB in the trash" in app.text
        await pilot.press("j")
        await pilot.pause()
        assert "Enter undoes 2 changes: Change 3 [/x]␛; Change 2 [/x]␛" in app.text
        await pilot.press("enter")
        await pilot.pause()
        assert history.calls == ["undo 2"]
        assert app.text.count("· undone") == 2
        await pilot.resize_terminal(60, 30)
        assert app.text.count("· undone") == 2
        await pilot.resize_terminal(100, 30)
        assert "Enter redoes 1 change: Change 2" in app.text


async def test_a_click_highlights_a_change_and_undoes_nothing() -> None:
    history = History()
    app = open_history(history)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.click(ChoiceList, offset=(10, 2))
        await pilot.pause()
        assert "Enter undoes 3 changes" in app.text
        assert history.calls == []


async def test_an_error_is_shown_until_the_highlight_moves() -> None:
    app = open_history(History(refuses=ConvoError("It cannot be undone.", "Make it permanent.")))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "It cannot be undone. Make it permanent." in app.text
        await pilot.press("down")
        await pilot.pause()
        assert "cannot be undone" not in app.text


async def test_an_error_is_shown_in_full_in_a_small_window() -> None:
    error = "“Forked 'night train' from turn 2 of 'main'” cannot be undone. "
    error += "Branch 'cheap beds' shares its messages: it was forked from there since."
    hint = "Undo the changes after it first, or keep it: P here makes it permanent, and E all of them."
    history = History(refuses=ConvoError(error, hint))
    history.list = [entry(number) for number in range(20, 0, -1)]
    app = open_history(history)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("j", "enter")
        await pilot.pause()
        assert f"{error} {hint}" in " ".join(app.text.split())
        assert "Change 19" in app.text
        assert "P makes permanent · E empties trash · Esc closes" in app.text
        await pilot.press("k")
        await pilot.pause()
        assert "Enter undoes 1 change" in app.text


@pytest.mark.parametrize(
    ("key", "question", "call"),
    [
        ("P", "Make “Change 3 [/x]␛” permanent, and free 1.2 kB? It cannot be undone.", "keep 3"),
        ("E", "Make 3 changes permanent, and free 3.6 kB? It cannot be undone.", "empty"),
    ],
)
async def test_nothing_becomes_permanent_without_a_yes(key: str, question: str, call: str) -> None:
    history = History()
    app = open_history(history)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for no in ("n", "escape", "down"):
            await pilot.press(key, key, "enter")
            await pilot.pause()
            assert question in app.text
            await pilot.press(no, "y")
            await pilot.pause()
            assert question not in app.text
            await pilot.press("up", "up")
        assert history.calls == []
        await pilot.press("K")
        await pilot.press(key, "y")
        await pilot.pause()
        assert history.calls == [call]
        assert question not in app.text


async def test_the_mouse_answers() -> None:
    history = History()
    app = open_history(history)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.click_text("E empties trash")
        await app.click_text("y yes")
        assert history.calls == ["empty"]
        await app.click_text("Esc closes")
        assert app.results == [None]
        await pilot.pause()
