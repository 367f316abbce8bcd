"""The session in the SDK's own hands: `Runner` with an agent whose model answers from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from tests.conftest import OpenOurs, OpenSDK
from tui.session import AdvancedSQLiteSession


class Parrot(Model):
    """Calls the tool once in a turn, then repeats how much it was told."""

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        told = kwargs.get("input", args[1] if len(args) > 1 else None)
        assert isinstance(told, list)
        usage = Usage(requests=1, input_tokens=10 * len(told), output_tokens=3, total_tokens=10 * len(told) + 3)
        if told[-1].get("type") == "function_call_output":
            text = ResponseOutputText(annotations=[], text=f"told {len(told)} items", type="output_text")
            message = ResponseOutputMessage(
                id="m", content=[text], role="assistant", status="completed", type="message"
            )
            return ModelResponse(output=[message], usage=usage, response_id=None)
        call = ResponseFunctionToolCall(
            id="f", call_id=f"about {told[-1]['content']}", name="clock", arguments="{}", type="function_call"
        )
        return ModelResponse(output=[call], usage=usage, response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


@function_tool
def clock() -> str:
    """Tell the time."""
    return "noon"


AGENT = Agent(name="parrot", model=Parrot(), tools=[clock])
QUIET = RunConfig(tracing_disabled=True)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that `Runner.run_sync` finds; it would leave one of its own behind."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        asyncio.set_event_loop(loop)
        yield loop
        asyncio.set_event_loop(None)


def converse(session: AdvancedSQLiteSession | SDKSession, loop: asyncio.AbstractEventLoop) -> list[object]:
    """Three turns and a fork, as a program runs them that is not asynchronous itself."""
    wait = loop.run_until_complete
    seen: list[object] = []

    def ask(question: str) -> None:
        result = Runner.run_sync(AGENT, question, session=session, run_config=QUIET)
        wait(session.store_run_usage(result))
        seen.append(result.final_output)

    ask("what time is it?")
    ask("and now?")
    wait(session.create_branch_from_turn(2, "again"))
    ask("once more")
    for branch in ("main", "again"):
        seen.append(wait(session.get_items(branch_id=branch)))
        seen.append(wait(session.get_turn_usage(branch_id=branch)))
        seen.append(wait(session.get_tool_usage(branch)))
    return seen


def test_a_program_runs_the_same_on_both_classes(ours: OpenOurs, sdk: OpenSDK, loop: asyncio.AbstractEventLoop) -> None:
    expected = converse(sdk(session_id="sdk"), loop)
    assert converse(ours(session_id="ours"), loop) == expected
    assert expected[:3] == ["told 3 items", "told 7 items", "told 7 items"]


async def test_a_run_with_settings_of_its_own_reads_the_newest_items(ours: OpenOurs) -> None:
    session = ours(session_settings={"limit": 4})
    for question in ("one", "two"):
        await Runner.run(AGENT, question, session=session, run_config=QUIET)
    result = await Runner.run(AGENT, "three", session=session, run_config=QUIET)
    assert result.final_output == "told 7 items"
    assert len(await session.get_items(limit=-1)) == 12
