"""Stopping a run: what had arrived is kept, and the branch can be continued."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from tests.agent import uncancellable
from tests.agent.conftest import MakeAgent, MakeRunner
from tests.agent.recording_hooks import RecordingHooks, shows, stored_texts
from tests.agent.server import Call, NoResponse, ScriptedServer, TextAnswer, ToolCalls
from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import turn
from tui.agent import AgentRunner, Api
from tui.agent.run import AgentRun
from tui.items.types import message_type
from tui.model import Outcome
from tui.runs.protocol import RunResult
from tui.session import AdvancedSQLiteSession

STOPPED = "Stopped before it finished."

AGENT = """
import asyncio
from agents import Agent, function_tool

@function_tool
def look(where: str) -> str:
    return f"nothing {where}"

@function_tool
async def wait_forever() -> str:
    await asyncio.get_running_loop().create_future()
    return "never"

@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    return f"paid {amount}"

agent = Agent(name="Patient", tools=[look, wait_forever, pay])
"""


@pytest.fixture
def runner(make_agent: MakeAgent, api: Api) -> AgentRunner:
    return make_agent(AGENT, api=api)


@pytest.fixture
def gate() -> threading.Event:
    """Lets the server continue after it has paused."""
    return threading.Event()


async def stop_when(
    runner: AgentRunner,
    session: AdvancedSQLiteSession,
    hooks: RecordingHooks,
    condition: Callable[[RecordingHooks], bool],
) -> RunResult:
    """Start a run, and stop it when a condition holds."""
    run = asyncio.create_task(runner.run(session, "Do it", hooks))
    await hooks.until(condition)
    run.cancel()
    return await run


async def continue_branch(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK
) -> list[str]:
    """Send another message, and return the types of the items as the SDK's own class reads them."""
    server.script(TextAnswer("Here I am again."))
    result = await runner.run(session, "Go on", RecordingHooks())
    assert (result.outcome, result.error) == (Outcome.DONE, None)
    items = await sdk().get_items()
    assert items == await session.get_items()
    return [message_type(item) for item in items]


async def test_stopping_during_the_stream_keeps_the_arrived_part(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK, gate: threading.Event
) -> None:
    server.script(TextAnswer("Slowly it comes.", pause=gate))
    result = await stop_when(runner, session, RecordingHooks(), shows("Slowly"))
    gate.set()

    assert (result.outcome, result.error, result.kept, result.usage) == (Outcome.STOPPED, None, True, None)
    assert await stored_texts(session) == [("user", "Do it"), ("assistant", "Slowly")]
    assert (await session.get_items())[-1].get("status") == "incomplete"
    assert await continue_branch(runner, server, session, sdk) == ["user", "assistant", "user", "assistant"]


async def test_the_cancellation_of_a_stopped_task_is_cleared(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, gate: threading.Event
) -> None:
    server.script(TextAnswer("Slowly it comes.", pause=gate))
    hooks = RecordingHooks()

    async def run_and_count_cancellations() -> int:
        await runner.run(session, "Do it", hooks)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    run = asyncio.create_task(run_and_count_cancellations())
    await hooks.until(shows("Slowly"))
    run.cancel()
    assert await run == 0
    gate.set()


async def test_repeated_stopping_changes_nothing(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, gate: threading.Event
) -> None:
    server.script(TextAnswer("Slowly it comes.", pause=gate))
    hooks = RecordingHooks()
    run = asyncio.create_task(runner.run(session, "Do it", hooks))
    await hooks.until(shows("Slowly"))
    while not run.done():
        run.cancel()
        await asyncio.sleep(0)
    gate.set()

    assert (await run).outcome is Outcome.STOPPED
    assert await stored_texts(session) == [("user", "Do it"), ("assistant", "Slowly")]


async def test_stopping_before_the_first_word_keeps_the_message(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK, gate: threading.Event
) -> None:
    server.script(NoResponse(gate))
    result = await stop_when(runner, session, RecordingHooks(), lambda hooks: hooks.stored_count == 1)
    gate.set()

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    assert await stored_texts(session) == [("user", "Do it")]
    assert await continue_branch(runner, server, session, sdk) == ["user", "user", "assistant"]


