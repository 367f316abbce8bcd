"""The sample conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import OpenSDK
from tests.databases import Place
from tui.demo import write_demo
from tui.errors import ConvoError
from tui.items.failure import is_error
from tui.items.types import message_type
from tui.model.cache_evidence import Part, Verdict
from tui.storage.open import target_of
from tui.storage.store import Store

BRANCHES = {
    "trip-to-lisbon": {"main": 6, "hostel": 5, "two-friends": 4, "porto": 2, "서울": 2},
    "arithmetic-marathon": {"main": 120, "halfway": 61},
    "고객지원-7": {"main": 2, "환불": 2},
    "changelog-bot": {"main": 4},
}


async def test_sessions_branches_and_forks(place: Place) -> None:
    write_demo(target_of(place))
    store = Store(place)
    sessions = await store.sessions()
    assert [session.session_id for session in sessions] == list(BRANCHES)
    for session in sessions:
        tree = await store.tree(session)
        assert {name: branch.turns for name, branch in tree.branches.items()} == BRANCHES[session.session_id]
    tree = await store.tree(sessions[0])
    forks = {name: (branch.parent, branch.fork_turn) for name, branch in tree.branches.items() if branch.parent}
    assert forks == {"hostel": ("main", 3), "two-friends": ("hostel", 4), "porto": ("main", 2), "서울": ("main", 1)}
    assert [await store.last_branch(session) for session in sessions] == ["main", "halfway", "환불", "main"]
    store.close()


async def test_it_is_written_to_a_server_without_conversations(postgres: str) -> None:
    write_demo(target_of(postgres))
    with pytest.raises(ConvoError, match="has conversations already"):
        write_demo(target_of(postgres))


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


async def test_every_request_of_the_trip_is_recorded_with_all_that_it_sent(path: Path) -> None:
    write_demo(path)
    store = Store(path)
    session = next(found for found in await store.sessions() if found.session_id == "trip-to-lisbon")
    tree = await store.tree(session)
    agents, evidence = set(), []
    for branch_id, branch in tree.branches.items():
        for turn in await store.turn_usages(session, tree, branch_id, 1, branch.turns):
            assert turn.usage is not None
            assert len(turn.requests) == turn.usage.requests
            for request in turn.requests:
                agents.add(request.agent)
                evidence.append(request.cache)
                sent = await store.request_input(session, tree, branch_id, turn.turn, request.number)
                assert sent is not None
                assert None not in (sent.instructions, sent.tools, sent.settings, sent.items)
    store.close()
    assert agents == {"Guide", "Booking agent"}
    changed = [[change.part for change in found.changes] for found in evidence if found and found.changes]
    assert [Part.INSTRUCTIONS] in changed
    assert {found.verdict for found in evidence if found} == set(Verdict)
