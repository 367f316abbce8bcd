"""A session that is exported as JSON and imported is unchanged, as the SDK's own class and the file's tables show."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import SdkSession, open_sdk, run_result, turn
from tests.formats.documents import export_document, import_document
from tui.formats.json_document import stored_form
from tui.formats.timestamps import to_iso, to_stored
from tui.model import Branch, Session
from tui.storage.editor import Editor
from tui.storage.store import Store
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source.sqlite"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.sqlite"


async def all_results(session: SdkSession) -> dict[str, Any]:
    """Return everything that the SDK's class returns about a session."""
    branches = [{**branch, "is_current": None} for branch in await session.list_branches()]
    return {
        "branches": branches,
        **{
            branch["branch_id"]: [
                await session.get_items(branch_id=branch["branch_id"]),
                await session.get_conversation_turns(branch["branch_id"]),
                await session.get_conversation_by_turns(branch["branch_id"]),
                await session.get_tool_usage(branch["branch_id"]),
                await session.get_turn_usage(branch_id=branch["branch_id"]),
            ]
            for branch in branches
        },
        "total": await session.get_session_usage(),
    }


async def test_every_branch_is_unchanged(source: Path, target: Path, sdk: OpenSDK) -> None:
    session = sdk(source)
    for number in range(1, 5):
        await session.add_items(
            turn(f"Question {number} \U0001f600 \ud800 \x1b[31m", tool="weather" if number == 2 else None)
        )
        await session.store_run_usage(run_result(100 * number, cached=10))
    await session.create_branch_from_turn(3, "alt")
    await session.add_items(turn("Otherwise"))
    await session.store_run_usage(run_result(5000))
    await import_document(target, await export_document(source))
    assert await all_results(sdk(target, "copy")) == await all_results(session)