async def test_stopping_at_once_leaves_the_branch_as_it_was(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    await session.add_items(turn("Before"))
    await runner.prepare()
    run = asyncio.create_task(runner.run(session, "Do it", RecordingHooks()))
    await asyncio.sleep(0)
    run.cancel()
    result = await run

    assert (result.outcome, result.kept) == (Outcome.STOPPED, False)
    assert [text for _, text in await stored_texts(session)] == ["Before", "Yes."]
    assert server.requests == []


async def test_stopping_while_a_tool_runs(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK
) -> None:
    calls = [Call("look", {"where": "here"}, "c1"), Call("wait_forever", {}, "c2")]
    server.script(ToolCalls(calls, text="I look."))
    result = await stop_when(runner, session, RecordingHooks(), shows("nothing here"))

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    # The response with the calls was complete, and had reported its usage.
    assert result.usage is not None
    assert await stored_texts(session) == [
        ("user", "Do it"),
        ("assistant", "I look."),
        ("function_call", '{"where": "here"}'),
        ("function_call", "{}"),
        ("function_call_output", "nothing here"),
        ("function_call_output", STOPPED),
    ]
    assert (await continue_branch(runner, server, session, sdk))[-2:] == ["user", "assistant"]


async def test_stopping_after_a_tool_during_the_next_answer(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK, gate: threading.Event
) -> None:
    server.script(ToolCalls([Call("look", {"where": "here"}, "c1")]), TextAnswer("There was nothing.", pause=gate))
    result = await stop_when(runner, session, RecordingHooks(), shows("There"))
    gate.set()

    assert result.outcome is Outcome.STOPPED
    assert await stored_texts(session) == [
        ("user", "Do it"),
        ("function_call", '{"where": "here"}'),
        ("function_call_output", "nothing here"),
        ("assistant", "There"),
    ]
    assert result.usage is not None
    assert result.usage.context_wrapper.usage.requests == 1
    assert (await continue_branch(runner, server, session, sdk))[-2:] == ["user", "assistant"]


async def test_stopping_instead_of_an_approval(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, sdk: OpenSDK
) -> None:
    server.script(ToolCalls([Call("pay", {"amount": 5}, "c1")]))
    result = await stop_when(runner, session, RecordingHooks(), lambda hooks: bool(hooks.approvals))

    assert result.outcome is Outcome.STOPPED
    assert await stored_texts(session) == [
        ("user", "Do it"),
        ("function_call", '{"amount": 5}'),
        ("function_call_output", STOPPED),
    ]
    assert (await continue_branch(runner, server, session, sdk))[-2:] == ["user", "assistant"]


async def test_a_tool_that_ignores_its_cancellation_is_abandoned(
    make_runner: MakeRunner,
    server: ScriptedServer,
    session: AdvancedSQLiteSession,
    sdk: OpenSDK,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AgentRun, "stop_timeout", 0.05)
    runner = make_runner(agent="tests.agent.uncancellable:make_agent", model="tiny", base_url=server.url)
    await runner.prepare()
    tool = uncancellable.tools[-1]
    server.script(ToolCalls([Call("hold_on", {}, "c1")]))
    run = asyncio.create_task(runner.run(session, "Do it", RecordingHooks()))
    await tool.started.wait()
    run.cancel()
    result = await run

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    assert (await stored_texts(session))[2:] == [("function_call_output", STOPPED)]
    assert not tool.done.is_set()
    assert len(await continue_branch(runner, server, session, sdk)) == 5
    tool.release.set()
    await tool.done.wait()
    assert len(await session.get_items()) == 5


async def test_the_usage_of_a_stopped_run_belongs_to_its_turn(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("pay", {"amount": 5}, "c1")]))
    result = await stop_when(runner, session, RecordingHooks(), lambda hooks: bool(hooks.approvals))
    await session.store_run_usage(result.usage)

    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert (usage["requests"], usage["total_tokens"]) == (1, 17)


async def test_two_concurrent_runs_on_two_branches_of_one_file(
    runner: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, ours: OpenOurs
) -> None:
    await session.add_items(turn("Before"))
    await session.fork(branch_name="aside", switch=False)
    other = ours()
    await other.switch_to_branch("aside")
    gates = threading.Event(), threading.Event()
    server.script(*(TextAnswer("Here I am.", pause=gate) for gate in gates), TextAnswer("Done."))
    hooks_on_main, hooks_aside = RecordingHooks(), RecordingHooks()
    await runner.prepare()
    runs = [
        asyncio.create_task(runner.run(session, "On main", hooks_on_main)),
        asyncio.create_task(runner.run(other, "Aside", hooks_aside)),
    ]
    # Both stream before either ends.
    await hooks_on_main.until(shows("Here"))
    await hooks_aside.until(shows("Here"))
    for gate in gates:
        gate.set()
    results = await asyncio.gather(*runs)

    assert [result.outcome for result in results] == [Outcome.DONE, Outcome.DONE]
    assert (await stored_texts(session))[2:] == [("user", "On main"), ("assistant", "Here I am.")]
    assert (await stored_texts(other))[2:] == [("user", "Aside"), ("assistant", "Here I am.")]
