"""Properties of a view, and of the change from one view to the next."""

from __future__ import annotations

from tui.model import Item, RunState, View

__all__ = [
    "is_same_branch",
    "is_same_session",
    "is_streaming",
    "last_shared_turn",
    "last_turn",
    "live_items",
    "selection_followed_growth",
]


def live_items(view: View) -> tuple[Item, ...]:
    """Return the items of the run after the stored items of the view; none while stored items between are missing."""
    run = view.runs.get(view.branch_id)
    if run is None or run.progress.start > view.items:
        return ()
    turn, items = last_turn(view), []
    for position, item in enumerate(run.progress.live[view.items - run.progress.start :], view.items):
        turn += item.type == "user"
        items.append(item._replace(position=position, turn=turn))
    return tuple(items)


def is_streaming(view: View, item: Item) -> bool:
    """Return whether an item is the last item of the current run, and incomplete."""
    run = view.runs.get(view.branch_id)
    if run is None or run.state not in (RunState.STARTING, RunState.RUNNING) or not run.progress.live:
        return False
    if run.progress.live[-1].message_id != item.message_id:
        return False
    status = item.data.get("status") if isinstance(item.data, dict) else None
    # A tool call has a status while it is incomplete; a message or reasoning has one when it is complete.
    return status == "in_progress" or (status is None and item.type in ("assistant", "reasoning"))


def is_same_session(old: View, new: View) -> bool:
    """Return whether two views show the same session of the same file."""
    return (old.file, _session_id(old)) == (new.file, _session_id(new))


def is_same_branch(old: View, new: View) -> bool:
    """Return whether two views show the same branch of the same session."""
    return is_same_session(old, new) and old.branch_id == new.branch_id


def last_turn(view: View) -> int:
    """Return the last stored turn of the shown branch; 0 if it has none."""
    branch = view.tree.branches.get(view.branch_id)
    return 0 if branch is None else branch.turns


def selection_followed_growth(old: View, new: View) -> bool:
    """Return whether the selection moved from the last turn to a newer one because the branch grew."""
    return last_turn(old) <= old.turn < new.turn >= last_turn(new)


def last_shared_turn(old: View, new: View) -> int:
    """Return the last turn that the old and the new view's branch share; -1 for none."""
    if old.branch_id not in new.tree.branches or new.branch_id not in new.tree.branches:
        return -1
    path = new.tree.path(old.branch_id)
    common = [a.last for a, b in zip(path, new.tree.path(new.branch_id), strict=False) if a.index == b.index]
    return max(common, default=-1)


def _session_id(view: View) -> str | None:
    return None if view.session is None else view.session.session_id
