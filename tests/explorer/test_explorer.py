"""The explorer as its user moves about in it: whatever leads there, all panes show one branch and one turn."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from agents import SQLiteSession
from textual import events
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import TextArea

from tests.conversations import open_sdk, spend, turn
from tui.app import ConvoApp
from tui.commands.registry import COMMANDS, TALK
from tui.config import Config
from tui.controller import SessionController
from tui.controller.pages import Pages
from tui.errors import ConfigError
from tui.explorer.keymap import binding_ids
from tui.explorer.screen import Explorer
from tui.model import TurnUsage
from tui.render import Line
from tui.screens.dialogs.help import Help
from tui.screens.dialogs.picker import Picker
from tui.storage.store import Store
from tui.widgets.composer.composer import Composer
from tui.widgets.lines.paint import paint
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.sidebar import UsageSidebar
from tui.widgets.usage.token_chart import TokenChart

Snapshot = Callable[..., bool]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """support: main 1 2 3 4 5, alt leaves it at 3 and goes on to 4; billing: one turn."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("Send me the invoice", "Sent."))
    other.close()
    sdk = open_sdk(path)
    words = ("Hello, can you help me?", "What is the weather in Oslo?", "And tomorrow?", "Plot it", "Thanks")
    for number, text in enumerate(words, 1):
        await sdk.add_items(turn(text, f"Answer **{number}** of main.", tool="get_weather" if number == 2 else None))
        await sdk.store_run_usage(
            spend(1000 * number, cached=600 * (number - 1), reasoning=30, requests=number % 2 + 1)
        )
    await sdk.create_branch_from_turn(3, "alt")
    for text in ("In Fahrenheit, please", "Good"):
        await sdk.add_items(turn(text, f"Answer to {text}"))
        await sdk.store_run_usage(spend(900))
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("One more thing", "Yes?"))
    sdk.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE agent_messages SET created_at = '2026-03-01 09:30:00'")
        db.execute("UPDATE message_structure SET created_at = '2026-03-01 09:30:00'")
        db.execute("UPDATE agent_sessions SET updated_at = NULL")
    db.close()
    return path


