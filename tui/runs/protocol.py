"""The interface between the controller and an agent, independent of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tui.model import Approval, ApprovalDecision, Outcome, Progress

if TYPE_CHECKING:
    from tui.session import AdvancedSQLiteSession

__all__ = ["Hooks", "RunResult", "Runner"]


class Hooks(Protocol):
    """The callbacks of a run; called in the event loop in which it runs."""

    def progress(self, progress: Progress) -> None:
        """Report what the run has done so far, and its items that are not stored yet."""

    def stored(self) -> None:
        """Report that the run has written items to the session."""

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[ApprovalDecision]:
        """Ask the user to approve tool calls, and return one decision for each, in the same order."""


class RunResult(NamedTuple):
    """The result of a run.

    Attributes:
        outcome: Done, stopped or failed.
        model: Name of the model; None if it is not known.
        agent: Name of the agent that answered last; None if it is not known.
        usage: The argument for `store_run_usage`; None if the provider reported no tokens.
        estimated: Whether the tokens are estimated instead of counted by the provider.
        error: The error in one sentence, without secrets; None if there was none.
        hint: What the user can do about the error, in one line.
        details: The details of the error, without secrets.
        kept: Whether the branch has the message. If not, the branch is as it was before the run, and `usage` is None.
        left_out: The items of the branch that were not sent, as `2 × web_search_call`; empty where all were.
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

    async def run(self, session: AdvancedSQLiteSession, text: str, hooks: Hooks) -> RunResult:
        """Send a message on the session's current branch and let the agent answer it. Nothing is raised.

        Cancelling the task stops the run. The message and the part of the answer that has arrived are stored, and the
        branch can be used again.
        """
