"""Requests of turns: what each used and what was sent, read with any branch that has the turn."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conversations import assistant_message, sent_request, turn
from tests.counting import connection_of, on_reader, watch_reads
from tests.databases import Place, on_file, open_other, open_ours, rows
from tui.model.requests import Request, RequestInput, RequestUsage, SentRequest
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store


@pytest.fixture
async def session(place: Place) -> AsyncIterator[AdvancedSession]:
    async with open_ours(place) as opened:
        yield opened


async def requests(place: Place, branch_id: str = "main") -> dict[int, tuple[Request, ...]]:
    store = Store(place)
    (found,) = await store.sessions()
    turns = await store.requests(found, await store.tree(found), branch_id, 0, 64)
    store.close()
    return turns


async def sent(place: Place, turn: int, number: int, branch_id: str = "main") -> RequestInput | None:
    store = Store(place)
    (found,) = await store.sessions()
    found_input = await store.request_input(found, await store.tree(found), branch_id, turn, number)
    store.close()
    return found_input


async def test_a_recorded_request_is_read_as_it_was_sent(place: Place, session: AdvancedSession) -> None:
    items = turn("What is the weather?", tool="get_weather")
    changed = [{"role": "developer", "content": "Be kind."}, items[0], {**items[1], "name": "weather"}, items[2]]
    await session.add_items(items[:1])
    await session.record_request(sent_request(100, items[:1]), first=True)
    await session.add_items(items[1:3])
    await session.record_request(sent_request(200, changed))
    await session.add_items(items[3:])
    circumstances = ("Weather", "gpt-5-mini", "2026-03-04 05:06:07", 1.5, 0.5)
    assert await requests(place) == {
        1: (
            Request(1, "main", 1, 1, *circumstances, RequestUsage(100, 10, 50, 0, 0), "resp_100", 1, True),
            Request(2, "main", 1, 2, *circumstances, RequestUsage(200, 20, 100, 0, 0), "resp_200", 4, True),
        )
    }
    for number, sent_items in ((1, items[:1]), (2, changed)):
        found = await sent(place, 1, number)
        expected = sent_request(0, None)
        assert found is not None
        assert found[1:5] == (expected.instructions, expected.tools, expected.settings, sent_items)
    assert await sent(place, 1, 3) is None
    assert await session.get_turn_usage(1) == {
        "requests": 2,
        "input_tokens": 300,
        "output_tokens": 30,
        "total_tokens": 330,
        "input_tokens_details": {"cached_tokens": 150, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    # The items of the branch are stored once, and each text once.
    assert rows(place, "SELECT input_items FROM convo_request_inputs ORDER BY id") == [(1,), (4,)]
    assert rows(place, "SELECT COUNT(*) FROM convo_texts") == [(5,)]


async def test_what_was_sent_is_known_as_long_as_a_branch_holds_it(place: Place, session: AdvancedSession) -> None:
    items = turn("What is the weather?", tool="get_weather")
    await session.add_items(items[:3])
    await session.record_request(sent_request(100, items[:3]), first=True)
    await session.fork(branch_name="alt", switch=False)
    await session.pop_item()
    await session.add_items([{**items[2], "output": "9 °C"}])  # type: ignore[list-item]
    found = await sent(place, 1, 1)
    assert found is not None
    assert found.items == items[:3]
    await session.delete_branch("alt")
    # The branch has another item in its place.
    found = await sent(place, 1, 1)
    assert found is not None
    assert found.items is None
    assert found.instructions == "Answer briefly."


async def test_requests_stay_with_the_usage_that_other_branches_share(place: Place, session: AdvancedSession) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    for name in ("alt", "copy"):
        await session.fork(branch_name=name)
        await session.record_request(sent_request(200, turn("one"), f"In {name}."), first=True)
        await session.record_request(sent_request(210, turn("one"), f"In {name}."))
    branches = {name: await requests(place, name) for name in ("main", "alt", "copy")}
    tokens = {name: [each.usage and each.usage.input_tokens for each in found[1]] for name, found in branches.items()}
    assert tokens == {"main": [100], "alt": [200, 210], "copy": [200, 210]}
    # A branch that no longer has the turn does not keep its requests, as the others have their own.
    await session.switch_to_branch("copy")
    for _ in turn("one"):
        await session.pop_item()
    await session.delete_branch("alt")
    assert rows(place, "SELECT branch_id FROM convo_requests") == [("main",)]
    assert rows(place, "SELECT COUNT(*) FROM convo_request_inputs") == [(1,)]
    texts = {text for (text,) in rows(place, "SELECT text FROM convo_texts")}
    assert '"Answer briefly."' in texts
    assert '"In alt."' not in texts
    # The requests of a deleted branch are kept with its usage if another branch holds the turn.
    await session.fork(2, source="main", branch_name="child")
    await session.add_items(turn("two"))
    await session.record_request(sent_request(300, [*turn("one"), *turn("two")]), first=True)
    await session.fork(branch_name="late")
    before = await requests(place, "late")
    await session.delete_branch("child")
    assert await requests(place, "late") == before
    assert [request.branch_id for request in before[2]] == ["child"]


async def test_requests_of_usage_that_another_program_replaced_are_ignored(
    place: Place, session: AdvancedSession
) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    rows(place, "UPDATE turn_usage SET input_tokens = 70")
    assert await requests(place) == {}
    await session.record_request(sent_request(100, turn("one")), first=True)
    assert len((await requests(place))[1]) == 1
    other = open_other(place)
    await other.clear_session()
    await other.add_items(turn("again"))
    assert await requests(place) == {}
    other.close()


async def test_long_inputs_share_what_they_have_in_common(place: Place, session: AdvancedSession) -> None:
    """Items that are not stored as they are sent cost each later request a fraction of their number."""
    items = [item for number in range(200) for item in turn(f"{number}")]
    await session.add_items(items)
    changed = [{**item, "id": "fake"} if item["role"] == "assistant" else item for item in items]
    for number in range(1, 4):
        await session.record_request(sent_request(number, [*changed, *turn("new")[:number]]), first=number == 1)
        found = await sent(place, 200, number)
        assert found is not None
        assert found.items == [*changed, *turn("new")[:number]]
    sizes = [size for (size,) in rows(place, "SELECT length(input) FROM convo_request_inputs")]
    assert max(sizes) < 2000
    assert rows(place, "SELECT COUNT(*) FROM convo_texts") < [(230,)]


@on_file
async def test_a_request_after_another_reads_only_what_is_new(session: AdvancedSession) -> None:
    steps = []
    await session.add_items([item for number in range(600) for item in turn(f"question {number}", tool="get_weather")])
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


async def test_a_request_is_compared_with_the_branch_as_others_left_it(place: Place, session: AdvancedSession) -> None:
    await session.add_items([item for number in range(60) for item in turn(f"question {number}", tool="get_weather")])
    items: list[Any] = [{"role": "developer", "content": "Be kind."}, *await session.get_items()]
    await session.record_request(sent_request(100, items))
    # Another program pops an item and goes on with others, and the program changes what it sends.
    other = open_other(place)
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
            await session.fork(30, branch_name="alt")
            await session.add_items(turn("on alt"))
            items = [*await session.get_items()]
        else:
            items[5]["content"] = "changed in place"
            items = items[2:-1]
        await session.record_request(sent_request(1000 + number, items), first=True)
        branch, last = ("alt", 30) if number > 1 else ("main", 60)
        found = await sent(place, last, 1, branch)
        assert found is not None
        assert found.items == items
    other.close()


def count_steps(db: sqlite3.Connection, grains: list[None]) -> None:
    db.set_progress_handler(lambda: grains.append(None), 10)


async def test_damaged_requests_are_read_as_far_as_possible(place: Place, session: AdvancedSession) -> None:
    for text in ("one", "two", "three"):
        await session.add_items(turn(text))
        await session.record_request(sent_request(100, turn(text)), first=True)
    rows(place, "UPDATE convo_requests SET seconds = 1e300 WHERE id = 1")
    rows(place, "UPDATE convo_request_inputs SET input = '[[3, 1], [[]]]', tools = '7'")
    models = ["gpt-5-mini"] * 2
    if isinstance(place, Path):
        rows(place, "UPDATE convo_requests SET model = x'ff', seconds = 'long', input_tokens = '100' WHERE id = 1")
        rows(place, "UPDATE convo_requests SET output_tokens = 1e300 WHERE id = 2")
        rows(place, "UPDATE convo_request_inputs SET last_message_id = 'x'")
        rows(place, "UPDATE convo_texts SET text = x'ff00'")
        models[0] = "\\xff"
    else:
        rows(place, "UPDATE convo_requests SET output_tokens = -7 WHERE id = 2")
        rows(place, "UPDATE convo_texts SET text = 'no JSON'")
    found = await requests(place)
    assert list(found) == [1, 3]
    assert [request.model for each in found.values() for request in each] == models
    assert [await sent(place, number, 1) for number in (1, 3)] == [RequestInput(found[number][0]) for number in (1, 3)]
    store = Store(place)
    (opened,) = await store.sessions()
    usages = await store.turn_usages(opened, await store.tree(opened), "main", 1, 3)
    assert [len(usage.requests) for usage in usages] == [1, 0, 1]
    store.close()


async def test_an_input_that_no_version_writes_is_not_known(place: Place, session: AdvancedSession) -> None:
    await session.add_items(turn("one"))
    await session.record_request(sent_request(100, turn("one")), first=True)
    # A group that holds itself.
    rows(place, "INSERT INTO convo_texts (session_id, hash, text) VALUES ('support', 'g', '[[\"g\"]]')")
    stored = ['[["g"]]', "[[0, 9223372036854775807]]", "[[0, 1e400]]", '[["g"], [0, 0]]', "[[[]]]"]
    for text in stored:
        rows(place, "UPDATE convo_request_inputs SET input = ?", text)
        found = await sent(place, 1, 1)
        assert found is not None
        assert found.items is None, text


@pytest.mark.parametrize("recorded", [1, 60])
async def test_all_requests_of_a_branch_are_read_in_one_query_by_index(path: Path, recorded: int) -> None:
    async with open_ours(path) as session:
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


async def test_a_request_without_details_is_recorded(place: Place, session: AdvancedSession) -> None:
    await session.add_items([{"role": "user", "content": "hello"}])
    await session.record_request(SentRequest(RequestUsage(100, 10)), first=True)
    assert [request.usage for request in (await requests(place))[1]] == [RequestUsage(100, 10)]


async def test_a_request_belongs_to_the_turn_of_its_call(place: Place, session: AdvancedSession) -> None:
    """Calls that are made before a request is stored change neither its turn nor its branch."""
    await session.add_items(turn("one"))
    await asyncio.gather(
        session.record_request(sent_request(100, turn("one")), first=True),
        session.add_items(turn("two")),
        session.fork(1, branch_name="alt"),
        session.record_request(sent_request(200, turn("two")), first=True),
    )
    found = await requests(place)
    tokens = {number: [each.usage and each.usage.input_tokens for each in of_turn] for number, of_turn in found.items()}
    assert tokens == {1: [100], 2: [200]}
    assert await requests(place, "alt") == {}
