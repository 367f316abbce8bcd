"""How an agent is run, as the controller sees it: without knowing any SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tui.model import Approval, Decision, Outcome, Progress

if TYPE_CHECKING:
    from tui.session import AdvancedSQLiteSession

__all__ = ["Hooks", "RunResult", "Runner"]


class Hooks(Protocol):
    """What a run tells while it is under way; called in the event loop that it runs in."""

    def progress(self, progress: Progress) -> None:
        """Say what has been done so far."""

    def stored(self) -> None:
        """Say that items have been written to the session."""

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[Decision]:
        """Ask for the user's leave; one decision for each approval, in their order."""


class RunResult(NamedTuple):
    """How a run ended.

    Attributes:
        outcome: Done, stopped or failed.
        model: Name of the model; None where it is not known.
        agent: Name of the agent that answered last; None where it is not known.
        started_at: When it began: UTC, naive.
        seconds: How long it took.
        usage: What `store_run_usage` takes; None where the provider reported no tokens.
        estimated: True where the tokens are estimates and no provider's count.
        error: What went wrong in one sentence, secrets removed; None where nothing did.
        hint: What to do about it, one line.
        details: More of it for those who want to know, secrets removed.
        kept: Whether the branch holds the message; where not, it is as it was before the run, and `usage` is None.
    """

    outcome: Outcome
    started_at: str
    seconds: float
    model: str | None = None
    agent: str | None = None
    usage: Any = None
    estimated: bool = False
    error: str | None = None
    hint: str = ""
    details: str = ""
    kept: bool = True


class Runner(Protocol):
    """Something that answers messages."""

    @property
    def name(self) -> str:
        """What it is called on the screen."""

    async def prepare(self) -> None:
        """Load all that the first run needs; safe to call again.

        Raises:
            ConfigError: The agent or model cannot be had.
        """

    async def run(self, session: AdvancedSQLiteSession, text: str, hooks: Hooks) -> RunResult:
        """Say `text` on the session's current branch and let the agent answer.

        Cancelling the task stops the run: what was said stays, what had arrived is stored, the branch stays usable, and
        a result says so. Nothing is raised.
        """
