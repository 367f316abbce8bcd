"""Requests of turns: what each used and what was sent, read with any branch that has the turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conversations import turn
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


def used(tokens: int, cached: int = 0) -> RequestUsage:
    return RequestUsage(tokens, tokens // 10, cached, 0, 0)


def weather(items: list[Any], tokens: int, number: int = 1, **others: Any) -> SentRequest:
    """Return a request of an agent."""
    return SentRequest(
        usage=used(tokens),
        agent="Weather",
        model="gpt-5-mini",
        started_at=f"2026-03-04 05:06:0{number}",
        seconds=1.5,
        first_token_seconds=0.5,
        response_id=f"resp_{number}",
        instructions="Answer briefly.\n“Oslo” is in Norway.",
        tools=[{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}],
        settings={"temperature": 0.5},
        items=items,
        **others,
    )


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
    await session.add_items(items[:1])
    await session.record_request(weather(items[:1], 100), first=True)
    await session.add_items(items[1:3])
    extra = {"role": "developer", "content": "Be kind."}
    await session.record_request(weather([items[0], extra, *items[1:3]], 200, number=2))
    await session.add_items(items[3:])
    assert await requests(path) == {
        1: (
            Request(
                1, "main", 1, 1, "Weather", "gpt-5-mini", "2026-03-04 05:06:01", 1.5, 0.5, used(100), "resp_1", 1, True
            ),
            Request(
                2, "main", 1, 2, "Weather", "gpt-5-mini", "2026-03-04 05:06:02", 1.5, 0.5, used(200), "resp_2", 4, True
            ),
        )
    }
    first, second = await sent(path, 1, 1), await sent(path, 1, 2)
    assert first is not None
    assert second is not None
    expected = weather(items[:1], 100)
    for found in (first, second):
        assert (found.instructions, found.tools, found.settings) == expected[7:10]
    assert first.items == items[:1]
    assert second.items == [items[0], extra, *items[1:3]]
    assert await sent(path, 1, 3) is None
    assert await session.get_turn_usage(1) == {
        "requests": 2,
        "input_tokens": 300,
        "output_tokens": 30,
        "total_tokens": 330,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
