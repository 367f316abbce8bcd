"""Files of earlier SDK versions, from 0.4 on: no reserved branch ids, no clear generations."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import OpenOurs, OpenSDK
from tests.session.samples import rows, turn, turns
from tui.items.types import message_type, tool_name

# What openai-agents 0.4 makes: four tables, their foreign keys to the default names, its six indexes.
OLD_SCHEMA = """
    CREATE TABLE agent_sessions (session_id TEXT PRIMARY KEY, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE agent_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,
        message_data TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        FOREIGN KEY (session_id) REFERENCES agent_sessions (session_id) ON DELETE CASCADE);
    CREATE INDEX idx_agent_messages_session_id ON agent_messages (session_id, created_at);
    CREATE TABLE message_structure (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,
        message_id INTEGER NOT NULL, branch_id TEXT NOT NULL DEFAULT 'main', message_type TEXT NOT NULL,
        sequence_number INTEGER NOT NULL, user_turn_number INTEGER, branch_turn_number INTEGER, tool_name TEXT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        FOREIGN KEY (session_id) REFERENCES agent_sessions(session_id) ON DELETE CASCADE,
        FOREIGN KEY (message_id) REFERENCES agent_messages(id) ON DELETE CASCADE);
    CREATE TABLE turn_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,
        branch_id TEXT NOT NULL DEFAULT 'main', user_turn_number INTEGER NOT NULL, requests INTEGER DEFAULT 0,
        input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0,
        input_tokens_details JSON, output_tokens_details JSON, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        FOREIGN KEY (session_id) REFERENCES agent_sessions(session_id) ON DELETE CASCADE,
        UNIQUE(session_id, branch_id, user_turn_number));
    CREATE INDEX idx_structure_session_seq ON message_structure(session_id, sequence_number);
    CREATE INDEX idx_structure_branch ON message_structure(session_id, branch_id);
    CREATE INDEX idx_structure_turn ON message_structure(session_id, branch_id, user_turn_number);
    CREATE INDEX idx_structure_branch_seq ON message_structure(session_id, branch_id, sequence_number);
    CREATE INDEX idx_turn_usage_session_turn ON turn_usage(session_id, branch_id, user_turn_number);
    INSERT INTO agent_sessions (session_id) VALUES ('chat');
    INSERT INTO turn_usage (session_id, user_turn_number, requests, input_tokens) VALUES ('chat', 2, 1, 5);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file: `main` has three turns, `old fork` shares the first and has another; the last message is lost."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(OLD_SCHEMA)
        ids = {}
        for number in range(1, 5):
            for position, item in enumerate(turn(number)):
                inserted = db.execute(
                    "INSERT INTO agent_messages (session_id, message_data) VALUES ('chat', ?)", (json.dumps(item),)
                )
                ids[number, position] = inserted.lastrowid
        sequence = 0
        for branch, numbers in (("main", (1, 2, 3)), ("old fork", (1, 4))):
            for place, number in enumerate(numbers, start=1):
                for position, item in enumerate(turn(number)):
                    sequence += 1
                    db.execute(
                        "INSERT INTO message_structure (session_id, message_id, branch_id, message_type,"
                        " sequence_number, user_turn_number, branch_turn_number, tool_name)"
                        " VALUES ('chat', ?, ?, ?, ?, ?, ?, ?)",
                        (ids[number, position], branch, message_type(item), sequence, place, place, tool_name(item)),
                    )
        # In these versions, a pop deleted the session's last message and kept its structure row.
        db.execute("DELETE FROM agent_messages WHERE id = ?", (ids[4, 3],))
    return path


@pytest.mark.parametrize("create_tables", [False, True])
async def test_an_old_file_is_read_as_by_the_sdk(ours: OpenOurs, sdk: OpenSDK, create_tables: bool) -> None:
    session = ours(create_tables=create_tables)
    other = sdk(create_tables=create_tables)
    for branch in ("main", "old fork", "no such"):
        assert await session.get_items(branch_id=branch) == await other.get_items(branch_id=branch)
        assert await session.get_items(3, branch) == await other.get_items(3, branch)
        assert await session.get_conversation_turns(branch) == await other.get_conversation_turns(branch)
        assert await session.get_conversation_by_turns(branch) == await other.get_conversation_by_turns(branch)
        assert await session.get_tool_usage(branch) == await other.get_tool_usage(branch)
        assert await session.get_turn_usage(branch_id=branch) == await other.get_turn_usage(branch_id=branch)
    assert await session.list_branches() == await other.list_branches()
    assert await session.get_items() == turns(3)


async def test_reading_adds_no_tables(ours: OpenOurs, path: Path) -> None:
    before = rows(path, "SELECT name FROM sqlite_master ORDER BY name")
    session = ours(create_tables=False)
    await session.switch_to_branch("old fork")
    assert await session.get_items() == [*turn(1), *turn(4)[:-1]]
    assert rows(path, "SELECT name FROM sqlite_master ORDER BY name") == before


async def test_an_old_file_can_be_continued(ours: OpenOurs, sdk: OpenSDK, path: Path) -> None:
    session = ours(create_tables=False)
    await session.add_items(turn(5))
    assert rows(path, "SELECT * FROM session_clear_generations") == [("chat", 0)]
    with pytest.raises(ValueError, match="Branch ID 'old fork' has already been used"):
        await session.create_branch_from_turn(2, "old fork")
    await session.create_branch_from_turn(2, "new fork")
    await session.add_items(turn(6))
    assert await sdk(create_tables=False).get_items(branch_id="new fork") == [*turn(1), *turn(6)]
    await session.delete_branch("old fork")
    with pytest.raises(ValueError, match="Branch ID 'old fork' has already been used"):
        await session.create_branch_from_turn(2, "old fork")


@pytest.mark.sqlite
async def test_a_pop_skips_a_lost_message(ours: OpenOurs) -> None:
    session = ours(create_tables=False)
    await session.switch_to_branch("old fork")
    assert await session.pop_item() == turn(4)[2]
    assert await session.get_items() == [*turn(1), *turn(4)[:2]]


async def test_an_old_file_can_be_cleared(ours: OpenOurs, path: Path) -> None:
    session, other = ours(create_tables=False), ours(create_tables=False)
    await other.switch_to_branch("old fork")
    await session.clear_session()
    await other.add_items(turn(1))
    assert await session.get_items() == turn(1)
    assert rows(path, "SELECT branch_id FROM branch_reservations ORDER BY 1") == [("main",), ("old fork",)]
