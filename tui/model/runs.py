"""Runs of an agent that are under way, and those that did not end well."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tui.model.items import Item
from tui.model.usage import Usage

__all__ = ["Approval", "Decision", "Failure", "Progress", "Run", "RunState"]


class Approval(NamedTuple):
    """A tool call that waits for the user's leave.

    Attributes:
        call_id: The call's id.
        tool_name: The tool, with its namespace or server where it has one.
        arguments: Its arguments as the model wrote them: JSON, untrusted.
        agent: Name of the agent that calls it.
    """

    call_id: str
    tool_name: str
    arguments: str
    agent: str = ""


class Decision(NamedTuple):
    """What the user says to an `Approval`.

    Attributes:
        approved: Whether the call may be made.
        always: Whether the same holds for every call of this tool in this run.
        reason: What a rejected call's model is told; empty for the SDK's own words.
    """

    approved: bool
    always: bool = False
    reason: str = ""


class RunState(StrEnum):
    """What a run is at."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """An approval is asked for."""
    STOPPING = "stopping"


class Progress(NamedTuple):
    """What a run has done so far.

    Attributes:
        doing: What it does now, in a few words: `thinking`, `writing`, `calling get_weather`; untrusted.
        live: The run's items, growing, in the order of the conversation, from the position `start` on. The file may
            have the first of them already.
        usage: Tokens so far; None if none were reported.
        start: Position of the first live item: in the branch or, as a runner reports it, among the items of the run.
    """

    doing: str = ""
    live: tuple[Item, ...] = ()
    usage: Usage | None = None
    start: int = 0


class Run(NamedTuple):
    """A run of an agent that is under way on a branch.

    Attributes:
        branch_id: The branch.
        state: What it is at.
        started_at: Seconds since the epoch.
        model: What runs, as it is shown: the agent's or the model's name.
        progress: What it has done so far.
        approvals: The tool calls that wait for the user's leave.
        queued: Messages that the user sent meanwhile, in order.
    """

    branch_id: str
    state: RunState
    started_at: float
    model: str
    progress: Progress = Progress()
    approvals: tuple[Approval, ...] = ()
    queued: tuple[str, ...] = ()


class Failure(NamedTuple):
    """A run that did not end well, as the user is told of it.

    Attributes:
        branch_id: The branch.
        error: What went wrong, one sentence.
        hint: What to do about it.
        details: More of it.
        unsent: What the user said and the branch does not hold: to be said again.
        serial: Grows by one with each failure.
    """

    branch_id: str
    error: str
    hint: str = ""
    details: str = ""
    unsent: str = ""
    serial: int = 0
