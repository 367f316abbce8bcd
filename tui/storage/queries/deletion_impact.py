"""What deleting a branch or a session would take away, in numbers."""

from __future__ import annotations

import json

from tui.model import DeletionImpact, Scope, Session, SharedTurns, TurnTree, Usage
from tui.storage.engine import Transaction
from tui.storage.queries.branch_usage import BranchUsageCache
from tui.storage.queries.turn_usage import usage_of_turns

__all__ = ["deletion_impact"]


def deletion_impact(tx: Transaction, session: Session, tree: TurnTree, branch_id: str | None) -> DeletionImpact:
    """Work out what would go.

    Args:
        tx: The transaction.
        session: The session.
        tree: All its branches, also those that are put away.
        branch_id: The branch; None for the whole session.

    Raises:
        KeyError: The tree has no such branch.
    """
    return _of_session(tx, session, tree) if branch_id is None else _of_branch(tx, session, tree, branch_id)


def _of_session(tx: Transaction, session: Session, tree: TurnTree) -> DeletionImpact:
    name = session.session_id
    items = tx.execute(f"SELECT COUNT(*) FROM {tx.tables.messages} WHERE session_id = ?", (name,)).fetchone()[0]
    spent = BranchUsageCache().branch_usage(tx, session, tree, next(iter(tree.branches))).totals[Scope.ALL]
    turns = sum(max(0, chain.last - max(chain.first, 1) + 1) for chain in tree.chains)
    return DeletionImpact(name, None, len(tree.branches), turns, items, spent.total_tokens if spent else None)


def _of_branch(tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> DeletionImpact:
    name, branch = session.session_id, tree.branches[branch_id]
    shared_turns = tuple(
        SharedTurns(max(chain.first, 1), chain.last, tuple(other for other in chain.holders if other != branch_id))
        for chain in tree.path(branch_id)
        if chain.last >= max(chain.first, 1) and len(chain.holders) > 1
    )
    tip = tree.tip(branch_id)
    first = tip.first if len(tip.holders) == 1 else branch.turns + 1
    items, begun = _own_items(tx, name, tree, branch_id, first)
    spent = usage_of_turns(tx, name, (branch_id,), 0, branch.turns)
    # A turn whose first message others hold keeps its usage for them, even where the branch went on otherwise with it.
    gone = [used.usage for turn, used in spent.items() if turn >= first + begun]
    kept = [used.usage for turn, used in spent.items() if turn < first + begun and used.branch_id == branch_id]
    lost, stays = Usage.total(gone), Usage.total(kept)
    return DeletionImpact(
        name,
        branch_id,
        1,
        branch.turns - max(first, 1) + 1,
        items,
        lost.total_tokens if lost else None,
        shared_turns,
        stays.total_tokens if stays else None,
    )


def _own_items(tx: Transaction, name: str, tree: TurnTree, branch_id: str, first: int) -> tuple[int, bool]:
    """How many items of the turns from `first` on nothing else holds, and whether others hold the first of them."""
    items: int = tx.execute(
        "SELECT COUNT(*) FROM message_structure WHERE session_id = ? AND branch_id = ? AND user_turn_number >= ?",
        (name, branch_id, first),
    ).fetchone()[0]
    others = {other for chain in tree.alternatives(tree.tip(branch_id)) for other in chain.holders} - {branch_id}
    if not items or not others:
        return items, False
    # Branches that part within a turn hold the same messages up to there.
    shared = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM message_structure o WHERE o.session_id = t.session_id"
        " AND o.branch_id IN (SELECT value FROM json_each(?)) AND o.user_turn_number = t.user_turn_number"
        " AND o.message_id = t.message_id) FROM message_structure t"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number = ? ORDER BY +t.sequence_number",
        (json.dumps(sorted(others)), name, branch_id, first),
    ).fetchall()
    return items - sum(held for (held,) in shared), bool(shared and shared[0][0])
