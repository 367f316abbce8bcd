"""A session that leaves as JSON comes back as it was: the SDK's own class says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import SdkSession, open_sdk, spend, turn
from tui.formats import Format, export
from tui.formats.transcripts import read_transcripts
from tui.session import AdvancedSQLiteSession
from tui.storage.editor import Editor
from tui.storage.open import create_database
from tui.storage.schema import DEFAULT_MESSAGES, DEFAULT_SESSIONS
from tui.storage.store import Store


async def exported(path: Path, branches: list[str] | None = None, form: Format = Format.JSON) -> str:
    """A file's only session as a document; all its branches unless some are named."""
    store = Store(path)
    (session,) = await store.sessions()
    try:
        return await store.whole(
            session, lambda whole: "".join(export(whole, branches or [*whole.tree.branches], form))
        )
    finally:
        store.close()


async def imported(path: Path, document: str, session_id: str = "copy") -> None:
    (transcript,) = read_transcripts(document)
    assert transcript.record is not None
    create_database(path)
    await Editor(path, DEFAULT_SESSIONS, DEFAULT_MESSAGES).bring_in([transcript._replace(session_id=session_id)])


async def told(sdk: SdkSession) -> dict[str, Any]:
    """All that the SDK's class says of a session."""
    branches = [{**branch, "is_current": None} for branch in await sdk.list_branches()]
    return {
        "branches": branches,
        **{
            branch["branch_id"]: [
                await sdk.get_items(branch_id=branch["branch_id"]),
                await sdk.get_conversation_turns(branch["branch_id"]),
                await sdk.get_conversation_by_turns(branch["branch_id"]),
                await sdk.get_tool_usage(branch["branch_id"]),
                await sdk.get_turn_usage(branch_id=branch["branch_id"]),
            ]
            for branch in branches
        },
        "total": await sdk.get_session_usage(),
    }


async def test_every_branch_comes_back_as_it_was(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "from.sqlite")
    for number in range(1, 5):
        await sdk.add_items(
            turn(f"Question {number} \U0001f600 \ud800 \x1b[31m", tool="weather" if number == 2 else None)
        )
        await sdk.store_run_usage(spend(100 * number, cached=10))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("Otherwise"))
    await sdk.store_run_usage(spend(5000))
    before = await told(sdk)
    sdk.close()
    await imported(tmp_path / "to.sqlite", await exported(tmp_path / "from.sqlite"))
    copy = open_sdk(tmp_path / "to.sqlite", "copy")
    assert await told(copy) == before
    copy.close()


@settings(max_examples=15)
@given(steps=st.lists(st.tuples(st.sampled_from(["say", "fork", "pop", "main"]), st.integers(1, 4)), max_size=12))
async def test_whatever_was_done_to_the_branches(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("record")
    sdk = open_sdk(folder / "from.sqlite")
    await sdk.add_items(turn("First"))
    for place, (step, number) in enumerate(steps):
        if step == "say":
            await sdk.add_items(turn(f"Said {place}", tool="weather" if number == 1 else None))
            await sdk.store_run_usage(spend(number))
        elif step == "pop":
            await sdk.pop_item()
        elif step == "main":
            branches = [branch["branch_id"] for branch in await sdk.list_branches()]
            if "main" in branches:
                await sdk.switch_to_branch("main")
        elif number in [found["turn"] for found in await sdk.get_conversation_turns()]:
            await sdk.create_branch_from_turn(number, f"fork {place}")
    before = await told(sdk)
    sdk.close()
    await imported(folder / "to.sqlite", await exported(folder / "from.sqlite"))
    copy = open_sdk(folder / "to.sqlite", "copy")
    assert await told(copy) == before
    copy.close()


async def test_our_own_records_come_along(tmp_path: Path) -> None:
    path = tmp_path / "from.sqlite"
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as session:
        await session.add_items(turn("Hello"))
        await session.store_run_usage(spend(70))
        await session.fork(name="heir", switch=False)
        await session.fork(1, name="empty", switch=False)
    await imported(tmp_path / "to.sqlite", await exported(path))
    store = Store(tmp_path / "to.sqlite")
    tree = await store.tree((await store.sessions())[0])
    assert {name: (branch.parent, branch.fork_turn) for name, branch in tree.branches.items()} == {
        "main": (None, None),
        "heir": ("main", 2),
        "empty": ("main", 1),
    }
    store.close()


async def test_what_cannot_be_decoded_comes_along_to_the_letter(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "from.sqlite")
    await sdk.add_items(turn("Hello"))
    sdk.close()
    with sqlite3.connect(tmp_path / "from.sqlite") as db:
        db.execute("UPDATE agent_messages SET message_data = '{broken \u00e9' WHERE id = 2")
    await imported(tmp_path / "to.sqlite", await exported(tmp_path / "from.sqlite"))
    with sqlite3.connect(tmp_path / "to.sqlite") as db:
        assert db.execute("SELECT message_data FROM agent_messages WHERE id = 2").fetchone() == ("{broken \u00e9",)


async def test_some_branches_alone_bring_their_messages_alone(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "from.sqlite")
    await sdk.add_items(turn("Shared"))
    await sdk.add_items(turn("Of main"))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("Of alt"))
    sdk.close()
    document = json.loads(await exported(tmp_path / "from.sqlite", ["alt"]))
    assert [branch["branch_id"] for branch in document["branches"]] == ["alt"]
    assert [row["item"]["content"] for row in document["messages"] if row["item"].get("role") == "user"] == [
        "Shared",
        "Of alt",
    ]
