"""One run: the message, the agent's answer as it comes, and the branch in order whatever happens."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agents import FunctionTool, ItemHelpers, RunContextWrapper, RunHooks, Runner, Tool
from agents.run_config import DEFAULT_MAX_TURNS
from agents.tool_context import ToolContext
from openai.types.responses import ResponseFunctionToolCall
from typing_extensions import override

from tui.agent.cancellation import uncancel
from tui.agent.error_messages import EmptyAnswerError, Failure, explain
from tui.agent.live_items import ItemData, LiveItems, unanswered
from tui.agent.recording_session import RecordingSession
from tui.items.types import is_user_message
from tui.model import Approval, Decision, Outcome, Progress, Usage
from tui.runs.protocol import Hooks, RunResult

if TYPE_CHECKING:
    from agents import RunResultStreaming, RunState, ToolApprovalItem

    from tui.agent.loading import Loaded
    from tui.session import AdvancedSQLiteSession

__all__ = ["AgentRun"]

_PATIENCE: Final = 5.0
"""Seconds that a stopped run is given to end; a tool that will not be cancelled is left to itself."""

_CUT_SHORT: Final = {
    Outcome.STOPPED: "Stopped before it finished.",
    Outcome.FAILED: "The run failed before this call finished.",
}

T = TypeVar("T")


class AgentRun:
    """A message and its answer on the current branch of a session; good for one `run`."""

    def __init__(self, loaded: Loaded, session: AdvancedSQLiteSession, text: str, hooks: Hooks) -> None:
        self._started_at, self._begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
        self._loaded = loaded
        self._text = text
        self._hooks = hooks
        self._tail = LiveItems(text)
        self._ledger = RecordingSession(session, self._stored)
        self._result: RunResultStreaming | None = None

    async def run(self) -> RunResult:
        """Say the message, let the agent answer, and tell how that ended; never raises."""
        outcome, failure = Outcome.DONE, None
        try:
            await self._converse()
        except asyncio.CancelledError:
            outcome = Outcome.STOPPED
        except Exception as error:
            outcome, failure = Outcome.FAILED, explain(error)
        return await _undisturbed(self._settle(outcome, failure))

    async def _converse(self) -> None:
        said: str | RunState[Any] = self._text
        while True:
            self._result = result = Runner.run_streamed(
                self._loaded.agent,
                said,
                session=self._ledger,
                hooks=_ToolHooks(self._tail, self._show),
                run_config=self._loaded.config,
                max_turns=self._loaded.max_turns or DEFAULT_MAX_TURNS,
            )
            self._show()
            begun = False
            async for event in result.stream_events():
                if not begun:
                    begun = True
                    # The SDK has copied a long branch by now, which the collector would look at again and again.
                    gc.freeze()
                self._tail.apply(event)
                self._show()
            if result.run_loop_exception is not None:
                raise result.run_loop_exception
            if not result.interruptions:
                break
            said = result.to_state()
            asked = tuple(result.interruptions)
            decisions = await self._hooks.approve([_approval(item) for item in asked])
            for item, decision in zip(asked, decisions, strict=True):
                _decide(said, item, decision)
        if all(is_user_message(item) for item in self._ledger.written):
            raise EmptyAnswerError

    async def _settle(self, outcome: Outcome, failure: Failure | None) -> RunResult:
        """Bring the branch in order, and tell how the run ended."""
        if self._result is not None and outcome is not Outcome.DONE:
            self._result.cancel()
            if self._result.run_loop_task is not None:
                await asyncio.wait({self._result.run_loop_task}, timeout=_PATIENCE)
        await self._ledger.close()
        kept = True
        if outcome is not Outcome.DONE:
            try:
                kept = await self._put_in_order(outcome, refused=failure is not None and failure.refused)
            except Exception as error:
                outcome, failure = Outcome.FAILED, failure or explain(error)
        agent = self._loaded.agent if self._result is None else self._result.last_agent
        return RunResult(
            outcome,
            self._started_at,
            time.monotonic() - self._begun,
            model=self._loaded.model_name(agent),
            agent=agent.name,
            # The turn that they would be stored for is not there if the message is not.
            usage=self._result if kept and self._usage() is not None else None,
            estimated=self._loaded.estimates(agent),
            error=None if failure is None else failure.sentence,
            hint="" if failure is None else failure.hint,
            details="" if failure is None else failure.details,
            kept=kept,
        )

    async def _put_in_order(self, outcome: Outcome, *, refused: bool) -> bool:
        """Store what had arrived, answer the calls that nobody answered; whether the branch holds the message now."""
        ledger = self._ledger
        if not ledger.written:
            return False
        remains = [] if refused else _of_use(self._tail.remains(), ledger.written)
        if not remains and outcome is Outcome.FAILED and await ledger.take_back():
            return False
        output = {"type": "function_call_output", "status": "incomplete", "output": _CUT_SHORT[outcome]}
        calls = unanswered([*ledger.written, *remains])
        await ledger.append([*remains, *({**output, "call_id": call_id} for call_id in calls)])
        return True

    def _usage(self) -> Usage | None:
        """The tokens so far; None where the server told of none."""
        if self._result is None:
            return None
        used = self._result.context_wrapper.usage
        if not used.total_tokens:
            return None
        return Usage(
            used.requests,
            used.input_tokens,
            used.output_tokens,
            used.total_tokens,
            used.input_tokens_details.cached_tokens,
            used.output_tokens_details.reasoning_tokens,
        )

    def _show(self) -> None:
        self._hooks.progress(Progress(self._tail.doing, self._tail.items, self._usage(), len(self._ledger.written)))

    def _stored(self, items: Sequence[ItemData]) -> None:
        self._tail.drop(items)
        self._hooks.stored()
        self._show()


class _ToolHooks(RunHooks[Any]):
    """Tells of each tool as it begins and ends; the stream does so when all of a response's tools are done."""

    def __init__(self, tail: LiveItems, show: Callable[[], None]) -> None:
        self._tail = tail
        self._show = show

    @override
    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        self._tail.tool_started(tool.name)
        self._show()

    @override
    async def on_tool_end(self, context: RunContextWrapper[Any], agent: Any, tool: Tool, result: object) -> None:
        if not (isinstance(context, ToolContext) and isinstance(tool, FunctionTool)):
            return
        call = ResponseFunctionToolCall(
            type="function_call",
            call_id=context.tool_call_id,
            name=context.tool_name,
            arguments=context.tool_arguments,
        )
        self._tail.tool_output(dict(ItemHelpers.tool_call_output_item(call, result)))
        self._show()


