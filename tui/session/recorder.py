"""Recording of an author's own runs: hooks of the SDK that store each request, and how the run ended."""

from __future__ import annotations

import asyncio
import inspect
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from agents import RunHooks
from agents.memory import OpenAIResponsesCompactionSession
from agents.tool_context import ToolContext
from typing_extensions import override

from tui.items.sealed import Seal
from tui.model import Outcome
from tui.model.requests import RequestUsage, SentRequest
from tui.session.advanced import AdvancedSession
from tui.session.outgoing import Outgoing
from tui.session.recorded_run import PendingRequest, RecordedRun, logged

if TYPE_CHECKING:
    from agents import (
        Agent,
        AgentHookContext,
        ModelResponse,
        RunContextWrapper,
        RunResultStreaming,
        Session,
        StreamEvent,
        Tool,
    )
    from agents.items import TResponseInputItem

__all__ = ["RunRecorder", "record"]

_MAX_RUNS: Final = 16
"""Runs that a recorder knows: a run that failed is not known to have ended."""


def record(session: Session, *, hooks: RunHooks[Any] | None = None) -> RunRecorder:
    """Return hooks that store each request of a run, and how the run ended.

        await Runner.run(agent, text, session=session, hooks=record(session))

    Each request is stored when it is answered, for the last turn of the session's current branch: what was sent, the
    tokens, model, agent and times. Nothing needs to be stored after the run; `store_run_usage` changes nothing then.
    A failure to store is logged, and never makes the run fail. What was sent in an `EncryptedSession` of `tui.session`
    is stored encrypted, too; in one of the SDK's it is not stored.

    Hooks do not learn of failures. As a context manager the recorder does, and stores them too:

        async with record(session) as hooks:
            await Runner.run(agent, text, session=session, hooks=hooks)

    Args:
        session: The session of the run: an `AdvancedSQLiteSession` of `tui.session`, or one inside a wrapper of the
            SDK, such as `OpenAIResponsesCompactionSession`.
        hooks: Hooks that are called as well.

    Raises:
        TypeError: The session is another one.
    """
    advanced: Any = session
    with_input, seal = True, None
    while not isinstance(advanced, AdvancedSession):
        if isinstance(own_seal := getattr(advanced, "seal", None), Seal):
            seal = own_seal
        else:
            # Other wrappers may encrypt what they store.
            with_input &= isinstance(advanced, OpenAIResponsesCompactionSession)
        inner = getattr(advanced, "underlying_session", None)
        if inner is None:
            raise TypeError(
                f"record() cannot store requests in a {type(session).__name__}. Pass it the AdvancedSQLiteSession of"
                " tui.session, or a wrapper with that as its underlying_session."
            )
        advanced = inner
    return RunRecorder(advanced, hooks, with_input=with_input, seal=seal)


