"""One run of an agent, which leaves a consistent branch however it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from agents import FunctionTool, ItemHelpers, RunContextWrapper, RunHooks, Runner, Tool
from agents.run_config import DEFAULT_MAX_TURNS, CallModelData, ModelInputData
from agents.tool_context import ToolContext
from openai.types.responses import ResponseFunctionToolCall
from typing_extensions import override

from tui import garbage_collection
from tui.agent.cancellation import uncancel
from tui.agent.error_messages import EmptyAnswerError, ErrorMessage, describe
from tui.agent.live_items import ItemData, LiveItems, unanswered_calls
from tui.agent.model_input import fit_items
from tui.agent.paused import RestoredRun, approval_of, dump_state
from tui.agent.recording_session import RecordingSession
from tui.items.types import is_user_message
from tui.model import ApprovalDecision, Outcome, Progress, Usage
from tui.runs.protocol import Hooks, PauseSnapshot, RunLeftError, RunResult
from tui.session.recorder import RunRecorder
from tui.storage.queries.usage_columns import reported_usage

if TYPE_CHECKING:
    from agents import RunResultStreaming, RunState, ToolApprovalItem, TResponseInputItem

    from tui.agent.compaction import AutomaticCompaction
    from tui.agent.loaded_agent import LoadedAgent
    from tui.session.advanced import AdvancedSession

__all__ = ["AgentRun"]

_MISSING_OUTPUTS: Final = {
    Outcome.STOPPED: "Stopped before it finished.",
    Outcome.FAILED: "The run failed before this call finished.",
}

_UNOPENED: Final = "item that is not encrypted with the key"

T = TypeVar("T")


class AgentRun:
    """Sends one message on the current branch of a session, or goes on with a paused run, and stores the answer."""

    stop_timeout = 5.0
    """Seconds within which a stopped run must end; after that it is abandoned, as a tool ignores its cancellation."""

    def __init__(
        self,
        loaded: LoadedAgent,
        session: AdvancedSession,
        text: str,
        hooks: Hooks,
        restored: RestoredRun | None = None,
        decisions: Sequence[ApprovalDecision | None] = (),
    ) -> None:
        """Prepare a run for `text`; with `restored`, the paused run for it goes on, after these decisions."""
        self._loaded = loaded
        self._hooks = hooks
        self._live = LiveItems(text) if restored is None else LiveItems.of(restored.live_items)
        self._session = RecordingSession(session, self._on_written, () if restored is None else restored.written)
        self._recorder = RunRecorder(
            session, _ToolHooks(self._live, self._report_progress), one_run=True, continues=restored is not None
        )
        self._compaction: AutomaticCompaction | None = None
        if loaded.compaction.automatic:
            # Only then, as it takes longer to import.
            from tui.agent.compaction import AutomaticCompaction

            self._compaction = AutomaticCompaction(loaded, loaded.compaction, self._session)
        self._input: str | RunState[Any] = text
        if restored is not None:
            self._input = restored.state
            _decide(restored.state, restored.state.get_interruptions(), decisions)
        self._result: RunResultStreaming | None = None
        self._left_out: Counter[str] = Counter()

    async def run(self) -> RunResult:
        """Send the message and let the agent answer; never raises."""
        outcome, error_message = Outcome.DONE, None
        try:
            await self._stream_answer()
        except asyncio.CancelledError:
            outcome = Outcome.STOPPED
        except RunLeftError as left:
            await _uncancelled(self._session.close())
            return RunResult(Outcome.STOPPED, error=str(left) or None, left=True)
        except Exception as error:
            outcome, error_message = Outcome.FAILED, describe(error)
        return await _uncancelled(self._finish(outcome, error_message))

    async def _stream_answer(self) -> None:
        run_input = self._input
        config = replace(self._loaded.config, call_model_input_filter=self._fit_input)
        while True:
            self._result = result = Runner.run_streamed(
                self._loaded.agent,
                run_input,
                session=self._compaction or self._session,
                hooks=self._recorder,
                run_config=config,
                max_turns=self._loaded.max_turns or DEFAULT_MAX_TURNS,
            )
            self._report_progress()
            is_first = True
            async for event in self._recorder.stream_events(result):
                if is_first:
                    is_first = False
                    # By now the SDK has copied the branch, which may be long.
                    garbage_collection.exclude_existing_objects()
                self._live.apply(event)
                self._report_progress()
            if result.run_loop_exception is not None:
                raise result.run_loop_exception
            if not result.interruptions:
                break
            run_input = result.to_state()
            interruptions = tuple(result.interruptions)
            pause = await self._pause(run_input, interruptions)
            decisions = await self._hooks.approve([approval_of(item) for item in interruptions], pause)
            _decide(run_input, interruptions, decisions)
        if all(is_user_message(item) for item in self._session.written):
            raise EmptyAnswerError

    async def _pause(self, state: RunState[Any], interruptions: Sequence[ToolApprovalItem]) -> PauseSnapshot | None:
        """Return what to store of the run while it waits; None if the SDK cannot store its state."""
        asking = [item.agent for item in interruptions]
        if (text := await dump_state(self._loaded, state, asking)) is None:
            return None
        return PauseSnapshot(
            text,
            asking[0].name,
            self._loaded.model_name(asking[0]),
            self._loaded.estimates_usage(asking[0]),
            self._result if self._usage() is not None else None,
            [item.data for item in self._live.items],
            self._completion(Outcome.STOPPED),
        )

    def _fit_input(self, data: CallModelData[Any]) -> ModelInputData:
        """Fit the input of a request to the server, and keep what is left out of it."""
        items, left_out = fit_items(data.model_data.input, chat=not self._loaded.takes_all_items(data.agent))
        self._left_out |= left_out + Counter({_UNOPENED: self._session.left_out})
        return ModelInputData(input=cast("list[TResponseInputItem]", items), instructions=data.model_data.instructions)

    async def _finish(self, outcome: Outcome, error_message: ErrorMessage | None) -> RunResult:
        if self._result is not None and outcome is not Outcome.DONE:
            self._result.cancel()
            if self._result.run_loop_task is not None:
                await asyncio.wait({self._result.run_loop_task}, timeout=self.stop_timeout)
        await self._session.close()
        if self._session.written:
            await self._recorder.finish()
        kept = True
        if outcome is not Outcome.DONE:
            try:
                kept = await self._repair_branch(outcome, refused=error_message is not None and error_message.refused)
            except Exception as error:
                outcome, error_message = Outcome.FAILED, error_message or describe(error)
        agent = self._loaded.agent if self._result is None else self._result.last_agent
        return RunResult(
            outcome,
            model=self._loaded.model_name(agent),
            agent=agent.name,
            # Usage is stored for the turn of the message, which does not exist if the message was not kept.
            usage=self._result if kept and self._usage() is not None else None,
            estimated=self._loaded.estimates_usage(agent),
            error=None if error_message is None else error_message.text,
            hint="" if error_message is None else error_message.hint,
            details="" if error_message is None else error_message.details,
            kept=kept,
            left_out=", ".join(f"{number} × {name}" for name, number in self._left_out.most_common()),
            not_compacted="" if self._compaction is None else self._compaction.failure,
        )

    async def _repair_branch(self, outcome: Outcome, *, refused: bool) -> bool:
        """Store the part of the answer that has arrived, and an output for each call that has none.

        Return whether the branch holds the message.
        """
        session = self._session
        if not session.written:
            return False
        completion = self._completion(outcome, refused=refused)
        if not completion and outcome is Outcome.FAILED and await session.remove_message():
            return False
        await session.append(completion)
        return True

    def _completion(self, outcome: Outcome, *, refused: bool = False) -> list[ItemData]:
        """Return the part of the answer that has arrived and is not stored, and an output for each call without one."""
        written = self._session.written
        arrived = [] if refused else _without_stored(self._live.storable(), written)
        output = {"type": "function_call_output", "status": "incomplete", "output": _MISSING_OUTPUTS[outcome]}
        calls = unanswered_calls([*written, *arrived])
        return [*arrived, *({**output, "call_id": call_id} for call_id in calls)]

    def _usage(self) -> Usage | None:
        """Return the usage so far; None if the server reported none."""
        if self._result is None:
            return None
        usage = self._result.context_wrapper.usage
        estimated = self._loaded.estimates_usage(self._result.last_agent)
        return reported_usage(usage)._replace(estimated=estimated) if usage.total_tokens else None

    def _report_progress(self) -> None:
        live = self._live
        self._hooks.progress(Progress(live.activity, live.items, self._usage(), len(self._session.written)))

    def _on_written(self, items: Sequence[ItemData]) -> None:
        self._live.remove_stored(items)
        self._hooks.stored()
        self._report_progress()


class _ToolHooks(RunHooks[Any]):
    """Reports each tool as soon as it starts and ends; the stream does so after all tools of a response have ended."""

    def __init__(self, live: LiveItems, report: Callable[[], None]) -> None:
        self._live = live
        self._report = report

    @override
    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        self._live.start_tool(tool.name)
        self._report()

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
        self._live.set_tool_output(dict(ItemHelpers.tool_call_output_item(call, result)))
        self._report()


def _decide(
    state: RunState[Any], calls: Sequence[ToolApprovalItem], decisions: Sequence[ApprovalDecision | None]
) -> None:
    """Set the decisions on calls; a call whose decision is None stays unanswered."""
    for call, decision in zip(calls, decisions, strict=True):
        if decision is None:
            continue
        if decision.approved:
            state.approve(call, always_approve=decision.always)
        else:
            state.reject(call, always_reject=decision.always, rejection_message=decision.reason or None)


def _without_stored(items: Sequence[ItemData], stored: Sequence[ItemData]) -> list[ItemData]:
    """Return items without calls and outputs that are stored, and without outputs of calls that do not exist."""
    keys = {(item.get("type"), item.get("call_id")) for item in stored if item.get("call_id")}
    calls = {item.get("call_id") for item in (*stored, *items) if item.get("type") == "function_call"}
    return [
        item
        for item in items
        if "call_id" not in item or (item["call_id"] in calls and (item["type"], item["call_id"]) not in keys)
    ]


async def _uncancelled(work: Coroutine[Any, Any, T]) -> T:
    """Complete some work even if the current task is cancelled, and clear the cancellation."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    uncancel()
    return task.result()
