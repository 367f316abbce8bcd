"""Differences from the SDK's class: empty branches, forks at any turn, deletions that keep what is shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agents.memory import SQLiteSession

from tests.conftest import OpenOurs, OpenSDK
from tests.counting import connection_of
from tests.databases import Stored
from tests.session.samples import assistant, rows, run, turn, turns, user
from tui.session import AdvancedSQLiteSession


async def names(session: Any) -> list[str]:
    return [branch["branch_id"] for branch in await session.list_branches()]


async def test_a_fork_shares_the_turns_before_its_turn(ours: OpenOurs, sdk: OpenSDK) -> None:
    session = ours()
    await session.add_items(turns(3))
    for number, shared in ((1, 0), (2, 1), (3, 2), (4, 3), (None, 3)):
        name = await session.fork(number, branch_name=f"at {number}", switch=False)
        assert await session.get_items(branch_id=name) == turns(3)[: 4 * shared]
        assert await sdk().get_items(branch_id=name) == turns(3)[: 4 * shared]
    assert await session.get_items() == turns(3)


async def test_a_fork_becomes_current_unless_switch_is_off(ours: OpenOurs) -> None:
    session = ours()
    await session.add_items(turns(2))
    name = await session.fork()
    assert name.startswith("branch_from_turn_3_")
    await session.add_items(turn(3))
    assert await session.get_items() == turns(3)
    assert await session.get_items(branch_id="main") == turns(2)
    await session.fork(2, source="main", branch_name="aside", switch=False)
    assert await session.get_items() == turns(3)
    assert await session.get_items(branch_id="aside") == turns(1)


async def test_an_impossible_fork_has_a_reason(ours: OpenOurs) -> None:
    session = ours()
    await session.add_items([assistant("before any turn"), *turns(2)])
    for turn_number in (0, -1, 4):
        with pytest.raises(ValueError, match=f"^Branch 'main' has no turn {turn_number}: its last turn is 2$"):
            await session.fork(turn_number)
    with pytest.raises(ValueError, match="Branch 'elsewhere' does not exist"):
        await session.fork(1, source="elsewhere")
    with pytest.raises(ValueError, match="Branch name cannot be empty"):
        await session.fork(branch_name="  ")
    await session.fork(branch_name="taken", switch=False)
    with pytest.raises(ValueError, match=r"^Branch ID 'taken' has already been used\. Choose a new branch ID\.$"):
        await session.fork(branch_name="taken")
    assert await names(session) == ["main", "taken"]


async def test_every_fork_records_its_parent_and_turn(ours: OpenOurs, stored: Stored) -> None:
    session = ours()
    await session.add_items(turns(3))
    await session.create_branch_from_turn(3, "second")
    await session.create_branch_from_content("question 2", "third")
    await session.fork(1, "fourth", source="main")
    recorded = stored("SELECT branch_id, parent_branch_id, fork_turn, empty_generation FROM convo_branches")
    assert sorted(recorded) == [("fourth", "main", 1, 0), ("second", "main", 3, None), ("third", "second", 2, None)]


async def test_a_branch_without_items_can_be_left_entered_and_deleted(ours: OpenOurs, stored: Stored) -> None:
    session = ours()
    await session.add_items(turns(2))
    empty = await session.create_branch_from_turn(1, "empty")
    await session.switch_to_branch("main")
    await session.switch_to_branch(empty)
    assert await session.get_items() == []
    # The branch outlives the object that made it.
    again = ours()
    await again.switch_to_branch(empty)
    await again.add_items(turn(9))
    assert await session.get_items() == turn(9)
    assert sorted(await names(session)) == ["empty", "main"]
    await session.switch_to_branch("main")
    await session.delete_branch(empty)
    with pytest.raises(ValueError, match="Branch 'empty' does not exist"):
        await again.switch_to_branch(empty)
    assert stored("SELECT * FROM convo_branches") == []


async def test_a_branch_emptied_by_pops_exists(ours: OpenOurs) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.create_branch_from_turn(2, "short")
    for _ in range(5):
        await session.pop_item()
    await session.switch_to_branch("main")
    await session.switch_to_branch("short")
    await session.delete_branch("short", force=True)
    assert await names(session) == ["main"]


async def test_main_can_always_be_entered(ours: OpenOurs) -> None:
    session = ours()
    await session.switch_to_branch("main")
    await session.add_items(turns(2))
    await session.fork(branch_name="other", switch=False)
    for _ in range(8):
        await session.pop_item()
    await session.switch_to_branch("other")
    await session.delete_branch("other", force=True)
    assert await session.get_items() == []
    await session.add_items(turn(1))
    assert await session.get_items(branch_id="main") == turn(1)


async def test_a_branch_deleted_elsewhere_is_not_revived(ours: OpenOurs, sdk: OpenSDK, path: Path) -> None:
    session = ours()
    others: list[Any] = [ours(), sdk()]
    await session.add_items(turns(2))
    for number, other in enumerate(others):
        name = await session.create_branch_from_turn(2, f"fork {number}")
        assert isinstance(other, AdvancedSQLiteSession) is (number == 0)
        await other.delete_branch(name)
        before = rows(path, "SELECT * FROM agent_messages")
        with pytest.raises(ValueError, match=f"^Branch '{name}' does not exist$"):
            await session.add_items(turn(3))
        assert rows(path, "SELECT * FROM agent_messages") == before
        assert await session.get_items() == []
        with pytest.raises(ValueError, match="does not exist"):
            await session.fork()
        await session.switch_to_branch("main")
    assert await names(session) == ["main"]


async def test_a_cleared_session_has_no_empty_branches(ours: OpenOurs, sdk: OpenSDK) -> None:
    for clear in (ours().clear_session, sdk().clear_session):
        session = ours()
        await session.add_items(turns(1))
        empty = await session.fork(1)
        await clear()
        with pytest.raises(ValueError, match=f"Branch '{empty}' does not exist"):
            await session.switch_to_branch(empty)
        await session.add_items(turns(1))
        assert await session.get_items(branch_id="main") == turns(1)
        await session.clear_session()


async def test_the_history_of_a_plain_session_survives(ours: OpenOurs, path: Path) -> None:
    plain = SQLiteSession("chat", path)
    await plain.add_items([user("long ago"), assistant("yes")])
    session = ours()
    await session.add_items(turns(2))
    await session.create_branch_from_turn(2, "other")
    await session.add_items(turn(3))
    await session.switch_to_branch("main")
    await session.delete_branch("other")
    await session.pop_item()
    assert await plain.get_items() == [user("long ago"), assistant("yes"), *turns(2)[:-1]]
    plain.close()


async def test_usage_of_shared_turns_outlives_their_branch(ours: OpenOurs, stored: Stored) -> None:
    session = ours()
    await session.add_items(turn(1))
    await session.store_run_usage(run(1))
    await session.fork(branch_name="a")
    for number in (2, 3):
        await session.add_items(turn(number))
        await session.store_run_usage(run(10 * number, cached=number))
    await session.fork(3, branch_name="b")
    public = await session.get_session_usage("b"), await session.get_turn_usage(branch_id="b")
    await session.delete_branch("a")
    [(details, *kept)] = stored(
        "SELECT input_tokens_details, message_id, branch_id, user_turn_number, requests, input_tokens FROM convo_usage",
    )
    [first] = stored("SELECT MIN(message_id) FROM message_structure WHERE branch_id = 'b' AND user_turn_number = 2")
    assert kept == [*first, "a", 2, 1, 20]
    assert json.loads(details)["cached_tokens"] == 2
    assert (await session.get_session_usage("b"), await session.get_turn_usage(branch_id="b")) == public
    usage = await session.get_session_usage()
    assert usage is not None
    assert usage["input_tokens"] == 1
    # Kept usage is deleted with the turn itself.
    for _ in range(4):
        await session.pop_item()
    assert stored("SELECT * FROM convo_usage") == []


async def test_usage_of_a_shared_turn_outlives_its_pops(ours: OpenOurs, stored: Stored) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.store_run_usage(run(7))
    await session.fork(branch_name="other", switch=False)
    for _ in range(4):
        await session.pop_item()
    assert await session.get_turn_usage() == []
    assert stored("SELECT message_id, branch_id, input_tokens FROM convo_usage") == [(5, "main", 7)]
    await session.clear_session()
    assert stored("SELECT * FROM convo_usage") == []


async def test_usage_that_another_branch_has_is_not_kept_twice(ours: OpenOurs, stored: Stored) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.store_run_usage(run(7))
    await session.fork(branch_name="other")
    await session.store_run_usage(run(8))
    await session.delete_branch("other", force=True)
    assert stored("SELECT * FROM convo_usage") == []


async def test_branches_are_listed_in_the_order_of_their_creation(ours: OpenOurs, sdk: OpenSDK, path: Path) -> None:
    session = ours()
    await session.add_items(turns(2))
    for name, second in (("z", 1), ("a", 2), ("m", 1)):
        await session.fork(branch_name=name, switch=False)
        connection_of(session._access.engine).run_sync(
            lambda db, name=name, second=second: db.execute(  # type: ignore[misc]
                "UPDATE message_structure SET created_at = ? WHERE branch_id = ?", (f"2020-01-01 00:00:0{second}", name)
            )
        )
    assert await session.list_branches() == await sdk().list_branches()
    assert await names(session) == ["m", "z", "a", "main"]
