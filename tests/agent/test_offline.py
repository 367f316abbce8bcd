"""The model inside the program: deterministic, streaming, and able to call a tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, ModelSettings, ModelTracing, RunConfig, Runner, function_tool
from pydantic import BaseModel

from tests.agent.recording_hooks import Watch
from tui.agent import AgentRunner
from tui.agent.offline import OfflineModel
from tui.agent.offline_replies import Offered, reply
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]

UNTRACED = RunConfig(tracing_disabled=True)


def asks(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


async def events(text: str) -> list[dict[str, Any]]:
    stream = OfflineModel(delay=0).stream_response(
        "Be brief.", text, ModelSettings(), [], None, [], ModelTracing.DISABLED
    )
    return [event.model_dump() async for event in stream]


async def test_the_same_message_gives_the_same_events() -> None:
    first = await events("Good morning")
    assert first == await events("Good morning")
    assert first != await events("Good evening")
    assert [event["sequence_number"] for event in first] == list(range(len(first)))


async def test_the_deltas_are_the_answer() -> None:
    streamed = await events("count to 30")
    deltas = [event["delta"] for event in streamed if event["type"] == "response.output_text.delta"]
    assert len(deltas) == 32
    assert streamed[-1]["response"]["output"][0]["content"][0]["text"] == "".join(deltas)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("What a day", "“What a day” That is 3 words and 10 characters, in message 1"),
        ("Show me some markdown", "| input | 80 % |"),
        ("count to 3", "1, 2, 3."),
        ("", "nothing that I could repeat"),
    ],
)
def test_what_it_says(text: str, part: str) -> None:
    assert part in reply(asks(text), []).text


def test_it_says_that_it_is_offline() -> None:
    for text in ("Hello", "markdown", "count to 3", "", "think hard"):
        answer = reply(asks(text), [])
        assert "offline" in answer.text


def field(**schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": schema}}


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ("use tool on the quick brown fox.", {"type": "string"}, "the quick brown fox"),
        ("use tool for “a b” please", {"type": "string"}, "a b"),
        ("use tool 7 times", {"type": "integer"}, 7),
        ("use tool", {"type": "integer", "minimum": 3}, 3),
        ("use tool at 2.5", {"type": "number"}, 2.5),
        ("use tool", {"type": "boolean"}, True),
        ("use tool in winter", {"enum": ["summer", "winter"]}, "winter"),
        ("use tool", {"default": "x", "type": "string"}, "x"),
        ("use tool on 4", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 4),
        ("use tool on Oslo", {"type": "array", "items": {"type": "string"}}, ["Oslo"]),
        ("use tool on Oslo", {"type": "object", "properties": {"city": {"type": "string"}}}, {"city": "Oslo"}),
        ("use tool on Oslo", {"type": ["string", "null"]}, "Oslo"),
    ],
)
def test_it_reads_arguments_from_the_message(text: str, schema: dict[str, Any], expected: object) -> None:
    assert reply(asks(text), [Offered("tool", (), field(**schema))]).calls == (("tool", {"it": expected}),)


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    answer = reply(
        asks("use tool"), [Offered("tool", (), {**field(**{"$ref": "#/$defs/node"}), "$defs": {"node": node}})]
    )
    assert json.dumps(answer.calls).count("next") == 3


def test_tools_are_known_by_their_words() -> None:
    offered = [Offered("word_count", (), {}), Offered("transfer_to_clerk", ("Clerk",), {}), Offered("look", (), {})]
    names = [name for name, _ in reply(asks("Word count this, then ask the clerk; do not overlook him"), offered).calls]
    assert names == ["word_count", "transfer_to_clerk"]


class Trip(BaseModel):
    city: str
    days: int


async def test_it_answers_in_the_form_that_an_agent_wants() -> None:
    agent = Agent(name="Planner", model=OfflineModel(delay=0), output_type=Trip)
    result = await Runner.run(agent, "Oslo for 3 days", run_config=UNTRACED)
    assert result.final_output == Trip(city="Oslo for 3 days", days=3)


@function_tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


async def test_it_calls_the_tools_of_any_agent_and_tells_what_came_back() -> None:
    agent = Agent(name="Clerk", model=OfflineModel(delay=0), tools=[add])
    result = await Runner.run(agent, "please add 40 and 2", run_config=UNTRACED)
    assert "- `add`: 42" in result.final_output
    assert result.context_wrapper.usage.requests == 2


async def test_the_plain_assistant_offline_has_something_to_call(
    runner: MakeRunner, session: AdvancedSQLiteSession
) -> None:
    watch = Watch()
    result = await runner(model="offline").run(session, "use word_count on one two three", watch)

    assert (result.outcome, result.model, result.estimated) == (Outcome.DONE, "offline", True)
    said = [(message_type(item), item_text(item)) for item in await session.get_items()]
    assert said[1:3] == [
        ("function_call", '{"text": "one two three"}'),
        ("function_call_output", "3 words, 13 characters"),
    ]
    assert "`word_count`: 3 words" in said[3][1]
    assert watch.last.usage is not None
    assert watch.last.usage.requests == 2


async def test_an_answer_faster_than_it_is_read_is_not_live_and_stored_at_once(
    runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "fast_agent.py"
    path.write_text(
        "from agents import Agent\n"
        "from tui.agent.offline import OfflineModel\n"
        "from tui.agent.sample_tools import word_count\n"
        "agent = Agent(name='Fast', model=OfflineModel(delay=0), tools=[word_count])\n",
        encoding="utf-8",
    )
    watch = Watch()
    await runner(agent=f"{path}:agent").run(session, "think, and use word_count on this", watch)
    assert watch.after_storing == [[], [], []]
    assert watch.last.live == ()


async def test_it_thinks_when_it_is_asked_to(runner: MakeRunner, session: AdvancedSQLiteSession) -> None:
    watch = Watch()
    await runner(model="offline").run(session, "think about it", watch)
    assert len(watch.grown("reasoning")) > 3
