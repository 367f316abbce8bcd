"""What deleting a branch or a session would take away, in numbers."""

from __future__ import annotations

import json

from tui.model import Losses, Scope, Session, Survivor, TurnTree, Usage
from tui.storage.queries.branch_usage import Books
from tui.storage.queries.turn_usage import usage_of_turns
from tui.storage.sqlite.engine import Snapshot

__all__ = ["losses"]


def losses(file: Snapshot, session: Session, tree: TurnTree, branch_id: str | None) -> Losses:
    """Work out what would go.

    Args:
        file: The file.
        session: The session.
        tree: All its branches, also those that are put away.
        branch_id: The branch; None for the whole session.

    Raises:
        KeyError: The tree has no such branch.
    """
    return _of_session(file, session, tree) if branch_id is None else _of_branch(file, session, tree, branch_id)


def _of_session(file: Snapshot, session: Session, tree: TurnTree) -> Losses:
    name = session.session_id
    items = file.execute(f"SELECT COUNT(*) FROM {file.messages} WHERE session_id = ?", (name,)).fetchone()[0]
    spent = Books().accounts(file, session, tree, next(iter(tree.branches))).totals[Scope.ALL]
    turns = sum(max(0, chain.last - max(chain.first, 1) + 1) for chain in tree.chains)
    return Losses(name, None, len(tree.branches), turns, items, spent.total_tokens if spent else None)


def _of_branch(file: Snapshot, session: Session, tree: TurnTree, branch_id: str) -> Losses:
    name, branch = session.session_id, tree.branches[branch_id]
    lives_on = tuple(
        Survivor(max(chain.first, 1), chain.last, tuple(other for other in chain.through if other != branch_id))
        for chain in tree.path(branch_id)
        if chain.last >= max(chain.first, 1) and len(chain.through) > 1
    )
    tip = tree.tip(branch_id)
    first = tip.first if len(tip.through) == 1 else branch.turns + 1
    items, begun = _own_items(file, name, tree, branch_id, first)
    spent = usage_of_turns(file, name, (branch_id,), 0, branch.turns)
    # A turn whose first message others hold keeps its usage for them, even where the branch went on otherwise with it.
    gone = [used.usage for turn, used in spent.items() if turn >= first + begun]
    kept = [used.usage for turn, used in spent.items() if turn < first + begun and used.branch_id == branch_id]
    lost, stays = Usage.total(gone), Usage.total(kept)
    return Losses(
        name,
        branch_id,
        1,
        branch.turns - max(first, 1) + 1,
        items,
        lost.total_tokens if lost else None,
        lives_on,
        stays.total_tokens if stays else None,
    )


def _own_items(file: Snapshot, name: str, tree: TurnTree, branch_id: str, first: int) -> tuple[int, bool]:
    """How many items of the turns from `first` on nothing else holds, and whether others hold the first of them."""
    items: int = file.execute(
        "SELECT COUNT(*) FROM message_structure WHERE session_id = ? AND branch_id = ? AND user_turn_number >= ?",
        (name, branch_id, first),
    ).fetchone()[0]
    others = {other for chain in tree.alternatives(tree.tip(branch_id)) for other in chain.through} - {branch_id}
    if not items or not others:
        return items, False
    # Branches that part within a turn hold the same messages up to there.
    shared = file.execute(
        "SELECT EXISTS (SELECT 1 FROM message_structure o WHERE o.session_id = t.session_id"
        " AND o.branch_id IN (SELECT value FROM json_each(?)) AND o.user_turn_number = t.user_turn_number"
        " AND o.message_id = t.message_id) FROM message_structure t"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number = ? ORDER BY +t.sequence_number",
        (json.dumps(sorted(others)), name, branch_id, first),
    ).fetchall()
    return items - sum(held for (held,) in shared), bool(shared and shared[0][0])
