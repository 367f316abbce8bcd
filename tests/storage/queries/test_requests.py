"""Requests of turns: what each used and what was sent, read with any branch that has the turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversations import sent_request, turn
from tests.session.samples import rows
from tui.model.requests import Request, RequestInput, RequestUsage
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
        assert found[1:] == (expected.instructions, expected.tools, expected.settings, sent_items)
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
