"""Answers of a real server through the SDK's own client: the stream, the stored items, the usage."""

from __future__ import annotations

import pytest

from tests.agent.conftest import MakeAgent
from tests.agent.recording_hooks import RecordingHooks, live_texts, stored_texts
from tests.agent.server import Call, ScriptedServer, TextAnswer, ToolCalls
from tui.agent import AgentRunner, Api
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession


async def test_an_answer_is_streamed_word_by_word_and_stored(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("It is raining in Oslo."))
    hooks = RecordingHooks()
    result = await assistant.run(session, "And the weather?", hooks)

    assert result.outcome is Outcome.DONE
    assert (result.error, result.kept, result.model, result.agent) == (None, True, "tiny", "Assistant")
    assert await stored_texts(session) == [("user", "And the weather?"), ("assistant", "It is raining in Oslo.")]
    assert live_texts(hooks.progresses[0]) == [("user", "And the weather?")]
    states = [text for text in hooks.states("assistant") if text]
    assert states == ["It", "It is", "It is raining", "It is raining in", "It is raining in Oslo."]
    assert hooks.last.live == ()
    assert hooks.stored_count == 2
    assert {"thinking", "writing"} <= {progress.activity for progress in hooks.progresses}


async def test_the_next_message_is_sent_with_the_conversation(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("One."), TextAnswer("Two."))
    await assistant.run(session, "First", RecordingHooks())
    await assistant.run(session, "Second", RecordingHooks())

    messages = server.requests[1].get("input") or server.requests[1]["messages"]
    assert [message["role"] for message in messages if message["role"] != "system"] == ["user", "assistant", "user"]


async def test_reasoning_is_streamed_before_the_answer(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("Yes.", reasoning="Let me see."))
    hooks = RecordingHooks()
    await assistant.run(session, "Is it?", hooks)

    assert [text for text in hooks.states("reasoning") if text][-1] == "Let me see."
    assert len(hooks.states("reasoning")) >= 3
    assert [kind for kind, _ in await stored_texts(session)] == ["user", "reasoning", "assistant"]


async def test_usage_is_what_the_server_reports(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("Yes."))
    hooks = RecordingHooks()
    result = await assistant.run(session, "Is it?", hooks)
    await session.store_run_usage(result.usage)

    assert hooks.last.usage is not None
    assert (hooks.last.usage.input_tokens, hooks.last.usage.output_tokens) == (12, 5)
    assert not result.estimated
    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert (usage["requests"], usage["total_tokens"]) == (1, 17)
    details = usage["input_tokens_details"] | usage["output_tokens_details"]
    assert hooks.last.usage.cached_tokens == details["cached_tokens"]
    assert hooks.last.usage.cache_write_tokens == details["cache_write_tokens"]
    assert hooks.last.usage.reasoning_tokens == details["reasoning_tokens"]


async def test_a_server_that_reports_no_tokens_gives_no_usage(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("Yes.", usage=False))
    hooks = RecordingHooks()
    result = await assistant.run(session, "Is it?", hooks)

    assert result.outcome is Outcome.DONE
    assert result.usage is None
    assert hooks.last.usage is None


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


@pytest.fixture
def travel_agent(make_agent: MakeAgent, api: Api) -> AgentRunner:
    return make_agent(AGENT, api=api)


async def test_arguments_of_tool_calls_are_streamed(
    travel_agent: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    calls = [Call("get_weather", {"city": "Oslo"}, "c1"), Call("book", {"city": "Bergen"}, "c2")]
    server.script(ToolCalls(calls, text="One moment."), TextAnswer("Booked."))
    hooks = RecordingHooks()
    result = await travel_agent.run(session, "Book it", hooks)

    assert (result.outcome, result.agent) == (Outcome.DONE, "Travel")
    assert [kind for kind, _ in await stored_texts(session)] == [
        "user", "assistant", "function_call", "function_call", "function_call_output", "function_call_output",
        "assistant",
    ]  # fmt: skip
    live = [item for progress in hooks.progresses for item in progress.live]
    arguments = [item.data["arguments"] for item in live if item.tool_name == "get_weather"]
    assert '{"city": "Oslo"}' in arguments
    assert any(0 < len(part) < len('{"city": "Oslo"}') for part in arguments)
    outputs = [item.data["output"] for item in live if item.type == "function_call_output"]
    assert {"12 °C in Oslo", "booked Bergen"} <= set(outputs)
    assert {"calling get_weather", "calling book"} <= {progress.activity for progress in hooks.progresses}
    assert hooks.last.usage is not None
    assert (hooks.last.usage.requests, hooks.last.usage.total_tokens) == (2, 34)


async def test_stored_items_are_not_live(
    travel_agent: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("get_weather", {"city": "Oslo"}, "c1")]), TextAnswer("Rain."))

    hooks = RecordingHooks()
    await travel_agent.run(session, "Weather?", hooks)
    # The message; the call with its output; the answer.
    assert hooks.live_after_storing == [[], [], []]


async def test_live_items_keep_their_key_and_are_numbered_from_zero(
    travel_agent: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("get_weather", {"city": "Oslo"}, "c1")]), TextAnswer("Rain all day."))
    hooks = RecordingHooks()
    await travel_agent.run(session, "Weather?", hooks)

    for progress in hooks.progresses:
        assert [item.position for item in progress.live] == list(range(len(progress.live)))
        assert all(item.message_id < 0 and item.turn == 0 for item in progress.live)
    answers = {item.message_id for progress in hooks.progresses for item in progress.live if item.type == "assistant"}
    assert len(answers) == 1
