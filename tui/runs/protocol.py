"""The interface between the controller and an agent, independent of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tui.model import Approval, ApprovalDecision, Outcome, PausedRun, Progress

if TYPE_CHECKING:
    from tui.session.advanced import AdvancedSession

__all__ = ["Hooks", "PauseSnapshot", "RunLeftError", "RunResult", "Runner"]


class RunLeftError(Exception):
    """The run ends here and its branch stays as it is: it is answered later, or was answered in another program."""


class PauseSnapshot(NamedTuple):
    """A run that waits for approval, as it is stored.

    Attributes:
        state: The state for `Runner.restore`, as JSON.
        agent: Name of the agent that asks.
        model: Name of its model.
        estimated: Whether the tokens are estimated.
        usage: The argument for `store_run_usage`; None if the provider reported no tokens.
        live_items: Items that have arrived and are not stored yet.
        stop_items: The items to append to the branch if the run is stopped now.
    """

    state: str
    agent: str
    model: str
    estimated: bool
    usage: Any
    live_items: Sequence[dict[str, Any]]
    stop_items: Sequence[dict[str, Any]]


class Hooks(Protocol):
    """The callbacks of a run; called in the event loop in which it runs."""

    def progress(self, progress: Progress) -> None:
        """Report what the run has done so far, and its items that are not stored yet."""

    def stored(self) -> None:
        """Report that the run has written items to the session."""

    async def approve(
        self, approvals: Sequence[Approval], pause: PauseSnapshot | None
    ) -> Sequence[ApprovalDecision | None]:
        """Ask the user to approve tool calls, and return one decision for each, in the same order.

        A call whose decision is None stays unanswered; the run asks for it again.

        Args:
            approvals: The calls.
            pause: Snapshot to store while the run waits; None if the agent's state cannot be stored.

        Raises:
            RunLeftError: The run must not go on.
        """


class RunResult(NamedTuple):
    """The result of a run.

    Attributes:
        outcome: Done, stopped or failed.
        model: Name of the model; None if it is not known.
        agent: Name of the agent that answered last; None if it is not known.
        usage: The argument for `store_run_usage`; None if the provider reported no tokens.
        estimated: Whether the tokens are estimated instead of counted by the provider.
        error: The error in one sentence, without secrets; None if there was none.
        hint: Advice on the error, in one line.
        details: The details of the error, without secrets.
        kept: Whether the branch has the message. If not, the branch is as it was before the run, and `usage` is None.
        left_out: The items of the branch that were not sent, as `2 × web_search_call`; empty where all were.
        left: Whether the run ended as `RunLeftError` says; nothing is recorded of it.
        not_compacted: Reason why the branch was not compacted after the answer; empty if nothing failed.
    """

    outcome: Outcome
    model: str | None = None
    agent: str | None = None
    usage: Any = None
    estimated: bool = False
    error: str | None = None
    hint: str = ""
    details: str = ""
    kept: bool = True
    left_out: str = ""
    left: bool = False
    not_compacted: str = ""


class Runner(Protocol):
    """Runs an agent that answers messages."""

    @property
    def name(self) -> str:
        """The name that the user sees."""

    async def prepare(self) -> None:
        """Load what the first run needs; may be called again.

        Raises:
            ConfigError: The agent or its model is not available.
        """

    async def run(self, session: AdvancedSession, text: str, hooks: Hooks) -> RunResult:
        """Send a message on the session's current branch and let the agent answer it. Nothing is raised.

        Cancelling the task stops the run. The message and the part of the answer that has arrived are stored, and the
        branch can be used again.
        """

    async def restore(self, session: AdvancedSession, run: PausedRun, state: str) -> Any:
        """Return a paused run of the session's current branch in the form that `resume` takes; nothing is written.

        Raises:
            ConfigError: The agent is not available or has changed since, or the state cannot be read.
        """

    async def resume(
        self,
        session: AdvancedSession,
        run: PausedRun,
        restored: Any,
        decisions: Sequence[ApprovalDecision | None],
        hooks: Hooks,
    ) -> RunResult:
        """Go on with a paused run that nobody else has, on the session's current branch, as `run` does.

        A call whose decision is None stays unanswered; the run pauses again for it.
        """

    async def compaction_model(self) -> str:
        """Return the name of the model that compacts a branch.

        Raises:
            ConfigError: The agent is not available, or its server cannot compact.
        """

    async def compact(self, session: AdvancedSession) -> None:
        """Compact the session's current branch, which is kept as it was under a new id.

        Raises:
            ConvoError: The server cannot compact it, or the branch has changed meanwhile; nothing is replaced.
        """
