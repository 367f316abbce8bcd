"""What a run that is under way shows of itself at the end of a transcript."""

from __future__ import annotations

from tui.model import Item, RunState, View

__all__ = ["grows", "live_items"]


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
