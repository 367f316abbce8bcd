"""Failures of a run: one clear message, and a branch that holds exactly what was sent and answered."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from tests.agent.conftest import MakeAgent, MakeRunner
from tests.agent.recording_hooks import RecordingHooks, shows, stored_texts
from tests.agent.server import (
    Answer,
    BrokenEvent,
    Call,
    CutOff,
    ErrorResponse,
    NoResponse,
    ScriptedServer,
    TextAnswer,
    ToolCalls,
)
from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import turn
from tui.agent import AgentRunner
from tui.items.types import message_type
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (ErrorResponse(401, "Incorrect API key provided: sk-abcdefgh12345678"), "key"),
        (ErrorResponse(403, "not yours"), "may not use"),
        (ErrorResponse(404, "The model 'tiny' does not exist"), "does not know the model"),
        (ErrorResponse(429, "slow down"), "rate limit"),
        (ErrorResponse(429, "pay", "insufficient_quota"), "credit"),
        (ErrorResponse(500, "upstream fell over"), "upstream fell over"),
        (ErrorResponse(400, "This model's maximum context length is 8 tokens", "context_length_exceeded"), "too long"),
        (ErrorResponse(400, "flagged", "content_filter"), "content filter"),
        (ErrorResponse(400, "temperature is not supported"), "temperature is not supported"),
        (BrokenEvent(), "broke"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_failure_before_the_answer_leaves_the_branch_as_it_was(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, answer: Answer, part: str
) -> None:
    await session.add_items(turn("Before"))
    before = await session.get_items()
    server.script(answer)
    result = await assistant.run(session, "Now", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert part in result.error
    assert result.hint
    assert "\n" not in result.error + result.hint
    assert (result.kept, result.usage) == (False, None)
    assert await session.get_items() == before

    server.script(TextAnswer("Now it works."))
    second = await assistant.run(session, "Now", RecordingHooks())
    assert second.outcome is Outcome.DONE
    assert (await stored_texts(session))[-2:] == [("user", "Now"), ("assistant", "Now it works.")]
    assert len(await session.get_conversation_turns()) == 2


@pytest.mark.parametrize(
    ("api", "message"),
    [("responses", "The server broke off in the middle of its answer."), ("chat", "The model gave no answer.")],
)
async def test_an_empty_answer(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, message: str
) -> None:
    server.script(CutOff("", clean=True))
    result = await assistant.run(session, "Hello", RecordingHooks())

    assert (result.outcome, result.error, result.kept) == (Outcome.FAILED, message, False)
    assert await session.get_items() == []


async def test_an_unreachable_server(make_runner: MakeRunner, session: AdvancedSQLiteSession) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    runner = make_runner(model="tiny", base_url=f"http://127.0.0.1:{port}/v1")
    result = await runner.run(session, "Hello", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "127.0.0.1 cannot be reached" in result.error
    assert not result.kept


@pytest.mark.parametrize(
    "answer", [CutOff("It is raining"), CutOff("It is raining", True), BrokenEvent("It is raining")]
)
async def test_the_arrived_part_of_a_broken_answer_is_kept(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK, answer: Answer
) -> None:
    server.script(answer)
    result = await assistant.run(session, "Weather?", RecordingHooks())

    # The SDK's client takes a chat stream that ends early for a complete answer.
    if result.outcome is Outcome.FAILED:
        assert result.error is not None
        assert "broke" in result.error
        assert (await session.get_items())[-1].get("status") == "incomplete"
    assert result.kept
    assert await stored_texts(session) == [("user", "Weather?"), ("assistant", "It is raining")]

    server.script(TextAnswer("As I said: rain."))
    await assistant.run(session, "Go on", RecordingHooks())
    assert [message_type(item) for item in await sdk().get_items()] == ["user", "assistant", "user", "assistant"]


async def test_an_incomplete_call_is_not_stored(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(CutOff("I look", call=Call("look", {"where": "everywhere"})))
    hooks = RecordingHooks()
    result = await assistant.run(session, "Look", hooks)

    assert result.outcome is Outcome.FAILED
    assert any("where" in text for text in hooks.states("function_call"))
    assert await stored_texts(session) == [("user", "Look"), ("assistant", "I look")]


async def test_a_server_killed_during_the_stream(
    make_runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("It is raining", pause=threading.Event()))
    hooks = RecordingHooks()
    runner = make_runner(model="tiny", base_url=server.url)
    run = asyncio.create_task(runner.run(session, "Weather?", hooks))
    await hooks.until(shows("It"))
    server.kill()
    result = await run

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "broke off" in result.error
    assert await stored_texts(session) == [("user", "Weather?"), ("assistant", "It")]


HURRIED = """
from agents import Agent, ModelSettings

agent = Agent(name="Hurried", model_settings=ModelSettings(timeout=0.05))
"""


async def test_a_model_timeout(make_agent: MakeAgent, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    gate = threading.Event()
    server.script(NoResponse(gate))
    result = await make_agent(HURRIED).run(session, "Hello", RecordingHooks())
    gate.set()

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "within 0.05 seconds" in result.error
    assert not result.kept


AGENTS = """
from agents import Agent, GuardrailFunctionOutput, function_tool, input_guardrail, output_guardrail

