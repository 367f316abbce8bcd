"""Encrypted sessions: the SDK's encryption, with the branches and turns of our class."""

from __future__ import annotations

from typing import Any, cast

import pytest
from agents.extensions.memory import EncryptedSession as SDKEncryptedSession

from tests.conftest import OpenOurs
from tests.databases import Stored
from tests.session.samples import run, turn, turns
from tui.session import AdvancedSQLiteSession, EncryptedSession

KEY = "a secret of this test"
STRUCTURE = (
    "SELECT branch_id, message_type, tool_name, user_turn_number, sequence_number FROM message_structure"
    " WHERE session_id = :session_id ORDER BY branch_id, sequence_number"
)


def encrypted(session: AdvancedSQLiteSession, kind: type[SDKEncryptedSession] = EncryptedSession) -> Any:
    return kind(session_id=session.session_id, underlying_session=cast(Any, session), encryption_key=KEY)


async def converse(session: Any) -> None:
    """Write three turns and a branch, with methods that the encryption passes on."""
    for number in range(1, 4):
        await session.add_items(turn(number))
        await session.store_run_usage(run(number))
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn(9))
    await session.pop_item()


async def test_an_encrypted_session_has_the_structure_of_a_plain_one(ours: OpenOurs, stored: Stored) -> None:
    plain, hidden = ours(session_id="plain"), ours(session_id="hidden")
    await converse(plain)
    await converse(encrypted(hidden))
    structure = stored(STRUCTURE, session_id="hidden")
    assert structure == stored(STRUCTURE, session_id="plain")
    assert [row[1] for row in structure[:4]] == ["user", "function_call", "function_call_output", "assistant"]
    assert await hidden.get_turn_usage(branch_id="main") == await plain.get_turn_usage(branch_id="main")
    assert await hidden.get_tool_usage("main") == await plain.get_tool_usage("main")
    data = [text for (text,) in stored("SELECT message_data FROM agent_messages WHERE session_id = 'hidden'")]
    assert data
    assert not [text for text in data if '"__enc__": 1' not in text or "question" in text or "search" in text]


@pytest.mark.parametrize(
    ("writer", "reader"), [(EncryptedSession, SDKEncryptedSession), (SDKEncryptedSession, EncryptedSession)]
)
async def test_both_classes_read_what_the_other_has_written(
    ours: OpenOurs, writer: type[SDKEncryptedSession], reader: type[SDKEncryptedSession]
) -> None:
    session = ours()
    await encrypted(session, writer).add_items(turns(3))
    assert await encrypted(session, reader).get_items() == turns(3)
    assert await encrypted(session, reader).get_items(2) == turns(3)[-2:]


async def test_a_compaction_of_an_encrypted_session_is_a_fork_with_turns(ours: OpenOurs) -> None:
    session = ours()
    hidden = encrypted(session)
    await hidden.add_items(turns(3))
    snapshot = await hidden._get_compaction_snapshot(20)
    assert snapshot.items == turns(3)
    assert await snapshot.replace_suffix(4, turn(9))
    assert await hidden.get_items() == [*turn(1), *turn(9)]
    assert [usage["user_turns"] for usage in await session.list_branches()] == [2, 3]
    await session.switch_to_branch("main_before_compaction")
    assert await hidden.get_items() == turns(3)
