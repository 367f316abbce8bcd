"""The explorer in a real terminal, on files that the SDK wrote, as a user types."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conftest import OpenSDK
from tests.conversations import run_result, turn
from tests.terminal import Terminal

TURNS = ("Plan a week in Oslo", "Weather in Oslo?", "Book the fjord hotel", "Thanks a lot")


@pytest.fixture
async def conversation(tmp_path: Path, sdk: OpenSDK) -> Path:
    """A file whose session support has main with 4 turns, and cheap, forked at turn 3."""
    path = tmp_path / "support.sqlite"
    session = sdk(path, "support")
    for number, text in enumerate(TURNS, 1):
        tool = "get_weather" if number == 2 else None
        await session.add_items(turn(text, f"Answer {number}: the fjord is calm.", tool))
        await session.store_run_usage(run_result(1000 * number))
    await session.create_branch_from_turn(3, "cheap")
    await session.add_items(turn("Book the hostel by the station", "Booked: 3 nights, the fjord is far."))
    await session.store_run_usage(run_result(500))
    return path


@contextmanager
def explorer(path: Path, *arguments: str) -> Iterator[Terminal]:
    """Open a file in the explorer, and quit it at the end."""
    with Terminal([str(path), *arguments], columns=140, rows=44, forked=True) as terminal:
        terminal.until(lambda text: "2 Chat" in text and "3 Usage" in text)
        yield terminal
        terminal.type("q")
        assert terminal.wait() == 0


def test_the_usage_pane_names_the_scope_of_its_sums(conversation: Path) -> None:
    with explorer(conversation, "--branch", "cheap") as terminal:
        # The shared turns have 1,100 and 2,200 tokens, the own turn has 550, and main has 3,300 and 4,400 more.
        terminal.until(lambda text: "own 550" in text and "path 3.9k" in text and "all 11.6k" in text)
        terminal.until("3 Usage · path")
        assert "3,850" in terminal.until(lambda text: "3,850" in text)
        terminal.type("u")
        terminal.until(lambda text: "3 Usage · all" in text and "11,550" in text)
        terminal.type("u")
        terminal.until(lambda text: "3 Usage · own" in text and "all that" not in text)
        terminal.type("$")
        terminal.until(lambda text: "resend cost" in text and "≈" in text)


def test_search_finds_a_text_in_all_branches_and_its_first_mention(conversation: Path) -> None:
    with explorer(conversation) as terminal:
        terminal.type("\x06")
        terminal.until("text, /regular expression/")
        terminal.type("HOSTEL")
        terminal.until(lambda text: "turn 3 · cheap" in text and "1 item" in text)
        terminal.type("\x1b")
        terminal.until(lambda text: "turn 3 · cheap" not in text)
        terminal.type("b")
        terminal.until("type part of a name")
        terminal.type("main\r")
        terminal.until("2 Chat · main")
        terminal.type("#")
        terminal.until("Origin on main")
        terminal.type("the fjord")
        first = re.compile(r"turn 1 ·.*main, cheap.*\n.*Answer 1: the fjord is calm\.")
        terminal.until(lambda text: "5 items" in text and first.search(text) is not None)
        terminal.type("\x1b")
        terminal.until(lambda text: "Origin on" not in text)


def test_two_branches_are_compared_and_the_model_input_is_shown(conversation: Path) -> None:
    with explorer(conversation, "--branch", "cheap") as terminal:
        terminal.type("c")
        seen = terminal.until(lambda text: "turns 1–2 are shared" in text and "+ Book the fjord hotel" in text)
        lines = seen.splitlines()
        assert any("− Book the hostel" in line and "+ Book the fjord hotel" in line for line in lines)
        summary = {line.split()[1]: line.split() for line in lines[1:3]}
        assert (summary["cheap"][4:6], summary["main"][4:6]) == (["1", "550"], ["2", "7.7k"])
        terminal.type("\x1b")
        terminal.until("3 Usage")
        terminal.type("m")
        terminal.until(lambda text: "Model input" in text and "turn 3" in text)
        terminal.type("M")
        terminal.until('"content": "Book the hostel by the station"')
        terminal.type("\x1b")
        terminal.until("3 Usage")


async def test_a_file_that_an_agent_writes_is_followed(conversation: Path, sdk: OpenSDK) -> None:
    session = sdk(conversation, "support")
    with explorer(conversation, "--branch", "main") as terminal:
        terminal.until("2 Chat · main")
        terminal.type("t")
        terminal.until("following")
        await session.switch_to_branch("main")
        await session.add_items(turn("And the way back?", "By train."))
        terminal.until(lambda text: "By train." in text and "turn 5 of 5" in text)
        await session.create_branch_from_turn(2, "night train")
        await session.add_items(turn("Is there a night train?", "There is."))
        told = "New branch 'night train'. b goes there"
        terminal.until(lambda text: told in text and "2 Chat · main · following" in text)
        terminal.type("b")
        terminal.until("✦ night train")
        terminal.type("night\r")
        terminal.until(lambda text: "There is." in text and "2 Chat · night train" in text)
        await sdk(conversation, "another agent").add_items(turn("Hello"))
        terminal.until("✦ another agent")


async def test_a_deletion_is_undone_after_a_restart(conversation: Path, sdk: OpenSDK) -> None:
    with explorer(conversation, "--branch", "cheap") as terminal:
        terminal.type(",")
        terminal.until("Title and note of branch cheap")
        terminal.type("The cheap one\r")
        terminal.until("2 Chat · The cheap one")
        terminal.type("d")
        terminal.until(
            lambda text: "1 turn with 2 items that no other branch has" in text and "usage of 550 tokens" in text
        )
        terminal.type("y")
        terminal.until("Deleted 'The cheap one'")
    session = sdk(conversation, "support")
    assert {branch["branch_id"] for branch in await session.list_branches()} == {"main"}
    with explorer(conversation) as terminal:
        terminal.type("z")
        terminal.until("Undone: Deleted 'cheap'")
        terminal.until("2 Chat · The cheap one")
    assert {branch["branch_id"] for branch in await session.list_branches()} == {"main", "cheap"}


async def test_a_plain_session_is_adopted_and_a_transcript_imported(tmp_path: Path, sdk: OpenSDK) -> None:
    path, transcript = tmp_path / "plain.sqlite", tmp_path / "chat.jsonl"
    plain = SQLiteSession("plain", path)
    await plain.add_items([*turn("Hello"), *turn("And now?")])
    plain.close()
    messages = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "In the hall."}]
    transcript.write_text("\n".join(json.dumps(message) for message in messages))
    with explorer(path) as terminal:
        terminal.type("P")
        terminal.until("Added 4 messages of 'plain' to branch 'main'")
        terminal.type("X")
        terminal.until("Import a transcript")
        terminal.type(f"{transcript}\r")
        terminal.until(lambda text: "Imported session 'chat'" in text and "In the hall." in text)
    adopted = sdk(path, "plain")
    await adopted.create_branch_from_turn(2, "again")
    assert len(await adopted.list_branches()) == 2


def test_a_branch_is_exported(conversation: Path, tmp_path: Path) -> None:
    with explorer(conversation, "--branch", "cheap") as terminal:
        terminal.type("x")
        terminal.until("support-cheap.md")
        terminal.until("Format   ● Markdown")
        terminal.type(f"\t{tmp_path / 'cheap.md'}\r")
        terminal.until("Wrote")
    written = (tmp_path / "cheap.md").read_text()
    assert "Book the hostel by the station" in written
    assert "Book the fjord hotel" not in written
    with closing(sqlite3.connect(conversation)) as db:
        assert not [name for (name,) in db.execute("SELECT name FROM sqlite_master") if name.startswith("convo_")]
