"""Requests of turns: what each used and what was sent, read with any branch that has the turn."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conversations import assistant_message, open_sdk, run_result, sent_request, turn
from tests.counting import connection_of, on_reader, watch_reads
from tests.session.samples import rows
from tui.model.requests import Request, RequestInput, RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "requests.sqlite"


@pytest.fixture
async def session(path: Path) -> AsyncIterator[AdvancedSQLiteSession]:
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as opened:
        yield opened


async def requests(path: Path, branch_id: str = "main") -> dict[int, tuple[Request, ...]]:
    store = Store(path)
    (found,) = await store.sessions()
    turns = await store.requests(found, await store.tree(found), branch_id, 0, 64)
    store.close()
    return turns


async def sent(path: Path, turn: int, number: int, branch_id: str = "main") -> RequestInput | None:
    store = Store(path)
    (found,) = await store.sessions()
    found_input = await store.request_input(found, await store.tree(found), branch_id, turn, number)
    store.close()
    return found_input


async def test_a_recorded_request_is_read_as_it_was_sent(path: Path, session: AdvancedSQLiteSession) -> None:
    items = turn("What is the weather?", tool="get_weather")
    changed = [{"role": "developer", "content": "Be kind."}, items[0], {**items[1], "name": "weather"}, items[2]]
    await session.add_items(items[:1])
    await session.record_request(sent_request(100, items[:1]), first=True)
    await session.add_items(items[1:3])
    await session.record_request(sent_request(200, changed))
    await session.add_items(items[3:])
    circumstances = ("Weather", "gpt-5-mini", "2026-03-04 05:06:07", 1.5, 0.5)
    assert await requests(path) == {
        1: (
            Request(1, "main", 1, 1, *circumstances, RequestUsage(100, 10, 50, 0, 0), "resp_100", 1, True),
            Request(2, "main", 1, 2, *circumstances, RequestUsage(200, 20, 100, 0, 0), "resp_200", 4, True),
        )
    }
    for number, sent_items in ((1, items[:1]), (2, changed)):
        found = await sent(path, 1, number)
        expected = sent_request(0, None)
        assert found is not None
        assert found[1:5] == (expected.instructions, expected.tools, expected.settings, sent_items)
    assert await sent(path, 1, 3) is None
    assert await session.get_turn_usage(1) == {
        "requests": 2,
        "input_tokens": 300,
        "output_tokens": 30,
        "total_tokens": 330,
        "input_tokens_details": {"cached_tokens": 150, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    # The items of the branch are stored once, and each text once.
    assert rows(path, "SELECT input_items FROM convo_request_inputs ORDER BY id") == [(1,), (4,)]
    assert rows(path, "SELECT COUNT(*) FROM convo_texts") == [(5,)]


async def test_what_was_sent_is_known_as_long_as_a_branch_holds_it(path: Path, session: AdvancedSQLiteSession) -> None:
    items = turn("What is the weather?", tool="get_weather")
    await session.add_items(items[:3])
    await session.record_request(sent_request(100, items[:3]), first=True)
    await session.fork(branch_name="alt", switch=False)
    await session.pop_item()
    await session.add_items([{**items[2], "output": "9 °C"}])  # type: ignore[list-item]
    found = await sent(path, 1, 1)
    assert found is not None
    assert found.items == items[:3]
    await session.delete_branch("alt")
    # The branch has another item in its place.
    found = await sent(path, 1, 1)
    assert found is not None
    assert found.items is None
    assert found.instructions == "Answer briefly."


async def test_requests_stay_with_the_usage_that_other_branches_share(
    path: Path, session: AdvancedSQLiteSession
) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    for name in ("alt", "copy"):
        await session.fork(branch_name=name)
        await session.record_request(sent_request(200, turn("one"), f"In {name}."), first=True)
        await session.record_request(sent_request(210, turn("one"), f"In {name}."))
    branches = {name: await requests(path, name) for name in ("main", "alt", "copy")}
    tokens = {name: [each.usage and each.usage.input_tokens for each in found[1]] for name, found in branches.items()}
    assert tokens == {"main": [100], "alt": [200, 210], "copy": [200, 210]}
    # A branch that no longer has the turn does not keep its requests, as the others have their own.
    await session.switch_to_branch("copy")
    for _ in turn("one"):
        await session.pop_item()
    await session.delete_branch("alt")
    assert rows(path, "SELECT branch_id FROM convo_requests") == [("main",)]
    assert rows(path, "SELECT COUNT(*) FROM convo_request_inputs") == [(1,)]
    texts = {text for (text,) in rows(path, "SELECT text FROM convo_texts")}
    assert '"Answer briefly."' in texts
    assert '"In alt."' not in texts
    # The requests of a deleted branch are kept with its usage if another branch holds the turn.
    await session.fork(2, source="main", branch_name="child")
    await session.add_items(turn("two"))
    await session.record_request(sent_request(300, [*turn("one"), *turn("two")]), first=True)
    await session.fork(branch_name="late")
    before = await requests(path, "late")
    await session.delete_branch("child")
    assert await requests(path, "late") == before
    assert [request.branch_id for request in before[2]] == ["child"]


async def test_requests_of_usage_that_another_program_replaced_are_ignored(
    path: Path, session: AdvancedSQLiteSession
) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    sdk = open_sdk(path)
    await sdk.store_run_usage(run_result(70))
    assert await requests(path) == {}
    await session.record_request(sent_request(100, turn("one")), first=True)
    assert len((await requests(path))[1]) == 1
    await sdk.clear_session()
    await sdk.add_items(turn("again"))
    assert await requests(path) == {}
    sdk.close()


async def test_long_inputs_share_what_they_have_in_common(path: Path, session: AdvancedSQLiteSession) -> None:
    """Items that are not stored as they are sent cost each later request a fraction of their number."""
    items = [item for number in range(200) for item in turn(f"{number}")]
    await session.add_items(items)
    changed = [{**item, "id": "fake"} if item["role"] == "assistant" else item for item in items]
    for number in range(1, 4):
        await session.record_request(sent_request(number, [*changed, *turn("new")[:number]]), first=number == 1)
        found = await sent(path, 200, number)
        assert found is not None
        assert found.items == [*changed, *turn("new")[:number]]
    sizes = [size for (size,) in rows(path, "SELECT length(input) FROM convo_request_inputs")]
    assert max(sizes) < 2000
    assert rows(path, "SELECT COUNT(*) FROM convo_texts") < [(230,)]


async def test_a_request_after_another_reads_only_what_is_new(path: Path, session: AdvancedSQLiteSession) -> None:
    steps = []
    for number in range(600):
        await session.add_items(turn(f"question {number}", tool="get_weather"))
    items: list[Any] = [{"role": "developer", "content": "Be kind."}, *await session.get_items()]
    connection = connection_of(session._access.engine)
    for number in range(3):
        grains: list[None] = []
        connection.run_sync(partial(count_steps, grains=grains))
        await session.record_request(sent_request(100, items))
        connection.run_sync(lambda db: db.set_progress_handler(None, 0))
        steps.append(10 * len(grains))
        new = turn(f"new {number}", tool="get_weather")
        await session.add_items(new)
        items += new
    assert steps[0] > 10 * 2400
    assert max(steps[1:]) < 2400

    # Another program pops an item and goes on with others, and the program changes what it sends.
    other = open_sdk(path)
    for number, changed in enumerate(("popped", "replaced", "branched", "shortened")):
        known = await session.get_items()
        if changed == "popped":
            await other.pop_item()
            items = [*known[:-1]]
        elif changed == "replaced":
            await other.pop_item()
            await other.add_items([cast(Any, assistant_message("Another answer."))])
            items = [*await session.get_items(), {"role": "user", "content": "not stored"}]
        elif changed == "branched":
            await session.fork(300, branch_name="alt")
            await session.add_items(turn("on alt"))
            items = [*await session.get_items()]
        else:
            items[5]["content"] = "changed in place"
            items = items[2:-1]
        await session.record_request(sent_request(1000 + number, items), first=True)
        branch, last = ("alt", 300) if number > 1 else ("main", 603)
        found = await sent(path, last, 1, branch)
        assert found is not None
        assert found.items == items
    other.close()


def count_steps(db: sqlite3.Connection, grains: list[None]) -> None:
    db.set_progress_handler(lambda: grains.append(None), 10)


async def test_damaged_requests_are_read_as_far_as_possible(path: Path, session: AdvancedSQLiteSession) -> None:
    for text in ("one", "two", "three"):
        await session.add_items(turn(text))
        await session.record_request(sent_request(100, turn(text)), first=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE convo_requests SET model = x'ff', seconds = 'long', input_tokens = '100' WHERE id = 1")
        db.execute("UPDATE convo_requests SET output_tokens = 1e300 WHERE id = 2")
        db.execute("UPDATE convo_request_inputs SET input = '[[3, 1], [[]]]', tools = 7, last_message_id = 'x'")
        db.execute("UPDATE convo_texts SET text = x'ff00'")
    found = await requests(path)
    assert {number: [request.model for request in each] for number, each in found.items()} == {
        1: ["\\xff"],
        3: ["gpt-5-mini"],
    }
    assert [await sent(path, number, 1) for number in (1, 3)] == [RequestInput(found[number][0]) for number in (1, 3)]
    store = Store(path)
    (opened,) = await store.sessions()
    usages = await store.turn_usages(opened, await store.tree(opened), "main", 1, 3)
    assert [len(usage.requests) for usage in usages] == [1, 0, 1]
    store.close()


@pytest.mark.parametrize(
    "stored", ['[["g"]]', "[[0, 9223372036854775807]]", "[[0, 1e400]]", '[["g"], [0, 0]]', "[[[]]]"]
)
async def test_an_input_that_no_version_writes_is_not_known(
    path: Path, session: AdvancedSQLiteSession, stored: str
) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    with closing(sqlite3.connect(path)) as db, db:
        # A group that holds itself.
        db.execute("INSERT INTO convo_texts (session_id, hash, text) VALUES ('support', 'g', '[[\"g\"]]')")
        db.execute("UPDATE convo_request_inputs SET input = ?", (stored,))
    found = await sent(path, 1, 1)
    assert found is not None
    assert found.items is None


@pytest.mark.parametrize("recorded", [1, 60])
async def test_all_requests_of_a_branch_are_read_in_one_query_by_index(path: Path, recorded: int) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as session:
        for number in range(60):
            await session.add_items(turn(f"turn {number}"))
            if number < recorded:
                await session.record_request(sent_request(100, turn(f"turn {number}")), first=True)
    store = Store(path)
    (found,) = await store.sessions()
    tree = await store.tree(found)
    ran: list[str] = []
    watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))
    assert len(await store.requests(found, tree, "main", 1, 64)) == recorded
    (query,) = [statement for statement in ran if "convo_requests r" in statement]
    steps = on_reader(store._background, lambda db: [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")])
    assert any("USING INDEX convo_requests_message" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    store.close()


async def test_a_request_without_details_is_recorded(path: Path, session: AdvancedSQLiteSession) -> None:
    await session.add_items([{"role": "user", "content": "hello"}])
    await session.record_request(SentRequest(RequestUsage(100, 10)), first=True)
    assert [request.usage for request in (await requests(path))[1]] == [RequestUsage(100, 10)]


async def test_a_request_belongs_to_the_turn_of_its_call(path: Path, session: AdvancedSQLiteSession) -> None:
    """Calls that are made before a request is stored change neither its turn nor its branch."""
    await session.add_items(turn("one"))
    await asyncio.gather(
        session.record_request(sent_request(100, turn("one")), first=True),
        session.add_items(turn("two")),
        session.fork(1, branch_name="alt"),
        session.record_request(sent_request(200, turn("two")), first=True),
    )
    found = await requests(path)
    tokens = {number: [each.usage and each.usage.input_tokens for each in of_turn] for number, of_turn in found.items()}
    assert tokens == {1: [100], 2: [200]}
    assert await requests(path, "alt") == {}