def dump(path: Path) -> list[str]:
    """All that a file holds."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


class Opened:
    """A running explorer and its panes."""

    def __init__(self, pilot: Pilot[None], screen: Explorer) -> None:
        self.pilot = pilot
        self.screen = screen
        self.tree = screen.query_one(BranchTree)
        self.chat = screen.query_one(Transcript)
        self.composer = screen.query_one(Composer)
        self.usage = screen.query_one(UsageSidebar)

    @property
    def place(self) -> tuple[str, int]:
        """The branch and turn that every pane shows; they must agree."""
        views = {id(pane.view) for pane in (self.tree, self.chat, self.composer, self.usage)}
        assert views == {id(self.screen.view)}
        return self.screen.view.branch_id, self.screen.view.turn

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        await self.pilot.pause()
        await self.pilot.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                await asyncio.sleep(0)

    async def click_text(self, text: str) -> None:
        for row, strip in enumerate(self.screen._compositor.render_strips()):
            if (column := strip.text.find(text)) >= 0:
                await self.pilot.click(offset=(column + 1, row))
                return await self.settle()
        raise AssertionError(f"not on the screen: {text}")

    @property
    def told(self) -> str:
        """The newest notice."""
        return next(iter(reversed(list(self.pilot.app._notifications)))).message

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@asynccontextmanager
async def opened(
    path: Path, size: tuple[int, int] = (140, 40), *, read_only: bool = False, config: Config | None = None
) -> AsyncIterator[Opened]:
    controller = SessionController(Store(path), read_only=read_only)
    await controller.open()
    app = ConvoApp(controller, config)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, Explorer)
        explorer = Opened(pilot, screen)
        await explorer.settle()
        yield explorer
    controller.close()


async def test_a_file_opens_at_its_end_with_all_three_panes(path: Path) -> None:
    async with opened(path) as explorer:
        assert explorer.place == ("main", 6)
        for told in ("1 Tree", "2 Chat · main", "3 Usage", "One more thing", "Yes?", "turn 6 of 6", "alt", "billing"):
            assert told in explorer.text


async def test_keys_in_the_tree_preview_and_enter_opens(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("k", "up")
        assert explorer.place == ("main", 4)
        await explorer.press("g", "down", "down", "down")
        assert explorer.place == ("alt", 3)
        assert "2 Chat · alt · preview" in explorer.text
        await explorer.press("escape")
        assert explorer.place == ("main", 2)
        await explorer.press("g", "down", "down", "down", "enter")
        assert explorer.place == ("alt", 3)
        assert "preview" not in explorer.text
        assert explorer.screen.focused is explorer.chat
        assert "Answer to In Fahrenheit" in explorer.text


async def test_keys_pressed_faster_than_the_file_answers(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.pilot.press("up", "up", "f")
        await explorer.settle()
        assert explorer.screen.view.fork is not None
        assert explorer.screen.view.fork.turn == 4
        assert explorer.composer.text == "Plot it"


async def test_keys_in_the_chat_take_the_other_panes_along(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g")
        assert explorer.place == ("main", 1)
        await explorer.press("G")
        assert explorer.place == ("main", 6)


async def test_a_bar_of_the_chart_selects_its_turn(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("3", "g", "enter")
        assert explorer.place == ("main", 1)
        await explorer.click_text("t2")
        assert explorer.place == ("main", 2)
        assert "What is the weather in Oslo?" in explorer.text


async def test_switching_branches_from_the_keyboard(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("left_square_bracket")
        assert explorer.place == ("main", 6)
        await explorer.press("right_square_bracket")
        assert explorer.place == ("alt", 3)
        await explorer.press("minus")
        assert explorer.place == ("main", 6)
        await explorer.press("left_curly_bracket")
        assert explorer.place == ("main", 3)
        await explorer.press("b")
        assert isinstance(explorer.pilot.app.screen, Picker)
        await explorer.press("a", "l", "enter")
        assert explorer.place == ("alt", 3)


async def test_another_session_from_the_keyboard(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("s", *"bill", "enter")
        assert explorer.place == ("main", 1)
        assert "Send me the invoice" in explorer.text


async def test_a_picker_closes_once_however_fast_the_keys_come(path: Path) -> None:
    async with opened(path) as explorer:
        for key, character in (("s", "s"), ("enter", "\r"), ("enter", "\r"), ("escape", None), ("escape", None)):
            explorer.pilot.app.post_message(events.Key(key, character))
        await explorer.settle()
        await explorer.until(lambda: explorer.pilot.app.screen is explorer.screen)
        assert explorer.place == ("main", 6)


async def test_the_sums_change_their_scope(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("u")
        assert "3 Usage · all" in explorer.text
        await explorer.press("u")
        assert "3 Usage · own" in explorer.text


async def test_a_click_on_a_turn_offers_the_fork_and_enter_makes_it(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.click_text("What is the weather")
        assert explorer.place == ("main", 2)
        assert "Fork from turn 2 · main stays as it is" in explorer.text
        assert explorer.composer.text == "What is the weather in Oslo?"
        await explorer.press(*"!?", "enter")
        made, at = explorer.place
        assert at == 1
        assert made.startswith("branch_from_turn_2_")
        assert explorer.composer.text == "What is the weather in Oslo?!?"
        assert "no model is set" in explorer.told
    sdk = open_sdk(path)
    assert made in [branch["branch_id"] for branch in await sdk.list_branches()]
    sdk.close()


async def test_enter_pressed_twice_makes_one_branch(path: Path) -> None:
    async with opened(path) as explorer:
        before = len(explorer.screen.view.tree.branches)
        await explorer.press("f")
        await explorer.press("enter", "enter", "enter")
        assert len(explorer.screen.view.tree.branches) == before + 1


@pytest.mark.parametrize(("keys", "title"), [("g,down,f", "Fork from turn 1"), ("A", "New branch after turn 6")])
async def test_forks_at_both_ends_are_in_the_tree_at_once(path: Path, keys: str, title: str) -> None:
    async with opened(path) as explorer:
        await explorer.press(*keys.split(","))
        assert title in explorer.text
        await explorer.press("enter")
        made, _ = explorer.place
        assert made in explorer.screen.view.tree.branches
        assert "no messages" in explorer.text
    async with opened(path) as explorer:
        assert made in explorer.screen.view.tree.branches


async def test_leaving_the_fork_editor_writes_nothing(path: Path) -> None:
    before = dump(path)
    async with opened(path) as explorer:
        await explorer.press("f", *"abc", "escape")
        assert explorer.screen.view.fork is None
        assert "Fork from" not in explorer.text
    assert dump(path) == before


async def test_a_message_cannot_be_sent_yet_and_is_not_lost(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("i", *"hello-[x]", "enter")
        assert explorer.composer.text == "hello-[x]"
        assert "No model is set" in explorer.told
        assert explorer.place == ("main", 6)


async def test_looking_only_never_opens_the_fork_editor(path: Path) -> None:
    async with opened(path, read_only=True) as explorer:
        await explorer.click_text("What is the weather")
        assert explorer.place == ("main", 2)
        await explorer.press("f")
        assert explorer.screen.view.fork is None
        assert "read-only" in explorer.text


async def test_a_plain_session_says_what_it_is(tmp_path: Path) -> None:
    plain = SQLiteSession("old", tmp_path / "plain.sqlite")
    await plain.add_items(turn("one", "two"))
    async with opened(tmp_path / "plain.sqlite") as explorer:
        assert explorer.place == ("main", 1)
        await explorer.press("f")
        assert "plain session" in explorer.told
    plain.close()


async def test_what_another_process_writes_appears_by_itself(path: Path) -> None:
    async with opened(path) as explorer:
        sdk = open_sdk(path)
        await sdk.add_items(turn("Are you still there?", "I am."))
        await explorer.until(lambda: explorer.screen.view.items == 16)
        await explorer.settle()
        assert explorer.screen.view.tree.branches["main"].turns == 7
        await sdk.delete_branch("alt")
        await explorer.until(lambda: "alt" not in explorer.screen.view.tree.branches)
        await explorer.settle()
        assert explorer.place == ("main", 6)
        sdk.close()


async def test_each_width_has_its_layout(path: Path) -> None:
    async with opened(path, (140, 40)) as explorer:
        for size, shown in (
            ((160, 40), {"tree", "talk", "usage"}),
            ((100, 30), {"tree", "talk", "usage"}),
            ((60, 24), {"tree"}),
            ((40, 12), {"tree"}),
            ((1, 1), {"tree"}),
            ((120, 40), {"tree", "talk", "usage"}),
        ):
            await explorer.pilot.resize_terminal(*size)
            await explorer.settle()
            panes = {name for name in ("tree", "talk", "usage") if explorer.screen.query_one(f"#{name}").display}
            assert panes == shown
            assert explorer.usage.compact == (80 <= size[0] < 120)
        await explorer.pilot.resize_terminal(60, 24)
        await explorer.press("3")
        assert explorer.usage.display
        assert isinstance(explorer.screen.focused, TokenChart)
        await explorer.press("2", "f")
        assert isinstance(explorer.screen.focused, TextArea)


async def test_zoom_shows_one_pane_and_all_again(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "plus")
        assert "1 Tree" not in explorer.text
        assert explorer.chat.region.width > 120
        await explorer.press("escape")
        assert "1 Tree" in explorer.text


async def test_help_and_palette_have_every_command(path: Path) -> None:
    async with opened(path, (120, 120)) as explorer:
        await explorer.press("question_mark")
        assert isinstance(explorer.pilot.app.screen, Help)
        told = "\n".join(strip.text for strip in explorer.pilot.app.screen._compositor.render_strips())
        for command in COMMANDS:
            assert (command.help in told) == (command.group != TALK)
        await explorer.press("escape")
        palette = {command.title for command in explorer.pilot.app.get_system_commands(explorer.screen)}
        for command in COMMANDS:
            if command.id not in ("app.palette", "app.quit") and command.group != TALK:
                assert any(command.help in title for title in palette)


async def test_keys_can_be_given_anew(path: Path) -> None:
    config = Config(Path("config.toml"), theme="textual-light", keys={"fork.here": "ctrl+t", "tree.up": "w"})
    async with opened(path, config=config) as explorer:
        assert explorer.pilot.app.theme == "textual-light"
        await explorer.press("w", "f")
        assert explorer.place == ("main", 5)
        assert explorer.screen.view.fork is None
        await explorer.press("ctrl+t")
        assert explorer.screen.view.fork is not None


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Config(Path("c.toml"), theme="neon"), "there is no theme 'neon'"),
        (Config(Path("c.toml"), keys={"fork.hree": "x"}), "has no command 'fork.hree'"),
    ],
)
async def test_a_configuration_that_names_nothing_is_refused(path: Path, config: Config, says: str) -> None:
    controller = SessionController(Store(path))
    with pytest.raises(ConfigError, match=says) as told:
        ConvoApp(controller, config)
    assert told.value.hint
    controller.close()


def test_every_binding_has_a_name_of_its_own() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    assert binding_ids() >= {"fork.here", "tree.up", "chat.up", "usage.up", "composer.send"}


async def test_names_and_texts_never_act(tmp_path: Path) -> None:
    path = tmp_path / "nasty.sqlite"
    sdk = open_sdk(path, "[red]session[/]\x1b[31m")
    await sdk.add_items(
        [*turn("[/x] [bold]not bold[/bold] \x1b]8;;http://evil\x07", "[link=http://evil]x[/link] \x9b1m"), *turn("two")]
    )
    await sdk.create_branch_from_turn(2, "[/branch] \x1b[2J")
    await sdk.add_items(turn("[$error]three"))
    sdk.close()
    async with opened(path) as explorer:
        await explorer.press("f")
        await explorer.press("escape", "b")
        await explorer.press("escape", "s")
        await explorer.press("escape", "1", "g", "down")
        shown = explorer.text
        assert "[/branch] ␛[2J" in shown
        assert "[/x] [bold]not bold[/bold]" in shown
        assert not {character for character in shown if character < " " and character != "\n"} | ({"\x9b"} & set(shown))


async def test_half_a_character_is_copied_as_a_question_mark(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "half.sqlite")
    await sdk.add_items(turn("half of \ud83d it"))
    sdk.close()
    async with opened(tmp_path / "half.sqlite") as explorer:
        await explorer.press("2", "g", "y")
        assert explorer.pilot.app.clipboard == "half of ? it"
        assert "Copied" in explorer.told


async def test_a_file_that_is_locked_is_tried_again(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    controller = SessionController(Store(path, timeout=0))
    await controller.open()
    app = ConvoApp(controller)
    async with app.run_test(size=(140, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, Explorer)
        explorer = Opened(pilot, screen)
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        await explorer.press("up", "up", "up", "up")
        assert "is locked by another program" in explorer.told
        assert len([notice for notice in app._notifications if "locked" in notice.message]) <= 2
        locker.execute("DELETE FROM message_structure WHERE branch_id = 'alt'")
        locker.execute("COMMIT")
        locker.close()
        await explorer.until(lambda: "alt" not in screen.view.tree.branches)
    controller.close()


async def test_the_collector_leaves_what_stands(path: Path) -> None:
    async with opened(path):
        assert gc.get_freeze_count() > 10_000
    gc.unfreeze()


@pytest.mark.parametrize("size", [(160, 45), (100, 30), (60, 24)])
def test_the_explorer_at_three_widths(path: Path, snap_compare: Snapshot, size: tuple[int, int]) -> None:
    controller = SessionController(Store(path))
    asyncio.run(controller.open())

    async def look(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(ConvoApp(controller), terminal_size=size, run_before=look)
    controller.close()


async def test_v_marks_the_turn_under_the_cursor_and_esc_takes_the_marks_away(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("1", "k", "v", "k", "v")
        assert "✓5" in explorer.text
        assert "✓4" in explorer.text
        await explorer.press("v")
        assert "✓5" in explorer.text
        assert "✓4" not in explorer.text
        await explorer.press("escape")
        assert "✓" not in explorer.text


LONG = "A sentence of many, 데이터 and café.\n" * 40_000
"""More than a megabyte."""


@pytest.fixture
async def long_path(tmp_path: Path) -> Path:
    """One turn of a long message, a call with a long output, and a long answer."""
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    asked, call, _, answer = turn(f"Read this. {LONG}", f"Done. {LONG}", tool="get_weather")
    await sdk.add_items([asked, call, {"type": "function_call_output", "call_id": "c1", "output": LONG}, answer])
    sdk.close()
    return path


async def test_a_long_item_is_shown_at_its_beginning_and_copied_whole(long_path: Path) -> None:
    async with opened(long_path) as explorer:
        assert "MB more, y copies all" in explorer.text
        for position, text in ((3, f"Done. {LONG}"), (2, LONG), (0, f"Read this. {LONG}")):
            explorer.chat.put_cursor(position)
            await explorer.press("y")
            assert explorer.pilot.app.clipboard == text
            assert explorer.told.startswith(f"Copied {len(text):,} characters")


async def test_a_long_item_that_is_gone_when_it_is_to_be_copied_is_told_of(long_path: Path) -> None:
    async with opened(long_path) as explorer:
        await explorer.press("2", "g")
        with sqlite3.connect(long_path) as db:
            db.execute("DELETE FROM agent_messages WHERE id = 1")
        db.close()
        await explorer.press("y")
        assert "gone" in "".join(notice.message for notice in explorer.pilot.app._notifications)


async def test_a_fork_from_a_long_message_begins_with_all_of_it(long_path: Path) -> None:
    async with opened(long_path) as explorer:
        await explorer.press("2", "g", "f")
        assert len(explorer.screen.query_one(TextArea).text) < 100
        assert explorer.composer.text == f"Read this. {LONG}"
        await explorer.press(*" Go.")
        assert explorer.composer.text == f"Read this. {LONG} Go."


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """The lines of the chat that were painted, and not just shown again."""
    lines: list[Line] = []

    def counted(line: Line, width: int, **looks: Any) -> Strip:
        lines.append(line)
        return paint(line, width, **looks)

    monkeypatch.setattr("tui.widgets.transcript.item_view.paint", counted)
    return lines


async def test_moving_within_a_turn_draws_the_rows_that_change(path: Path, painted: list[Line]) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g")
        painted.clear()
        await explorer.press("j")
        assert 0 < len(painted) <= 8


async def test_a_page_that_was_shown_is_not_painted_again(long_path: Path, painted: list[Line]) -> None:
    async with opened(long_path) as explorer:
        await explorer.press("2", "g", "pagedown", "pageup", "pagedown", "pageup")
        painted.clear()
        first = explorer.chat.rows
        await explorer.press("pagedown")
        assert explorer.chat.rows != first
        await explorer.press("pageup")
        assert explorer.chat.rows == first
        assert not painted


async def test_another_turn_in_the_chat_draws_its_rows_in_the_tree(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g")
        drawn: list[int] = []
        draw = BranchTree.render_line

        def counted(tree: BranchTree, y: int) -> Strip:
            drawn.append(y)
            return draw(tree, y)

        monkeypatch.setattr(BranchTree, "render_line", counted)
        before = explorer.screen.view
        await explorer.press("j", "j")
        assert (before.turn, explorer.screen.view.turn) == (1, 2)
        assert 0 < len(set(drawn)) <= 2


async def test_the_first_frame_of_another_size_is_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as explorer:
        drawn: list[str] = []
        draw = Transcript.render_lines

        def counted(chat: Transcript, crop: Region) -> list[Strip]:
            strips = draw(chat, crop)
            drawn.append("\n".join(strip.text for strip in strips))
            return strips

        monkeypatch.setattr(Transcript, "render_lines", counted)
        await explorer.pilot.resize_terminal(90, 30)
        await explorer.settle()
        assert len(drawn[0].split("\n")) == explorer.chat.size.height
        assert len(set(drawn)) == 1


async def test_the_bars_round_the_selected_turn_come_with_the_sums(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    read = Pages.turn_usages

    async def counted(pages: Pages, first: int, last: int) -> tuple[TurnUsage, ...]:
        asked.append((first, last))
        return await read(pages, first, last)

    monkeypatch.setattr(Pages, "turn_usages", counted)
    async with opened(path) as explorer:
        await explorer.press("]")
        assert explorer.place[0] != "main"
        branch_usage = explorer.screen.view.branch_usage
        assert branch_usage is not None
        assert [turn.turn for turn in branch_usage.page] == list(range(1, branch_usage.turns + 1))
        assert not asked


async def test_no_terminal_is_too_small(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2")
        for columns in range(1, 9):
            await explorer.pilot.resize_terminal(columns, 30)
            await explorer.press("j", "3", "j", "1", "j", "2")
        await explorer.pilot.resize_terminal(1, 1)
        await explorer.pilot.resize_terminal(140, 40)
        await explorer.settle()
        assert explorer.place[0] in explorer.screen.view.tree.branches
