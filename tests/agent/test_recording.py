"""Requests of the explorer's runs are recorded as the server got them, however the run ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.agent.conftest import MakeAgent
from tests.agent.recording_hooks import RecordingHooks, shows
from tests.agent.server import Call, ErrorResponse, ScriptedServer, TextAnswer, ToolCalls
from tests.recorded import assert_sums, read_recorded
from tui.agent import AgentRunner, Api
from tui.model import ApprovalDecision, Outcome
from tui.session import AdvancedSQLiteSession

AGENT = """
from agents import Agent, ModelSettings, function_tool

@function_tool
def look(where: str) -> str:
    "Look somewhere."
    return f"nothing {where}"

@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    "Pay an amount in €."
    return f"paid {amount}"

agent = Agent(name="Guide", instructions="Be “kind”.", tools=[look, pay], model_settings=ModelSettings(temperature=0.5))
"""


@pytest.fixture
def runner(make_agent: MakeAgent, api: Api) -> AgentRunner:
    return make_agent(AGENT, api=api)


async def test_a_request_is_recorded_as_the_server_got_it(
    make_agent: MakeAgent, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    runner = make_agent(AGENT, api="responses")
    server.script(ToolCalls([Call("look", {"where": "here"}, "c1")]), TextAnswer("Nothing.", reasoning="I see."))
    result = await runner.run(session, "What is there?", RecordingHooks())
    found = await read_recorded(path)
    await session.store_run_usage(result.usage)
    assert await read_recorded(path) == found

    assert [(sent.instructions, sent.tools, sent.items) for sent in found.inputs] == [
        (body["instructions"], body["tools"], body["input"]) for body in server.requests
    ]
    for sent, body in zip(found.inputs, server.requests, strict=True):
        assert sent.settings is not None
        assert sent.settings == {name: body[name] for name in sent.settings}
    assert [(request.agent, request.model, request.turn, request.number) for request in found.requests] == [
        ("Guide", "tiny", 1, 1),
        ("Guide", "tiny", 1, 2),
    ]
    for request in found.requests:
        assert request.seconds is not None
        assert request.first_token_seconds is not None
        assert 0 < request.first_token_seconds <= request.seconds
    await assert_sums(session, found.requests)


async def test_usage_that_is_shown_is_stored(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    server.script(
        ToolCalls([Call("pay", {"amount": 5}, "c1")]),
        ToolCalls([Call("look", {"where": "here"}, "c2")]),
        TextAnswer("Ok."),
    )
    hooks = RecordingHooks(ApprovalDecision(approved=True))
    result = await runner.run(session, "Pay", hooks)

    assert result.outcome is Outcome.DONE
    found = await read_recorded(path)
    assert len(found.requests) == 3
    await assert_sums(session, found.requests)
    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert hooks.last.usage is not None
    assert (usage["requests"], usage["total_tokens"]) == (hooks.last.usage.requests, hooks.last.usage.total_tokens)
    await session.store_run_usage(result.usage)
    assert await read_recorded(path) == found


async def test_a_stopped_run_keeps_its_requests(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    gate = threading.Event()
    server.script(ToolCalls([Call("look", {"where": "here"}, "c1")]), TextAnswer("There was nothing.", pause=gate))
    hooks = RecordingHooks()
    run = asyncio.create_task(runner.run(session, "Look", hooks))
    await hooks.until(shows("There"))
    run.cancel()
    result = await run
    gate.set()

    found = await read_recorded(path)
    assert [request.usage is None for request in found.requests] == [False, True]
    assert [len(sent.items or ()) for sent in found.inputs] == [1, 3]
    assert found.requests[1].first_token_seconds is not None
    await assert_sums(session, found.requests)
    await session.store_run_usage(result.usage)
    assert await read_recorded(path) == found


async def test_a_failed_run_keeps_its_requests(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    server.script(ToolCalls([Call("look", {"where": "here"}, "c1")]), ErrorResponse(400))
    result = await runner.run(session, "Look", RecordingHooks())

    assert (result.outcome, result.kept) == (Outcome.FAILED, True)
    found = await read_recorded(path)
    assert [request.usage is None for request in found.requests] == [False, True]
    await assert_sums(session, found.requests)


async def test_a_message_that_is_removed_leaves_no_requests(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    server.script(TextAnswer("Yes."), ErrorResponse(400), TextAnswer("Here again."))
    await runner.run(session, "First", RecordingHooks())
    before = await read_recorded(path)
    result = await runner.run(session, "Second", RecordingHooks())

    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert await read_recorded(path) == before
    await runner.run(session, "Second", RecordingHooks())
    found = await read_recorded(path)
    assert [(request.turn, request.number) for request in found.requests] == [(1, 1), (2, 1)]


async def test_a_server_that_counts_no_tokens_is_recorded_without(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    server.script(TextAnswer("Yes.", usage=False))
    await runner.run(session, "Is it?", RecordingHooks())

    found = await read_recorded(path)
    assert [request.usage for request in found.requests] == [None]
    assert [len(sent.items or ()) for sent in found.inputs] == [1]
    assert await session.get_turn_usage() == []
