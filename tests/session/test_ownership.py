"""Files of other base tables, incomplete files, and odd names: the same checks and messages as the SDK's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tests.conftest import OpenOurs, OpenSDK
from tests.session.samples import rows, turns
from tui.session import AdvancedSQLiteSession

BASE = """
    CREATE TABLE agent_sessions (session_id TEXT PRIMARY KEY, created_at TIMESTAMP, updated_at TIMESTAMP);
    CREATE TABLE agent_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, message_data TEXT,
        created_at TIMESTAMP, FOREIGN KEY (session_id) REFERENCES agent_sessions (session_id));
"""
STRUCTURE = """
    CREATE TABLE message_structure (id INTEGER PRIMARY KEY, session_id TEXT, message_id INTEGER, branch_id TEXT,
        message_type TEXT, sequence_number INTEGER, user_turn_number INTEGER, branch_turn_number INTEGER,
        tool_name TEXT, created_at TIMESTAMP,
        FOREIGN KEY (session_id) REFERENCES {sessions}, FOREIGN KEY (message_id) REFERENCES {messages});
    CREATE TABLE turn_usage (id INTEGER PRIMARY KEY, session_id TEXT{second_owner}, branch_id TEXT,
        user_turn_number INTEGER, FOREIGN KEY (session_id) REFERENCES {usage});
"""
OWN = {
    "sessions": "agent_sessions(session_id)",
    "messages": "agent_messages(id)",
    "usage": "agent_sessions(session_id)",
    "second_owner": "",
}

FILES = {
    "new file": "",
    "plain session": BASE,
    "no base tables": STRUCTURE.format(**OWN),
    "no owner": BASE + "CREATE TABLE message_structure (session_id TEXT); CREATE TABLE turn_usage (session_id TEXT);",
    "other sessions": BASE + STRUCTURE.format(**{**OWN, "sessions": "other(session_id)"}),
    "other messages": BASE + STRUCTURE.format(**{**OWN, "messages": "other(id)"}),
    "other usage": BASE + STRUCTURE.format(**{**OWN, "usage": "other(session_id)"}),
    "other column": BASE + STRUCTURE.format(**{**OWN, "messages": "agent_messages(session_id)"}),
    "no column": BASE + STRUCTURE.format(**{**OWN, "messages": "agent_messages"}),
    "two owners": BASE + STRUCTURE.format(**{**OWN, "second_owner": " REFERENCES other(session_id)"}),
    "messages of other sessions": BASE.replace("REFERENCES agent_sessions", "REFERENCES other")
    + STRUCTURE.format(**OWN),
    "oddly cased": BASE.replace("agent_messages", "AGENT_Messages") + STRUCTURE.format(**OWN),
}


def opening(kind: type[AdvancedSQLiteSession] | type[SDKSession], path: Path, **options: Any) -> tuple[str, str]:
    try:
        kind(session_id="chat", db_path=path, **options).close()
    except Exception as error:
        return type(error).__name__, str(error).replace(str(path), "FILE")
    return "opened", ""


@pytest.mark.parametrize("create_tables", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_accepted_or_refused_as_by_the_sdk(tmp_path: Path, name: str, create_tables: bool) -> None:
    outcomes, schemas = [], []
    for kind in (SDKSession, AdvancedSQLiteSession):
        path = tmp_path / f"{kind.__module__}.sqlite"
        with closing(sqlite3.connect(path)) as db:
            db.executescript(FILES[name])
        outcomes.append(opening(kind, path, create_tables=create_tables))
        schemas.append(schema(path))
    assert outcomes[0] == outcomes[1]
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize(
    "tables",
    [
        {"sessions_table": "Agent_Sessions", "messages_table": "AGENT_MESSAGES"},
        {"sessions_table": '"agent_sessions"'},
        {"messages_table": '"agent_messages"'},
        {"sessions_table": "other_sessions"},
        {"sessions_table": "other_sessions", "messages_table": "other_messages"},
        {"sessions_table": "agent_sessions, agent_messages"},
        {"sessions_table": "no such name"},
        {"sessions_table": "ßsessions", "messages_table": "ssmessages"},
    ],
    ids=str,
)
@pytest.mark.parametrize("create_tables", [False, True])
@pytest.mark.parametrize("owner", [{}, {"sessions_table": "sssessions", "messages_table": "ssmessages"}], ids=str)
def test_other_table_names_are_accepted_or_refused_as_by_the_sdk(
    tmp_path: Path, tables: dict[str, Any], create_tables: bool, owner: dict[str, Any]
) -> None:
    outcomes = []
    for kind in (SDKSession, AdvancedSQLiteSession):
        path = tmp_path / f"{kind.__module__}.sqlite"
        SDKSession(session_id="chat", db_path=path, create_tables=True, **owner).close()
        outcomes.append(opening(kind, path, create_tables=create_tables, **tables))
    assert outcomes[0] == outcomes[1]


async def test_tables_of_other_names(ours: OpenOurs, sdk: OpenSDK) -> None:
    tables = {"sessions_table": '"my sessions"', "messages_table": "my_messages"}
    session, other = ours(**tables), sdk(create_tables=False, **tables)
    await session.add_items(turns(2))
    await other.create_branch_from_turn(2, "other")
    await session.switch_to_branch("other")
    assert await session.get_items() == turns(1)
    await session.pop_item()
    await session.clear_session()
    assert await other.get_items() == []


def schema(path: Path) -> list[tuple[str, ...]]:
    """Return every table, index and trigger of a file, with its SQL without spaces."""
    found = rows(path, "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master ORDER BY type, name")
    return [(kind, name, table, "".join(sql.split())) for kind, name, table, sql in found]


def test_a_folder_and_a_file_that_is_not_a_database_are_refused_as_by_the_sdk(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database at all\n" * 100)
    for path in (tmp_path, text, tmp_path / "nowhere" / "file.sqlite"):
        expected = opening(SDKSession, path, create_tables=True)
        assert expected[0] != "opened"
        assert opening(AdvancedSQLiteSession, path, create_tables=True) == expected
