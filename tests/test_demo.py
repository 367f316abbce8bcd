"""The sample conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.conftest import OpenSDK
from tui.demo import write_demo
from tui.items.failure import is_error
from tui.items.types import message_type
from tui.storage.store import Store

BRANCHES = {
    "trip-to-lisbon": {"main": 6, "hostel": 5, "two-friends": 4, "porto": 2, "서울": 2},
    "arithmetic-marathon": {"main": 120, "halfway": 61},
    "고객지원-7": {"main": 2, "환불": 2},
    "changelog-bot": {"main": 4},
}


async def test_sessions_branches_and_forks(path: Path) -> None:
    write_demo(path)
    store = Store(path)
    sessions = await store.sessions()
    assert [session.session_id for session in sessions] == list(BRANCHES)
    for session in sessions:
        tree = await store.tree(session)
        assert {name: branch.turns for name, branch in tree.branches.items()} == BRANCHES[session.session_id]
    tree = await store.tree(sessions[0])
    forks = {name: (branch.parent, branch.fork_turn) for name, branch in tree.branches.items() if branch.parent}
    assert forks == {"hostel": ("main", 3), "two-friends": ("hostel", 4), "porto": ("main", 2), "서울": ("main", 1)}
    assert await store.last_branch(sessions[0]) == "main"
    store.close()


async def test_times_are_those_of_the_file(path: Path) -> None:
    write_demo(path)
    store = Store(path)
    (newest, *_) = await store.sessions()
    store.close()
    assert newest.updated_at is not None
    age = datetime.now(UTC) - datetime.fromisoformat(newest.updated_at).replace(tzinfo=UTC)
    assert timedelta(0) <= age < timedelta(minutes=10)


async def test_the_sdk_reads_items_and_usage_of_every_branch(path: Path, sdk: OpenSDK) -> None:
    write_demo(path)
    for session_id, branches in BRANCHES.items():
        session = sdk(session_id=session_id)
        for branch, turns in branches.items():
            assert len(await session.get_conversation_turns(branch)) == turns
        usage = await session.get_session_usage()
        assert usage is not None
        assert usage["total_tokens"] > 0


async def test_the_trip_has_reasoning_tool_calls_and_a_failed_call(path: Path, sdk: OpenSDK) -> None:
    write_demo(path)
    items = await sdk(session_id="trip-to-lisbon").get_items()
    assert {message_type(item) for item in items} == {
        "user", "assistant", "reasoning", "function_call", "function_call_output",
    }  # fmt: skip
    assert any(is_error(item) for item in items if message_type(item) == "function_call_output")