def _approval(item: ToolApprovalItem) -> Approval:
    return Approval(
        call_id=item.call_id or "",
        tool_name=item.qualified_name or item.name or "",
        arguments=item.arguments or "",
        agent=item.agent.name,
    )


def _decide(state: RunState[Any], item: ToolApprovalItem, decision: Decision) -> None:
    if decision.approved:
        state.approve(item, always_approve=decision.always)
    else:
        state.reject(item, always_reject=decision.always, rejection_message=decision.reason or None)


def _of_use(remains: Sequence[ItemData], written: Sequence[ItemData]) -> list[ItemData]:
    """What remains of a run without what its session holds already, and without outputs of calls that nobody made."""
    known = {(item.get("type"), item.get("call_id")) for item in written if item.get("call_id")}
    calls = {item.get("call_id") for item in (*written, *remains) if item.get("type") == "function_call"}
    return [
        item
        for item in remains
        if "call_id" not in item or (item["call_id"] in calls and (item["type"], item["call_id"]) not in known)
    ]


async def _undisturbed(work: Coroutine[Any, Any, T]) -> T:
    """Finish some work although the task is cancelled, maybe again; the task counts as not cancelled afterwards."""
    working = asyncio.ensure_future(work)
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            continue
    uncancel()
    return working.result()
