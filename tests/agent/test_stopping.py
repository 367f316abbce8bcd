"""Stopping a run: what had arrived stays, and the branch goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent import stubborn
from tests.agent.recording_hooks import Watch
from tests.agent.server import Answer, Call, Calls, Says, ScriptedServer, Silent
from tests.conversations import open_sdk, turn
from tui.agent import AgentRunner
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Outcome
from tui.runs.protocol import RunResult
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]

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


@pytest.fixture(params=["responses", "chat"])
def patient(request: pytest.FixtureRequest, tmp_path: Path, runner: MakeRunner, server: ScriptedServer) -> AgentRunner:
    path = tmp_path / "patient_agent.py"
    path.write_text(AGENT, encoding="utf-8")
    return runner(agent=f"{path}:agent", model="tiny", base_url=server.url, api=request.param)


async def stored(session: AdvancedSQLiteSession) -> list[tuple[str, str]]:
    return [(message_type(item), item_text(item)) for item in await session.get_items()]


async def stop_when(
    runner: AgentRunner, session: AdvancedSQLiteSession, watch: Watch, reached: Callable[[Watch], bool], times: int = 1
) -> RunResult:
    """Run, and stop as soon as the run has told of something."""
    running = asyncio.create_task(runner.run(session, "Do it", watch))
    await watch.until(reached)
    for _ in range(times):
        running.cancel()
    return await running


def says(text: str) -> Callable[[Watch], bool]:
    return lambda watch: any(text in item_text(item.data) for item in watch.last.live)


async def goes_on(
    runner: AgentRunner,
    server: ScriptedServer,
    session: AdvancedSQLiteSession,
    path: Path,
    answer: Answer | None = None,
) -> list[str]:
    """Send another message, and read the branch with the SDK's own class."""
    server.will(answer or Says("Here I am again."))
    result = await runner.run(session, "Go on", Watch())
    assert (result.outcome, result.error) == (Outcome.DONE, None)
    sdk = open_sdk(path, "talk")
    items = await sdk.get_items()
    sdk.close()
    assert items == await session.get_items()
    return [message_type(item) for item in items]