@settings(max_examples=15)
@given(steps=st.lists(st.tuples(st.sampled_from(["say", "fork", "pop", "main"]), st.integers(1, 4)), max_size=12))
async def test_any_sequence_of_changes_is_unchanged(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("document")
    session = open_sdk(folder / "source.sqlite")
    await session.add_items(turn("First"))
    for index, (step, number) in enumerate(steps):
        if step == "say":
            await session.add_items(turn(f"Message {index}", tool="weather" if number == 1 else None))
            await session.store_run_usage(run_result(number))
        elif step == "pop":
            await session.pop_item()
        elif step == "main":
            branches = [branch["branch_id"] for branch in await session.list_branches()]
            if "main" in branches:
                await session.switch_to_branch("main")
        elif number in [found["turn"] for found in await session.get_conversation_turns()]:
            await session.create_branch_from_turn(number, f"fork {index}")
    before = await all_results(session)
    session.close()
    await import_document(folder / "target.sqlite", await export_document(folder / "source.sqlite"))
    copy = open_sdk(folder / "target.sqlite", "copy")
    assert await all_results(copy) == before
    copy.close()


async def test_parents_of_forks_and_empty_branches_are_unchanged(source: Path, target: Path, ours: OpenOurs) -> None:
    session = ours(source)
    await session.add_items(turn("Hello"))
    await session.fork(branch_name="child", switch=False)
    await session.fork(1, branch_name="empty", switch=False)
    await import_document(target, await export_document(source))
    store = Store(target)
    tree = await store.tree((await store.sessions())[0])
    store.close()
    assert {name: (branch.parent, branch.fork_turn) for name, branch in tree.branches.items()} == {
        "main": (None, None),
        "child": ("main", 2),
        "empty": ("main", 1),
    }


async def test_titles_notes_pins_and_archived_branches_are_unchanged(
    source: Path, target: Path, ours: OpenOurs
) -> None:
    session = ours(source)
    await session.add_items(turn("Hello"))
    await session.fork(branch_name="alt", switch=False)
    editor = Editor(source, DEFAULT_SESSIONS, DEFAULT_MESSAGES)
    await editor.label("chat", None, title="The session", pinned=True, description="Pinned")
    await editor.label(
        "chat", "alt", title="The other", note="tried \x1b[31m twice", archived=True, description="Archived"
    )
    await import_document(target, await export_document(source), "chat")

    async def read(path: Path) -> tuple[Session, dict[str, Branch]]:
        store = Store(path)
        try:
            (found,) = await store.sessions()
            return found, dict((await store.tree(found)).branches)
        finally:
            store.close()

    before, after = await read(source), await read(target)
    assert after == before
    assert (after[0].title, after[0].pinned) == ("The session", True)
    assert (after[1]["alt"].note, after[1]["alt"].archived) == ("tried \x1b[31m twice", True)


TIMES = {
    "agent_sessions": "SELECT created_at, updated_at FROM agent_sessions",
    "agent_messages": "SELECT created_at FROM agent_messages ORDER BY id",
    "message_structure": "SELECT branch_id, created_at FROM message_structure ORDER BY branch_id, sequence_number",
    "turn_usage": "SELECT branch_id, created_at FROM turn_usage ORDER BY branch_id, user_turn_number",
    "convo_usage": "SELECT branch_id, total_tokens, created_at FROM convo_usage ORDER BY message_id",
    "convo_runs": "SELECT outcome, started_at, seconds, created_at FROM convo_runs ORDER BY id",
    "convo_requests": "SELECT number, started_at, seconds FROM convo_requests ORDER BY id",
    "convo_branches": "SELECT branch_id, created_at FROM convo_branches ORDER BY branch_id",
}


def read_times(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as db:
        return {table: db.execute(query).fetchall() for table, query in TIMES.items()}


@pytest.fixture
async def dated(source: Path, ours: OpenOurs) -> Path:
    """A file with times in every table: in whole seconds, with fractions, and in other forms."""
    session = ours(source)
    for text in ("One", "Two"):
        await session.add_items(turn(text))
        await session.store_run_usage(run_result(70))
        await session.record_run(outcome="done", started_at="2026-03-04 05:06:07", seconds=1.5)
    await session.fork(2, branch_name="deleted")
    await session.add_items(turn("Shared"))
    await session.store_run_usage(run_result(80))
    await session.fork(branch_name="child")
    await session.delete_branch("deleted", force=True)
    with closing(sqlite3.connect(source)) as db:
        for table, query in TIMES.items():
            for column in ("created_at", "updated_at", "started_at"):
                if re.search(rf"\b{column}\b", query):
                    db.execute(
                        f"UPDATE {table} SET {column} = printf('2026-03-%02d 05:06:%02d', rowid % 28 + 1, rowid % 60)"
                    )
        db.execute("UPDATE agent_messages SET created_at = '2026-03-04 05:06:07.123456' WHERE id = 2")
        db.execute("UPDATE agent_messages SET created_at = 'yesterday' WHERE id = 3")
        db.execute("UPDATE convo_runs SET started_at = '2026-03-04 05:06:07.5' WHERE id = 1")
        db.commit()
    assert all(read_times(source).values())
    return source


async def test_all_stored_times_are_restored_exactly(dated: Path, target: Path) -> None:
    await import_document(target, await export_document(dated))
    assert read_times(target) == read_times(dated)


def strings(value: Any) -> Iterator[str]:
    """Return the strings in a JSON value outside stored items."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        parts = [part for key, part in value.items() if key != "item"] if isinstance(value, dict) else value
        for part in parts:
            yield from strings(part)


async def test_times_in_a_document_are_iso_8601_in_utc(dated: Path) -> None:
    texts = set(strings(json.loads(await export_document(dated))))
    assert not any(re.match(r"\d{4}-\d\d-\d\d ", text) for text in texts)
    assert {"2026-03-04T05:06:07.123456Z", "2026-03-04T05:06:07.5Z", "yesterday"} <= texts


async def test_a_document_with_times_as_stored_and_kept_usage_is_imported(dated: Path, target: Path) -> None:
    document = stored_form(json.loads(await export_document(dated)))
    assert document["orphaned_usage"]
    document["kept_usage"] = document.pop("orphaned_usage")
    assert not any(text.endswith("Z") for text in strings(document))
    await import_document(target, json.dumps(document))
    assert read_times(target) == read_times(dated)


@pytest.mark.parametrize(
    ("stored", "iso"),
    [
        ("2026-03-04 05:06:07", "2026-03-04T05:06:07Z"),
        ("2026-03-04 05:06:07.000100", "2026-03-04T05:06:07.000100Z"),
        ("2026-03-04 05:06", "2026-03-04 05:06"),
        ("2026-03-04 05:06:07+01:00", "2026-03-04 05:06:07+01:00"),
        ("", ""),
        (None, None),
    ],
)
def test_a_time_in_iso_8601_is_stored_as_it_was(stored: str | None, iso: str | None) -> None:
    assert to_iso(stored) == iso
    assert to_stored(iso) == stored
    assert to_stored(stored) == stored


async def test_a_message_that_cannot_be_decoded_is_unchanged(source: Path, target: Path, sdk: OpenSDK) -> None:
    await sdk(source).add_items(turn("Hello"))
    with closing(sqlite3.connect(source)) as db:
        db.execute("UPDATE agent_messages SET message_data = '{broken \u00e9' WHERE id = 2")
        db.commit()
    await import_document(target, await export_document(source))
    with closing(sqlite3.connect(target)) as db:
        assert db.execute("SELECT message_data FROM agent_messages WHERE id = 2").fetchone() == ("{broken \u00e9",)


async def test_a_document_of_some_branches_has_only_their_messages(source: Path, sdk: OpenSDK) -> None:
    session = sdk(source)
    await session.add_items(turn("Shared"))
    await session.add_items(turn("Of main"))
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn("Of alt"))
    document = json.loads(await export_document(source, ["alt"]))
    assert [branch["branch_id"] for branch in document["branches"]] == ["alt"]
    messages = [message["item"] for message in document["messages"]]
    assert [item["content"] for item in messages if item.get("role") == "user"] == ["Shared", "Of alt"]
