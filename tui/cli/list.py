"""`convo-tui list`."""

from __future__ import annotations

import argparse

from tui.cli.json_objects import branch_object, session_object
from tui.cli.open import all_sessions, open_session
from tui.cli.output import Output, print_json
from tui.widgets.format import format_time_and_zone
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print the sessions of a file, and the branches of one."""
    async with open_session(options.file, options.session) as found:
        sessions = [session async for session in all_sessions(found.store)]
        items = await found.store.count_items(found.session)
        branches = [
            (branch, items.get(branch.branch_id, 0), found.tree.origin(branch.branch_id))
            for branch in found.tree.branches.values()
        ]
    session_id = found.session.session_id
    if options.json:
        print_json(
            {
                "file": options.file,
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
        [session.session_id, format_time_and_zone(session.updated_at), "plain" if session.plain else ""]
        for session in sessions
    )
    out.line()
    out.line((f"{plural(len(branches), 'branch')} of {session_id}", "bold"))
    out.table(
        (
            [branch.branch_id, plural(branch.turns, "turn"), plural(count, "item"), _origin(origin)]
            for branch, count, origin in branches
        ),
        right=(1, 2),
    )
    return 0


def _origin(origin: tuple[str, int] | None) -> str:
    return "" if origin is None else f"from {origin[0]}, turn {origin[1]}"
