"""Answers of a real server through the SDK's own client: as they come, as they are stored, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.agent.recording_hooks import Watch, live
from tests.agent.server import Call, Calls, Says, ScriptedServer
from tui.agent import AgentRunner
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]


@pytest.fixture(params=["responses", "chat"])
def plain(request: pytest.FixtureRequest, runner: MakeRunner, server: ScriptedServer) -> AgentRunner:
    """The plain assistant on the server, once for each API."""
    return runner(model="tiny", base_url=server.url, api=request.param)


async def stored(session: AdvancedSQLiteSession) -> list[tuple[str, str]]:
    return [(message_type(item), item_text(item)) for item in await session.get_items()]


async def test_an_answer_comes_word_by_word_and_is_stored(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("It is raining in Oslo."))
    watch = Watch()
    result = await plain.run(session, "And the weather?", watch)

    assert result.outcome is Outcome.DONE
    assert (result.error, result.kept, result.model, result.agent) == (None, True, "tiny", "Assistant")
    assert await stored(session) == [("user", "And the weather?"), ("assistant", "It is raining in Oslo.")]
    assert live(watch.told[0]) == [("user", "And the weather?")]
    growing = [text for text in watch.grown("assistant") if text]
    assert growing == ["It", "It is", "It is raining", "It is raining in", "It is raining in Oslo."]
    assert watch.last.live == ()
    assert watch.stored_times == 2
    assert {"thinking", "writing"} <= {progress.doing for progress in watch.told}


async def test_the_next_message_goes_with_the_conversation(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("One."), Says("Two."))
    await plain.run(session, "First", Watch())
    await plain.run(session, "Second", Watch())

    asked = server.asked[1].get("input") or server.asked[1]["messages"]
    said = [item for item in asked if item["role"] != "system"]
    assert [item["role"] for item in said] == ["user", "assistant", "user"]


async def test_reasoning_is_seen_before_the_answer(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("Yes.", reasoning="Let me see."))
    watch = Watch()
    await plain.run(session, "Is it?", watch)

    assert [text for text in watch.grown("reasoning") if text][-1] == "Let me see."
    assert len(watch.grown("reasoning")) >= 3
    assert [kind for kind, _ in await stored(session)] == ["user", "reasoning", "assistant"]


async def test_tokens_are_what_the_server_says(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("Yes."))
    watch = Watch()
    result = await plain.run(session, "Is it?", watch)
    await session.store_run_usage(result.usage)

    assert watch.last.usage is not None
    assert (watch.last.usage.input_tokens, watch.last.usage.output_tokens) == (12, 5)
    assert not result.estimated
    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert (usage["requests"], usage["total_tokens"]) == (1, 17)


async def test_a_server_that_reports_no_tokens_gives_no_usage(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("Yes.", usage=False))
    watch = Watch()
    result = await plain.run(session, "Is it?", watch)

    assert result.outcome is Outcome.DONE
    assert result.usage is None
    assert watch.last.usage is None


AGENT = """
from agents import Agent, function_tool

@function_tool
def get_weather(city: str) -> str:
    return f"12 °C in {city}"

@function_tool
async def book(city: str) -> str:
    return f"booked {city}"

agent = Agent(name="Travel", tools=[get_weather, book])
"""


@pytest.fixture(params=["responses", "chat"])
def travel(request: pytest.FixtureRequest, tmp_path: Any, runner: MakeRunner, server: ScriptedServer) -> AgentRunner:
    """An agent with two tools from a file, with the server's model."""
    (tmp_path / "travel_with_tools.py").write_text(AGENT, encoding="utf-8")
    where = f"{tmp_path / 'travel_with_tools.py'}:agent"
    return runner(agent=where, model="tiny", base_url=server.url, api=request.param)


async def test_tools_are_called_as_their_arguments_arrive(
    travel: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    calls = [Call("get_weather", {"city": "Oslo"}, "c1"), Call("book", {"city": "Bergen"}, "c2")]
    server.will(Calls(calls, text="One moment."), Says("Booked."))
    watch = Watch()
    result = await travel.run(session, "Book it", watch)

    assert (result.outcome, result.agent) == (Outcome.DONE, "Travel")
    assert [kind for kind, _ in await stored(session)] == [
        "user", "assistant", "function_call", "function_call", "function_call_output", "function_call_output",
        "assistant",
    ]  # fmt: skip
    arguments = [
        item.data["arguments"] for progress in watch.told for item in progress.live if item.tool_name == "get_weather"
    ]
    assert '{"city": "Oslo"}' in arguments
    assert any(0 < len(part) < len('{"city": "Oslo"}') for part in arguments)
    outputs = [text for progress in watch.told for kind, text in live(progress) if kind == "function_call_output"]
    assert {"12 °C in Oslo", "booked Bergen"} <= set(outputs)
    assert {"calling get_weather", "calling book"} <= {progress.doing for progress in watch.told}
    assert watch.last.usage is not None
    assert (watch.last.usage.requests, watch.last.usage.total_tokens) == (2, 34)


async def test_what_is_stored_is_no_longer_live(
    travel: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("get_weather", {"city": "Oslo"}, "c1")]), Says("Rain."))

    watch = Watch()
    await travel.run(session, "Weather?", watch)
    # The message; the call with its output; the answer.
    assert watch.after_storing == [[], [], []]


async def test_live_items_keep_their_key_and_count_from_nought(
    travel: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("get_weather", {"city": "Oslo"}, "c1")]), Says("Rain all day."))
    watch = Watch()
    await travel.run(session, "Weather?", watch)

    for progress in watch.told:
        assert [item.position for item in progress.live] == list(range(len(progress.live)))
        assert all(item.message_id < 0 and item.turn == 0 for item in progress.live)
    texts = {item.message_id for progress in watch.told for item in progress.live if item.type == "assistant"}
    assert len(texts) == 1
