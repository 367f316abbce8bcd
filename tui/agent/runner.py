"""The runner of an agent; its first `prepare` imports the SDK, this module does not."""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui import garbage_collection
from tui.agent.cancellation import uncancel
from tui.agent.env import load_env, redact
from tui.agent.settings import AgentError
from tui.errors import ConfigError
from tui.model import Outcome
from tui.runs.protocol import RunResult

if TYPE_CHECKING:
    from tui.agent.loaded_agent import LoadedAgent
    from tui.agent.paused import RestoredRun
    from tui.agent.settings import AgentSettings
    from tui.model import ApprovalDecision, PausedRun
    from tui.runs.protocol import Hooks
    from tui.session.advanced import AdvancedSession

__all__ = ["AgentRunner"]


class AgentRunner:
    """Runs an agent with the OpenAI Agents SDK; a `tui.runs.protocol.Runner`.

    One runner serves any number of concurrent runs, each on a session object of its own, in one event loop.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self.settings = settings
        self._loading: asyncio.Task[LoadedAgent] | None = None

    @property
    def name(self) -> str:
        """The agent's or the model's name, as the screen shows it."""
        return self.settings.label

    async def prepare(self) -> None:
        """Import the SDK and load the agent, unless an earlier call has done so.

        Raises:
            ConfigError: The agent or model cannot be loaded; an `AgentError` has `details`.
        """
        await self._loaded()

    async def run(self, session: AdvancedSession, text: str, hooks: Hooks) -> RunResult:
        """Send `text` on the session's current branch and let the agent answer.

        The branch holds afterwards:

        - done: the message and all items that the SDK stores of a run.
        - stopped (the task was cancelled), or failed after a part of the answer: the message, the items that were
          stored before, then the part that had arrived: text as an assistant's message of status `incomplete`, complete
          tool calls, and their outputs. Every call without an output gets one that says so. A running tool may
          continue, as a thread cannot be stopped.
        - failed before any part of the answer, refused by a guardrail, or stopped before the SDK had stored the
          message: what it held before the run, and `kept` of the result is False. If a guardrail refuses an answer
          after tool calls, the message and these calls remain; the refused text is never stored.

        Nothing is raised, and the cancellation of the task is cleared.
        """
        try:
            loaded = await self._loaded()
        except asyncio.CancelledError:
            uncancel()
            return RunResult(Outcome.STOPPED, kept=False)
        except ConfigError as error:
            details = error.details if isinstance(error, AgentError) else ""
            return RunResult(Outcome.FAILED, error=str(error), hint=error.hint, details=details, kept=False)
        from tui.agent.run import AgentRun

        return await AgentRun(loaded, session, text, hooks).run()

    async def restore(self, session: AdvancedSession, run: PausedRun, state: str) -> RestoredRun:
        """Return a paused run of the session's current branch as `resume` takes it; nothing is run or written.

        Raises:
            ConfigError: The agent cannot be loaded or has changed since, or the state cannot be read.
        """
        loaded = await self._loaded()
        from tui.agent.paused import restore_run

        return await restore_run(loaded, session, run, state)

    async def resume(
        self,
        session: AdvancedSession,
        run: PausedRun,
        restored: RestoredRun,
        decisions: Sequence[ApprovalDecision | None],
        hooks: Hooks,
    ) -> RunResult:
        """Go on with a paused run on the session's current branch, which then holds the same as after `run`.

        Nothing is raised, and the cancellation of the task is cleared.
        """
        from tui.agent.run import AgentRun

        return await AgentRun(restored.loaded, session, run.message, hooks, restored, decisions).run()

    async def compaction_model(self) -> str:
        """Return the name of the model that compacts a branch.

        Raises:
            ConfigError: The agent cannot be loaded, or its server cannot compact.
        """
        loaded = await self._loaded()
        from tui.agent.compaction import compaction_model

        return compaction_model(loaded, loaded.compaction)

    async def compact(self, session: AdvancedSession) -> None:
        """Compact the session's current branch, which is kept as it was under a new id.

        Raises:
            ConvoError: The server cannot compact it, or the branch has changed meanwhile; nothing is replaced.
        """
        loaded = await self._loaded()
        from tui.agent.compaction import compact_branch

        await compact_branch(loaded, loaded.compaction, session)

    async def close(self) -> None:
        """Close the connections to the model's server; a later run opens new ones."""
        loading, self._loading = self._loading, None
        if loading is not None and not _has_failed(loading):
            await (await loading).close()

    async def _loaded(self) -> LoadedAgent:
        if self._loading is None or _has_failed(self._loading):
            self._loading = asyncio.ensure_future(self._load())
        # One waiting run may be cancelled while others continue to wait.
        return await asyncio.shield(self._loading)

    async def _load(self) -> LoadedAgent:
        if self.settings.env_file is not None:
            load_env(self.settings.env_file)
        try:
            for module in ("tui.agent.loading", "tui.agent.run"):
                await asyncio.to_thread(importlib.import_module, module)
        except ImportError as error:
            raise ConfigError(
                f"The OpenAI Agents SDK cannot be imported: {error}.", "Install convo-tui again, with its dependencies."
            ) from error
        from tui.agent.loading import load_agent, warm_up

        try:
            loaded = await load_agent(self.settings)
            await asyncio.to_thread(warm_up)
        except ConfigError:
            raise
        except Exception as error:
            raise AgentError(
                redact(f"The agent cannot be loaded: {type(error).__name__}: {error}."),
                "See the details.",
                redact("".join(traceback.format_exception(error))),
            ) from error
        # The SDK stays loaded as long as the program runs.
        garbage_collection.exclude_existing_objects()
        return loaded


def _has_failed(loading: asyncio.Task[LoadedAgent]) -> bool:
    return loading.done() and (loading.cancelled() or loading.exception() is not None)
