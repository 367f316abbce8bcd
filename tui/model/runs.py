"""Active, paused and failed runs of an agent."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from tui.model.items import Item
from tui.model.usage import Usage

__all__ = ["Approval", "ApprovalDecision", "Failure", "PausedRun", "Progress", "Run", "RunState"]


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
        reason: Reason for the rejection, for the model to read; the SDK's own words if empty.
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
        activity: Activity of the run now, in a few words: `thinking`, `writing`, `calling get_weather`; untrusted.
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
        paused_id: Its number as a paused run while it waits for approval, so that another process can go on with it.
    """

    branch_id: str
    state: RunState
    started_at: float
    model: str
    progress: Progress = Progress()
    approvals: tuple[Approval, ...] = ()
    queued: tuple[str, ...] = ()
    paused_id: int | None = None


class PausedRun(NamedTuple):
    """A run that is stored with its branch until the user answers its approvals, also after the end of the program.

    Attributes:
        id: Its number in the file. A run that pauses again gets another one, so that an answer is for what was asked.
        message: The message that it answers.
        agent: Name of the agent that asks.
        approvals: The tool calls that wait.
        started_at: Time at which it began: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
        seconds: Seconds until it paused.
        estimated: Whether its tokens are estimates, not counted by a provider.
        reported: Whether the provider reported tokens.
        live_items: Items that had arrived and are not stored yet.
        stop_items: The items to append to the branch if the run is stopped now.
        checkpoint: The fields of the `BranchCheckpoint` of the branch before the run.
        items: Number of items of the branch when the run paused.
        paused_at: Time at which it paused, as `started_at`.
        is_outdated: Whether the branch has changed since, so that the run cannot go on.
        is_sealed: Whether it is encrypted and cannot be decrypted, so that no more is known of it.
    """

    session_id: str
    branch_id: str
    message: str
    agent: str | None
    model: str | None
    approvals: tuple[Approval, ...]
    started_at: str | None
    seconds: float
    estimated: bool
    reported: bool
    live_items: tuple[dict[str, Any], ...]
    stop_items: tuple[dict[str, Any], ...]
    checkpoint: dict[str, Any]
    items: int = 0
    paused_at: str | None = None
    is_outdated: bool = False
    id: int = 0
    is_sealed: bool = False


class Failure(NamedTuple):
    """A run that failed, to be shown to the user.

    Attributes:
        error: The error, one sentence.
        unsent: The user's message if it was not stored, so that it can be sent again.
        serial: Number of the failure; each has a greater one.
    """

    session_id: str
    branch_id: str
    error: str
    hint: str = ""
    details: str = ""
    unsent: str = ""
    serial: int = 0
