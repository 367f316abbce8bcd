"""Active and failed runs of an agent."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tui.model.items import Item
from tui.model.usage import Usage

__all__ = ["Approval", "ApprovalDecision", "Failure", "Progress", "Run", "RunState"]


class Approval(NamedTuple):
    """A tool call that needs the user's approval.

    Attributes:
        tool_name: Name of the tool, after its namespace or server if it has one.
        arguments: The arguments as the model wrote them: JSON, untrusted.
    """

    call_id: str
    tool_name: str
    arguments: str
    agent: str = ""


class ApprovalDecision(NamedTuple):
    """The user's answer to an `Approval`.

    Attributes:
        approved: Whether the call may be made.
        always: Whether the answer holds for every call of this tool in this run.
        reason: Why the call is rejected, for the model to read; the SDK's own words if empty.
    """

    approved: bool
    always: bool = False
    reason: str = ""


class RunState(StrEnum):
    """The state of an active run."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """A tool call needs approval."""
    STOPPING = "stopping"


class Progress(NamedTuple):
    """The progress of a run so far.

    Attributes:
        activity: What the run does now, in a few words: `thinking`, `writing`, `calling get_weather`; untrusted.
        live: The growing items of the run in the order of the conversation, from the position `start` on. The first of
            them may be stored already.
        usage: Tokens so far; None if none were reported.
        start: Position of the first live item: in the branch or, as a runner reports it, among the items of the run.
    """

    activity: str = ""
    live: tuple[Item, ...] = ()
    usage: Usage | None = None
    start: int = 0


class Run(NamedTuple):
    """An active run of an agent on a branch.

    Attributes:
        started_at: Seconds since the epoch.
        model: Name of the agent or the model, to be shown.
        queued: Messages that the user sent during the run, in order.
    """

    branch_id: str
    state: RunState
    started_at: float
    model: str
    progress: Progress = Progress()
    approvals: tuple[Approval, ...] = ()
    queued: tuple[str, ...] = ()


class Failure(NamedTuple):
    """A run that failed, to be shown to the user.

    Attributes:
        error: What went wrong, one sentence.
        unsent: The user's message if it was not stored, so that it can be sent again.
        serial: Number of the failure; each has a greater one.
    """

    branch_id: str
    error: str
    hint: str = ""
    details: str = ""
    unsent: str = ""
    serial: int = 0
