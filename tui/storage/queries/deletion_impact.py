"""Counting what would be deleted with a branch or a session."""

from __future__ import annotations

import json

from tui.model import DeletionImpact, Scope, Session, SharedTurns, TurnTree, Usage
from tui.storage.engine import Transaction
from tui.storage.queries.branch_usage import BranchUsageCache
from tui.storage.queries.turn_usage import usage_of_turns

__all__ = ["deletion_impact"]


def deletion_impact(tx: Transaction, session: Session, tree: TurnTree, branch_id: str | None) -> DeletionImpact:
    """Return what would be deleted with a branch, or with the session if `branch_id` is None.

    `tree` has to contain archived branches too.
    """
    return _of_session(tx, session, tree) if branch_id is None else _of_branch(tx, session, tree, branch_id)


def _of_session(tx: Transaction, session: Session, tree: TurnTree) -> DeletionImpact:
    session_id = session.session_id
    sql = f"SELECT COUNT(*) FROM {tx.tables.messages} WHERE session_id = :session_id"
    (items,) = tx.execute(sql, session_id=session_id).fetchone()
    usage = BranchUsageCache().branch_usage(tx, session, tree, next(iter(tree.branches))).totals[Scope.ALL]
    turns = sum(max(0, chain.last - max(chain.first, 1) + 1) for chain in tree.chains)
    return DeletionImpact(
        session_id,
        None,
        len(tree.branches),
        turns,
        items,
        usage.total_tokens if usage else None,
        tokens_are_estimated=bool(usage and usage.estimated),
    )


def _of_branch(tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> DeletionImpact:
    session_id, branch = session.session_id, tree.branches[branch_id]
    shared_turns = tuple(
        SharedTurns(
            max(chain.first, 1),
            chain.last,
            tuple(tree.branches[other] for other in chain.holders if other != branch_id),
        )
        for chain in tree.path(branch_id)
        if chain.last >= max(chain.first, 1) and len(chain.holders) > 1
    )
    last_chain = tree.last_chain(branch_id)
    first = last_chain.first if len(last_chain.holders) == 1 else branch.turns + 1
    items, first_is_shared = _own_items(tx, session_id, tree, branch_id, first)
    usages = usage_of_turns(tx, session_id, (branch_id,), 0, branch.turns)
    # The usage of a turn is kept if another branch holds its first message, even if the rest of the turn differs.
    first_deleted = first + first_is_shared
    deleted = Usage.total(used.usage for turn, used in usages.items() if turn >= first_deleted)
    kept = Usage.total(
        used.usage for turn, used in usages.items() if turn < first_deleted and used.branch_id == branch_id
    )
    return DeletionImpact(
        session_id,
        branch_id,
        1,
        branch.turns - max(first, 1) + 1,
        items,
        deleted.total_tokens if deleted else None,
        shared_turns,
        kept.total_tokens if kept else None,
        tokens_are_estimated=bool(deleted and deleted.estimated),
        kept_tokens_are_estimated=bool(kept and kept.estimated),
    )


def _own_items(tx: Transaction, session_id: str, tree: TurnTree, branch_id: str, first: int) -> tuple[int, bool]:
    """Return the number of unshared items from turn `first` on, and whether the turn's first item is shared."""
    sql = (
        "SELECT COUNT(*) FROM message_structure"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number >= :first"
    )
    (items,) = tx.execute(sql, session_id=session_id, branch_id=branch_id, first=first).fetchone()
    others = {other for chain in tree.alternatives(tree.last_chain(branch_id)) for other in chain.holders} - {branch_id}
    if not items or not others:
        return items, False
    # Branches that diverge within a turn share its first messages.
    shared = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM message_structure o WHERE o.session_id = t.session_id"
        f" AND {tx.dialect.in_list('o.branch_id', 'others')} AND o.user_turn_number = t.user_turn_number"
        " AND o.message_id = t.message_id) FROM message_structure t WHERE t.session_id = :session_id"
        " AND t.branch_id = :branch_id AND t.user_turn_number = :first ORDER BY +t.sequence_number",
        session_id=session_id,
        branch_id=branch_id,
        first=first,
        others=json.dumps(sorted(others)),
    ).fetchall()
    return items - sum(bool(held) for (held,) in shared), bool(shared and shared[0][0])
