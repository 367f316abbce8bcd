"""Sessions used by the SDK's `Runner`, with a model that answers without a server."""

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
    """Calls the tool once in a turn, then answers with the number of items that it got."""

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        items = kwargs.get("input", args[1] if len(args) > 1 else None)
        assert isinstance(items, list)
        usage = Usage(requests=1, input_tokens=10 * len(items), output_tokens=3, total_tokens=10 * len(items) + 3)
        if items[-1].get("type") == "function_call_output":
            text = ResponseOutputText(annotations=[], text=f"got {len(items)} items", type="output_text")
            message = ResponseOutputMessage(
                id="m", content=[text], role="assistant", status="completed", type="message"
            )
            return ModelResponse(output=[message], usage=usage, response_id=None)
        call = ResponseFunctionToolCall(
            id="f", call_id=f"about {items[-1]['content']}", name="clock", arguments="{}", type="function_call"
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
    """Return the event loop that `Runner.run_sync` uses; otherwise it leaves a loop of its own open."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        asyncio.set_event_loop(loop)
        yield loop
        asyncio.set_event_loop(None)


def converse(session: AdvancedSQLiteSession | SDKSession, loop: asyncio.AbstractEventLoop) -> list[object]:
    """Run three turns and a fork, as a synchronous program does."""
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
    assert expected[:3] == ["got 3 items", "got 7 items", "got 7 items"]


async def test_a_run_with_its_own_settings_reads_the_newest_items(ours: OpenOurs) -> None:
    session = ours(session_settings={"limit": 4})
    for question in ("one", "two"):
        await Runner.run(AGENT, question, session=session, run_config=QUIET)
    result = await Runner.run(AGENT, "three", session=session, run_config=QUIET)
    assert result.final_output == "got 7 items"
    assert len(await session.get_items(limit=-1)) == 12