async def test_stopping_in_mid_stream_keeps_what_had_arrived(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    gate = threading.Event()
    server.will(Says("Slowly it comes.", pause=gate))
    result = await stop_when(patient, session, Watch(), says("Slowly"))
    gate.set()

    assert (result.outcome, result.error, result.kept, result.usage) == (Outcome.STOPPED, None, True, None)
    assert await stored(session) == [("user", "Do it"), ("assistant", "Slowly")]
    assert (await session.get_items())[-1].get("status") == "incomplete"
    assert await goes_on(patient, server, session, path) == ["user", "assistant", "user", "assistant"]


async def test_a_stopped_task_is_not_cancelled_any_more(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    gate = threading.Event()
    server.will(Says("Slowly it comes.", pause=gate))
    watch = Watch()

    async def run_and_look() -> int:
        await patient.run(session, "Do it", watch)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    running = asyncio.create_task(run_and_look())
    await watch.until(says("Slowly"))
    running.cancel()
    assert await running == 0
    gate.set()


async def test_stopping_again_and_again_changes_nothing(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    gate = threading.Event()
    server.will(Says("Slowly it comes.", pause=gate))
    watch = Watch()
    running = asyncio.create_task(patient.run(session, "Do it", watch))
    await watch.until(says("Slowly"))
    while not running.done():
        running.cancel()
        await asyncio.sleep(0)
    gate.set()

    assert (await running).outcome is Outcome.STOPPED
    assert await stored(session) == [("user", "Do it"), ("assistant", "Slowly")]


async def test_stopping_before_the_first_word_keeps_the_message(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    gate = threading.Event()
    server.will(Silent(gate))
    result = await stop_when(patient, session, Watch(), lambda watch: watch.stored_times == 1)
    gate.set()

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    assert await stored(session) == [("user", "Do it")]
    assert await goes_on(patient, server, session, path) == ["user", "user", "assistant"]


async def test_stopping_at_once_leaves_the_branch_as_it_was(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    await session.add_items(turn("Before"))
    await patient.prepare()
    running = asyncio.create_task(patient.run(session, "Do it", Watch()))
    await asyncio.sleep(0)
    running.cancel()
    result = await running

    assert (result.outcome, result.kept) == (Outcome.STOPPED, False)
    assert [text for _, text in await stored(session)] == ["Before", "Yes."]
    assert server.asked == []


async def test_stopping_while_a_tool_runs(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    calls = [Call("look", {"where": "here"}, "c1"), Call("wait_forever", {}, "c2")]
    server.will(Calls(calls, text="I look."))
    result = await stop_when(patient, session, Watch(), says("nothing here"))

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    # The answer that called the tools was whole, and the server had told what it cost.
    assert result.usage is not None
    assert await stored(session) == [
        ("user", "Do it"),
        ("assistant", "I look."),
        ("function_call", '{"where": "here"}'),
        ("function_call", "{}"),
        ("function_call_output", "nothing here"),
        ("function_call_output", STOPPED),
    ]
    assert (await goes_on(patient, server, session, path))[-2:] == ["user", "assistant"]


async def test_stopping_after_a_tool_while_the_next_answer_comes(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    gate = threading.Event()
    server.will(Calls([Call("look", {"where": "here"}, "c1")]), Says("There was nothing.", pause=gate))
    result = await stop_when(patient, session, Watch(), says("There"))
    gate.set()

    assert result.outcome is Outcome.STOPPED
    assert await stored(session) == [
        ("user", "Do it"),
        ("function_call", '{"where": "here"}'),
        ("function_call_output", "nothing here"),
        ("assistant", "There"),
    ]
    assert result.usage is not None
    assert result.usage.context_wrapper.usage.requests == 1
    assert (await goes_on(patient, server, session, path))[-2:] == ["user", "assistant"]


async def test_stopping_instead_of_an_approval(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    server.will(Calls([Call("pay", {"amount": 5}, "c1")]))
    result = await stop_when(patient, session, Watch(), lambda watch: bool(watch.asked))

    assert result.outcome is Outcome.STOPPED
    assert await stored(session) == [
        ("user", "Do it"),
        ("function_call", '{"amount": 5}'),
        ("function_call_output", STOPPED),
    ]
    assert (await goes_on(patient, server, session, path))[-2:] == ["user", "assistant"]


async def test_a_tool_that_will_not_be_stopped_is_left_to_itself(
    runner: MakeRunner,
    server: ScriptedServer,
    session: AdvancedSQLiteSession,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.agent.run._PATIENCE", 0.05)
    holding = runner(agent="tests.agent.stubborn:make", model="tiny", base_url=server.url)
    await holding.prepare()
    tool = stubborn.made[-1]
    server.will(Calls([Call("hold_on", {}, "c1")]))
    running = asyncio.create_task(holding.run(session, "Do it", Watch()))
    await tool.begun.wait()
    running.cancel()
    result = await running

    assert (result.outcome, result.kept) == (Outcome.STOPPED, True)
    assert (await stored(session))[2:] == [("function_call_output", STOPPED)]
    assert not tool.done.is_set()
    assert len(await goes_on(holding, server, session, path)) == 5
    tool.let_go.set()
    await tool.done.wait()
    assert len(await session.get_items()) == 5


async def test_the_usage_of_a_stopped_run_belongs_to_its_turn(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("pay", {"amount": 5}, "c1")]))
    result = await stop_when(patient, session, Watch(), lambda watch: bool(watch.asked))
    await session.store_run_usage(result.usage)

    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert (usage["requests"], usage["total_tokens"]) == (1, 17)


async def test_two_runs_at_once_on_two_branches_of_one_file(
    patient: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    await session.add_items(turn("Before"))
    await session.fork(name="aside", switch=False)
    other = AdvancedSQLiteSession(session_id="talk", db_path=path)
    await other.switch_to_branch("aside")
    gates = threading.Event(), threading.Event()
    server.will(*(Says("Here I am.", pause=gate) for gate in gates), Says("Done."))
    watches = Watch(), Watch()
    await patient.prepare()
    running = [
        asyncio.create_task(patient.run(each, text, watch))
        for each, text, watch in ((session, "On main", watches[0]), (other, "Aside", watches[1]))
    ]
    # Both are in mid-stream before either ends.
    for watch in watches:
        await watch.until(says("Here"))
    for gate in gates:
        gate.set()
    results = await asyncio.gather(*running)

    assert [result.outcome for result in results] == [Outcome.DONE, Outcome.DONE]
    assert (await stored(session))[2:] == [("user", "On main"), ("assistant", "Here I am.")]
    assert (await stored(other))[2:] == [("user", "Aside"), ("assistant", "Here I am.")]
    other.close()
