"""`convo-tui list`."""

from __future__ import annotations

import argparse

from tui.cli.json_objects import branch_object, session_object
from tui.cli.open import all_sessions, open_session
from tui.cli.output import Output, print_json, session_title
from tui.model import Branch, Session
from tui.widgets.format import format_time_and_zone
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print the sessions of a file, and the branches of one."""
    async with open_session(options.file, options.session) as found:
        sessions = [session async for session in all_sessions(found.store, with_words=True)]
        items = await found.store.count_items(found.session)
        branches = [
            (branch, items.get(branch.branch_id, 0), found.tree.origin(branch.branch_id))
            for branch in found.tree.branches.values()
        ]
    session_id = found.session.session_id
    if options.json:
        print_json(
            {
                "file": str(found.store.path),
                "sessions": [session_object(session) for session in sessions],
                "session_id": session_id,
                "branches": [branch_object(*branch) for branch in branches],
                "messages_without_branch": found.messages_without_branch,
            }
        )
        return 0
    out = Output()
    out.line((f"{plural(len(sessions), 'session')}, the one written last first", "bold"))
    out.table(
        [session.session_id, format_time_and_zone(session.updated_at), session_title(session), *_label(session)[1:]]
        for session in sessions
    )
    out.line()
    out.line((f"{plural(len(branches), 'branch')} of {session_id}", "bold"))
    out.table(
        (
            [branch.branch_id, plural(branch.turns, "turn"), plural(count, "item"), _origin(origin), *_label(branch)]
            for branch, count, origin in branches
        ),
        right=(1, 2),
    )
    return 0


def _label(labelled: Session | Branch) -> tuple[str, str, str]:
    return labelled.title, _marks(labelled), labelled.note


def _marks(labelled: Session | Branch) -> str:
    """Return in words what the tree marks."""
    words = {"pinned": labelled.pinned, "archived": labelled.archived}
    words["plain"] = isinstance(labelled, Session) and labelled.plain
    return ", ".join(word for word, holds in words.items() if holds)


def _origin(origin: tuple[str, int] | None) -> str:
    return "" if origin is None else f"from {origin[0]}, turn {origin[1]}"
