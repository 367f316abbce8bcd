"""What the transcript reads off its views."""

from __future__ import annotations

from tui.model import Item, RunState, View

__all__ = ["grows", "last_turn", "live_items", "session_id", "shared_turns", "went_on"]


def live_items(view: View) -> tuple[Item, ...]:
    """The items of the run on the shown branch that are not stored yet."""
    run = view.runs.get(view.branch_id)
    return () if run is None else run.progress.live


def grows(view: View, item: Item) -> bool:
    """Whether more of the item is still to come: it is the last one of a run that goes on, and is not complete."""
    run = view.runs.get(view.branch_id)
    if run is None or run.state not in (RunState.STARTING, RunState.RUNNING) or run.progress.live[-1:] != (item,):
        return False
    status = item.data.get("status") if isinstance(item.data, dict) else None
    # A call says when it is being written; a message or a thought says when it is not.
    return status == "in_progress" or (status is None and item.type in ("assistant", "reasoning"))


def session_id(view: View) -> str | None:
    """The open session."""
    return None if view.session is None else view.session.session_id


def last_turn(view: View) -> int:
    """The last stored turn of the shown branch."""
    branch = view.tree.branches.get(view.branch_id)
    return 0 if branch is None else branch.turns


def went_on(old: View, new: View) -> bool:
    """Whether the selection went from the last turn to a newer one, as the branch grew."""
    return last_turn(old) <= old.turn < new.turn >= last_turn(new)


def shared_turns(old: View, new: View) -> int:
    """The last turn that the branches of two views of a session have in common; -1 where they share nothing."""
    if old.branch_id not in new.tree.branches or new.branch_id not in new.tree.branches:
        return -1
    path = new.tree.path(old.branch_id)
    common = [a.last for a, b in zip(path, new.tree.path(new.branch_id), strict=False) if a.index == b.index]
    return max(common, default=-1)
