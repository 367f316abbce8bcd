"""The offline model: deterministic, streaming, able to call a tool."""

from __future__ import annotations

from typing import Any

import pytest
from agents import Agent, ModelSettings, ModelTracing, RunConfig, Runner, function_tool
from agents.items import ItemHelpers

from tests.agent.conftest import MakeAgent, MakeRunner
from tests.agent.recording_hooks import RecordingHooks, stored_texts
from tui.agent.offline import OfflineModel, word_count
from tui.model import ApprovalDecision, Outcome
from tui.session import AdvancedSQLiteSession

UNTRACED = RunConfig(tracing_disabled=True)


async def stream(text: str) -> list[dict[str, Any]]:
    events = OfflineModel(delay=0).stream_response(
        "Be brief.", text, ModelSettings(), [word_count], None, [], ModelTracing.DISABLED
    )
    return [event.model_dump() async for event in events]


async def answer(text: str) -> str:
    response = await OfflineModel().get_response(
        None,
        text,
        ModelSettings(),
        [],
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    return ItemHelpers.extract_last_text(response.output[-1]) or ""


@pytest.mark.parametrize("text", ["Good morning", "word_count of this", "Markdown, please"])
async def test_the_same_message_gives_the_same_events(text: str) -> None:
    events = await stream(text)
    assert events == await stream(text)
    assert events != await stream(f"{text}!")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize(
    ("text", "kind", "field"),
    [
        ("Good morning", "response.output_text.delta", "content"),
        ("markdown", "response.reasoning_summary_text.delta", "summary"),
    ],
)
async def test_a_text_is_streamed_word_by_word(text: str, kind: str, field: str) -> None:
    events = await stream(text)
    deltas = [event["delta"] for event in events if event["type"] == kind]
    assert len(deltas) > 5
    assert all(len(delta.split()) == 1 for delta in deltas)
    assert events[-1]["response"]["output"][0][field][0]["text"] == "".join(deltas)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("What a day", "You wrote: “What a day”"),
        ("Show me some markdown", "| input | 80 % |"),
        ("", "You wrote: “”"),
        ("x" * 1000, "x…”"),
    ],
)
async def test_a_message_is_echoed_or_gets_the_sample_and_says_that_no_server_was_asked(text: str, part: str) -> None:
    assert part in await answer(text)
    assert "offline" in await answer(text)


async def test_token_counts_grow_with_the_texts() -> None:
    short, long = [(await stream(text))[-1]["response"]["usage"] for text in ("Hello", "Hello " * 20)]
    assert 0 < short["input_tokens"] < long["input_tokens"]
    assert 0 < short["output_tokens"] < long["output_tokens"]
    assert long["total_tokens"] == long["input_tokens"] + long["output_tokens"]


@function_tool
def add(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


@function_tool
def find_flight(city: str) -> str:
    """Find a flight."""
    return f"a flight to {city}"


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ('please add {"left": 40, "right": 2}', "The tool returned: 42"),
        ("find_flight Oslo", "The tool returned: a flight to Oslo"),
        ("find_flight", "The tool returned: a flight to find_flight"),
        ("find_flights Oslo", "You wrote: “find_flights Oslo”"),
    ],
)
async def test_a_named_tool_is_called_with_the_rest_of_the_message(message: str, result: str) -> None:
    agent = Agent(name="Clerk", model=OfflineModel(delay=0), tools=[add, find_flight])
    run = await Runner.run(agent, message, run_config=UNTRACED)
    assert result in run.final_output


@pytest.mark.parametrize(
    ("agent", "offer"),
    [
        (Agent(name="Desk"), "Ask me for a *Markdown sample*."),
        (Agent(name="Desk", tools=[word_count]), "name a tool and I call it: `word_count one two three`."),
        (Agent(name="Desk", handoffs=[Agent(name="Clerk")]), "call it: `transfer_to_clerk one two three`."),
    ],
)
async def test_an_answer_offers_only_what_the_agent_has(agent: Agent, offer: str) -> None:
    run = await Runner.run(agent.clone(model=OfflineModel(delay=0)), "Good morning", run_config=UNTRACED)
    assert run.final_output.endswith(offer)


async def test_a_named_agent_gets_the_conversation() -> None:
    clerk = Agent(name="Clerk", model=OfflineModel(delay=0))
    desk = Agent(name="Desk", model=OfflineModel(delay=0), handoffs=[clerk])
    run = await Runner.run(desk, "transfer_to_clerk", run_config=UNTRACED)
    assert run.last_agent is clerk


async def test_the_plain_assistant_has_a_tool_and_its_usage_is_an_estimate(
    make_runner: MakeRunner, session: AdvancedSQLiteSession
) -> None:
    hooks = RecordingHooks()
    result = await make_runner(model="offline").run(session, "word_count one two three", hooks)

    assert (result.outcome, result.model, result.estimated) == (Outcome.DONE, "offline", True)
    assert await stored_texts(session) == [
        ("user", "word_count one two three"),
        ("function_call", '{"text":"one two three"}'),
        ("function_call_output", "3 words, 13 characters"),
        ("assistant", "The tool returned: 3 words, 13 characters"),
    ]
    assert hooks.last.usage is not None
    assert hooks.last.usage.requests == 2


FAST_AGENT = """
from agents import Agent, function_tool
from tui.agent.offline import OfflineModel

@function_tool(needs_approval=True)
def delete(path: str) -> str:
    return f"deleted {path}"

agent = Agent(name="Fast", model=OfflineModel(delay=0), tools=[delete])
"""


async def test_items_of_an_answer_that_is_faster_than_its_reader_are_live_or_stored_but_not_both(
    make_agent: MakeAgent, session: AdvancedSQLiteSession
) -> None:
    hooks = RecordingHooks(ApprovalDecision(approved=True))
    await make_agent(FAST_AGENT, model=None, base_url=None).run(session, "delete /tmp/x", hooks)
    assert ("function_call_output", "deleted /tmp/x") in await stored_texts(session)
    assert hooks.live_after_storing == [[]] * hooks.stored_count
    assert hooks.last.live == ()


async def test_the_sample_is_streamed_after_reasoning(make_runner: MakeRunner, session: AdvancedSQLiteSession) -> None:
    hooks = RecordingHooks()
    await make_runner(model="offline").run(session, "A Markdown sample, please", hooks)
    assert len(hooks.states("reasoning")) > 3
    assert [kind for kind, _ in await stored_texts(session)] == ["user", "reasoning", "assistant"]