@input_guardrail
async def no_swearing(context, agent, message):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="damn" in str(message))

@output_guardrail
async def no_secrets(context, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="secret" in str(output))

@function_tool(failure_error_function=None)
def explode(reason: str) -> str:
    raise ValueError(f"boom: {reason} sk-abcdefgh12345678")

@function_tool
def stumble() -> str:
    raise ValueError("tripped")

@function_tool
def look() -> str:
    return "seen"

guarded = Agent(name="Guarded", input_guardrails=[no_swearing], output_guardrails=[no_secrets], tools=[look])
bomb = Agent(name="Bomb", tools=[explode, stumble, look])
"""

MakeFailing = Callable[..., AgentRunner]


@pytest.fixture
def failing(make_agent: MakeAgent) -> MakeFailing:
    """Create a runner of one of the agents above."""
    return lambda name, **settings: make_agent(AGENTS, name, api="responses", **settings)


@pytest.mark.parametrize(
    ("message", "answer", "error"),
    [
        ("damn", "Never mind.", "The guardrail 'no_swearing' refused the message."),
        ("Tell me", "The secret is out.", "The guardrail 'no_secrets' refused the answer."),
    ],
)
async def test_a_guardrail_refuses_the_message_or_the_answer(
    failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession, message: str, answer: str, error: str
) -> None:
    server.script(TextAnswer(answer))
    result = await failing("guarded").run(session, message, RecordingHooks())

    assert (result.outcome, result.error, result.kept) == (Outcome.FAILED, error, False)
    assert await session.get_items() == []


async def test_a_refused_answer_after_a_tool_leaves_the_call_but_not_the_answer(
    failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("look")]), TextAnswer("The secret is out."))
    result = await failing("guarded").run(session, "Look", RecordingHooks())

    assert (result.outcome, result.kept) == (Outcome.FAILED, True)
    assert [kind for kind, _ in await stored_texts(session)] == ["user", "function_call", "function_call_output"]
    assert result.usage is not None


async def test_a_tool_that_raises(failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    calls = [Call("look", {}, "c1"), Call("explode", {"reason": "heat"}, "c2")]
    server.script(ToolCalls(calls), TextAnswer("Oh."))
    result = await failing("bomb").run(session, "Explode", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.startswith("The tool 'explode' failed: boom: heat")
    assert "agents_under_test.py" in result.details
    assert "sk-abcdefgh" not in result.error + result.hint + result.details
    outputs = {item.get("call_id"): item.get("output") for item in await session.get_items() if "output" in item}
    # The first tool may have returned before the second one raised.
    assert outputs.pop("c1") in ("seen", "The run failed before this call finished.")
    assert outputs == {"c2": "The run failed before this call finished."}

    server.script(TextAnswer("Better now."))
    assert (await failing("bomb").run(session, "Go on", RecordingHooks())).outcome is Outcome.DONE


async def test_a_tool_failure_that_the_model_receives_does_not_fail_the_run(
    failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("stumble")]), TextAnswer("It tripped."))
    result = await failing("bomb").run(session, "Walk", RecordingHooks())
    assert result.outcome is Outcome.DONE


async def test_a_tool_that_does_not_exist(
    failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("fly")]))
    result = await failing("bomb").run(session, "Fly", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "fly" in result.error
    assert [kind for kind, _ in await stored_texts(session)] == ["user", "function_call", "function_call_output"]


async def test_too_many_turns(failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    server.script(*(ToolCalls([Call("look", {}, f"c{number}")]) for number in range(3)))
    result = await failing("bomb", max_turns=2).run(session, "Look", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "(2)" in result.error
    assert [kind for kind, _ in await stored_texts(session)].count("function_call_output") == 2
    assert result.usage is not None


async def test_messages_contain_no_secrets(
    assistant: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-real-key-of-mine")
    server.script(
        ErrorResponse(400, "bad header Authorization: Bearer the-real-key-of-mine, token sk-proj-1234567890abcdef")
    )
    result = await assistant.run(session, "Hello", RecordingHooks())

    assert server.headers["authorization"] == "Bearer the-real-key-of-mine"
    message = f"{result.error}{result.hint}{result.details}"
    assert "the-real-key-of-mine" not in message
    assert "sk-proj" not in message
    assert "bad header" in message


async def test_a_branch_that_is_deleted_during_the_run(
    failing: MakeFailing, server: ScriptedServer, session: AdvancedSQLiteSession, ours: OpenOurs
) -> None:
    await session.add_items(turn("One"))
    branch = await session.fork(2, branch_name="deleted")
    await ours().delete_branch(branch)
    server.script(TextAnswer("Too late."))
    result = await failing("bomb").run(session, "Two", RecordingHooks())

    assert result.outcome is Outcome.FAILED
    assert not result.kept