class RunRecorder(RunHooks[Any]):
    """Hooks that store each request of a run when it is answered, and how the run ended. `record` makes them."""

    def __init__(
        self,
        session: AdvancedSession,
        hooks: RunHooks[Any] | None = None,
        *,
        with_input: bool = True,
        seal: Seal | None = None,
        one_run: bool = False,
        continues: bool = False,
    ) -> None:
        """Record runs of a session.

        Args:
            session: The session.
            hooks: Hooks that are called as well.
            with_input: Whether to store what was sent.
            seal: Encrypts what was sent, if a wrapper encrypts the items of the session.
            one_run: Whether all belongs to one run, which approvals interrupt, and whose end the caller stores.
            continues: Whether requests of that run are stored already.
        """
        self._session = session
        session._is_recorded = True  # noqa: SLF001
        self._hooks: RunHooks[Any] = RunHooks() if hooks is None else hooks
        self._with_input = with_input
        self._seal = seal
        self._one_run = one_run
        self._has_stored = continues
        self._runs: deque[RecordedRun] = deque(maxlen=_MAX_RUNS)
        self._newest: RecordedRun | None = None
        self._is_closed = False

    async def stream_events(self, result: RunResultStreaming) -> AsyncIterator[StreamEvent]:
        """Yield the events of a streamed run, and record the time until each answer began."""
        run = self._run(result.context_wrapper)
        run.result = result
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                run.note_stream_event(event.data.type)
            yield event

    async def finish(self) -> None:
        """Store the requests that were sent and not answered, and record nothing further."""
        for run in tuple(self._runs):
            with logged():
                await self._settle(run)
        self._is_closed = True

    async def __aenter__(self) -> Self:
        self._is_closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = None if error is None else self._run_that_raised(error)
        # Runs that ended are not among these. Without an error, a tool under way may be an agent that has paused.
        begun = [
            run
            for run in self._runs
            if not run.is_paused
            and (run is left or run.result is not None or run.unanswered or (error is not None and run.tools))
        ]
        await self.finish()
        for run in begun:
            raised = error if run is left else None if run.result is None else run.result.run_loop_exception
            has_failed = isinstance(raised, Exception)
            with logged():
                # Only the error's name is stored, as its message may quote a key.
                await self._end(
                    run,
                    Outcome.FAILED if has_failed else Outcome.STOPPED,
                    type(raised).__name__ if has_failed else None,
                )

    # The hooks

    @override
    def on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
    ) -> Coroutine[Any, Any, None]:
        # No coroutine, as that would not begin in the frame of the function that calls it.
        outgoing = None
        with logged():
            self._run(context).find_writes(self._session)
            outgoing = Outgoing.read(getattr(inspect.currentframe(), "f_back", None))
        return self._on_llm_start(context, agent, system_prompt, input_items, outgoing)

    async def _on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
        outgoing: Outgoing | None,
    ) -> None:
        with logged():
            run = self._run(context)
            if not isinstance(context, ToolContext):
                # All tools have ended, and with them the runs of agents that are tools.
                run.agent = agent
                await self._settle(run)
            run.begin(PendingRequest(context, agent, system_prompt, input_items, outgoing))
        await self._hooks.on_llm_start(context, agent, system_prompt, input_items)

    @override
    async def on_llm_end(self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse) -> None:
        with logged():
            run = self._run(context)
            await _completed(self._record(run, *run.end(context, response.usage), response.response_id))
        await self._hooks.on_llm_end(context, agent, response)

    @override
    async def on_agent_start(self, context: AgentHookContext[Any], agent: Agent[Any]) -> None:
        self._run(context).find_writes(self._session)
        await self._hooks.on_agent_start(context, agent)

    @override
    async def on_agent_end(self, context: AgentHookContext[Any], agent: Agent[Any], output: Any) -> None:
        with logged():
            run = self._run(context)
            # Not the end of an agent that is a tool, nor of a run that is recorded as stopped.
            if not self._is_closed and (run.agent is None or run.agent is agent):
                await self._settle(run)
                await self._end(run, Outcome.DONE)
        await self._hooks.on_agent_end(context, agent, output)

    @override
    async def on_handoff(self, context: RunContextWrapper[Any], from_agent: Agent[Any], to_agent: Agent[Any]) -> None:
        await self._hooks.on_handoff(context, from_agent, to_agent)

    @override
    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool) -> None:
        # An approved call is the first of a run that continues another one.
        run = self._run(context)
        run.find_writes(self._session)
        run.tools += 1
        await self._hooks.on_tool_start(context, agent, tool)

    @override
    async def on_tool_end(self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool, result: object) -> None:
        self._run(context).tools -= 1
        await self._hooks.on_tool_end(context, agent, tool, result)

    # Storing

    def _run(self, context: RunContextWrapper[Any]) -> RecordedRun:
        """Return the run of a context; a run that a tool makes counts with the run that calls the tool."""
        for run in self._runs:
            if run.usage is context.usage:
                return run
        run = self._newest = RecordedRun(context.usage, self._session._current_branch_id)  # noqa: SLF001
        self._runs.append(run)
        return run

    def _run_that_raised(self, error: BaseException) -> RecordedRun | None:
        """Return the run that an error comes from, by the SDK's functions that it went through; or else the newest."""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            usage = getattr(frame.f_locals.get("context_wrapper"), "usage", None)
            for run in self._runs:
                if run.usage is usage:
                    return run
        return self._newest if self._newest in self._runs else None

    async def _settle(self, run: RecordedRun) -> None:
        """Store what is known of requests that no hook reported: failed ones, and those of agents that are tools."""
        usages = run.take_unreported()
        unanswered = run.take_unanswered()
        if run.has_no_turn:
            return
        for sending in unanswered:
            await self._record(run, sending, usages[:1])
            del usages[:1]
        if usages:
            await self._record(run, None, usages)

    async def _record(
        self,
        run: RecordedRun,
        sending: PendingRequest | None,
        usages: Sequence[RequestUsage],
        response_id: str | None = None,
    ) -> None:
        """Store a request; it is several if the SDK had to repeat it, and has no usage if none was reported."""
        if self._is_closed:
            return
        sent = SentRequest() if sending is None else sending.sent(with_input=self._with_input)
        *repeated, last = usages or (None,)
        for usage in repeated:
            await self._store(run, sent._replace(usage=usage, seconds=None))
        await self._store(run, sent._replace(usage=last, response_id=response_id))

    async def _store(self, run: RecordedRun, sent: SentRequest) -> None:
        is_first = run.is_new and not (self._one_run and self._has_stored)
        turn = await self._session._record_request(  # noqa: SLF001
            sent,
            run.branch_id,
            run.turn,
            first=is_first,
            seal=self._seal,
        )
        if turn is not None:
            run.recorded_turn, run.is_new, self._has_stored = turn, False, True

    async def _end(self, run: RecordedRun, outcome: Outcome, error: str | None = None) -> None:
        """Store how a run ended."""
        if run in self._runs:
            self._runs.remove(run)
        if not self._one_run and run.last is not None and not run.has_no_turn:
            await self._session.record_run(
                outcome=outcome,
                model=run.last.model,
                agent=run.last.agent,
                started_at=run.started_at,
                seconds=time.monotonic() - run.start,
                error=error,
                reported=run.usage.total_tokens > 0,
                turn=run.turn,
            )


async def _completed(work: Coroutine[Any, Any, None]) -> None:
    """Complete some work even if the caller is cancelled, and only then raise the cancellation."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
    with logged():
        task.result()
    if cancelled is not None:
        raise cancelled
