"""`AgentRunner`: lets the chosen agent answer. The SDK comes in with the first `prepare`, not with this module."""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.agent.cancellation import uncancel
from tui.agent.env import load_env, redact
from tui.agent.errors import AgentError
from tui.errors import ConfigError
from tui.model import Outcome
from tui.runs.protocol import RunResult

if TYPE_CHECKING:
    from tui.agent.loading import Loaded
    from tui.agent.settings import AgentSettings
    from tui.runs.protocol import Hooks
    from tui.session import AdvancedSQLiteSession

__all__ = ["AgentRunner"]


class AgentRunner:
    """Runs an agent with the OpenAI Agents SDK; a `tui.runs.protocol.Runner`.

    One runner serves any number of runs at once, each on a session object of its own, in one event loop.

    Attributes:
        choice: Who is to answer.
    """

    def __init__(self, choice: AgentSettings) -> None:
        self.choice = choice
        self._loading: asyncio.Task[Loaded] | None = None

    @property
    def name(self) -> str:
        """What it is called on the screen."""
        return self.choice.label

    async def prepare(self) -> None:
        """Import the SDK and load the agent, once; after a failure, again.

        Raises:
            ConfigError: The agent or model cannot be had; an `AgentError` has more in its `details`.
        """
        await self._loaded()

    async def run(self, session: AdvancedSQLiteSession, text: str, hooks: Hooks) -> RunResult:
        """Say `text` on the session's current branch and let the agent answer.

        What the branch holds afterwards:

        - done: the message and all that the SDK stores of a run.
        - stopped (the task was cancelled), or failed after something was answered: the message, what was stored before,
          then what had arrived: text as an assistant's message of status `incomplete`, whole tool calls, their outputs.
          Every call without an output gets one that says so. A tool that was running may go on: a thread cannot be
          stopped.
        - failed before anything was answered, refused by a guardrail, or stopped before the SDK had stored the message:
          what it held before, and `kept` of the result is False. A guardrail that refuses an answer after tools were
          called leaves the message and those calls; the refused text is never stored.

        Nothing is raised; a task that was cancelled goes on as if it were not.
        """
        started_at, begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
        try:
            loaded = await self._loaded()
        except asyncio.CancelledError:
            uncancel()
            ended = RunResult(Outcome.STOPPED, started_at, 0, kept=False)
        except ConfigError as error:
            details = error.details if isinstance(error, AgentError) else ""
            ended = RunResult(
                Outcome.FAILED, started_at, 0, error=str(error), hint=error.hint, details=details, kept=False
            )
        else:
            from tui.agent.run import AgentRun

            ended = await AgentRun(loaded, session, text, hooks).run()
        return ended._replace(started_at=started_at, seconds=time.monotonic() - begun)

    async def close(self) -> None:
        """Close the connections to the model's server; a later run opens new ones."""
        loading, self._loading = self._loading, None
        if loading is not None and not _failed(loading):
            await (await loading).close()

    async def _loaded(self) -> Loaded:
        if self._loading is None or _failed(self._loading):
            self._loading = asyncio.ensure_future(self._load())
        # Who waits may be stopped; the others still want it.
        return await asyncio.shield(self._loading)

    async def _load(self) -> Loaded:
        if self.choice.env_file is not None:
            load_env(self.choice.env_file)
        try:
            for module in ("tui.agent.loading", "tui.agent.run", "tui.agent.warmup"):
                await asyncio.to_thread(importlib.import_module, module)
        except ImportError as error:
            raise ConfigError(
                f"The OpenAI Agents SDK cannot be imported: {error}.", "Install convo-tui again, with its dependencies."
            ) from error
        from tui.agent.loading import load
        from tui.agent.warmup import rehearse

        try:
            loaded = await load(self.choice)
            await asyncio.to_thread(rehearse)
        except ConfigError:
            raise
        except Exception as error:
            raise AgentError(
                redact(f"The agent cannot be loaded: {type(error).__name__}: {error}."),
                "The details say where.",
                redact("".join(traceback.format_exception(error))),
            ) from error
        # The SDK stays as long as the program: the collector, which holds everything up, need not look at it again.
        gc.freeze()
        return loaded


def _failed(loading: asyncio.Task[Loaded]) -> bool:
    return loading.done() and (loading.cancelled() or loading.exception() is not None)
