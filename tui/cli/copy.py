"""`convo-tui copy`: copy sessions from one database to another, which may be of another kind."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from tui.cli.output import Output, print_json
from tui.cli.places import Place, ReadSession, open_place
from tui.errors import ConvoError, NotFoundError
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Copy sessions, each in one transaction, and print what was done with each."""
    async with AsyncExitStack() as opened:
        source = await opened.enter_async_context(open_place(options.source, options.from_schema, options.from_tables))
        target = await opened.enter_async_context(
            open_place(options.target, options.schema, options.tables, is_target=True)
        )
        # The session that was written last is the last one also in the target.
        session_ids = [options.session] if options.session is not None else (await source.session_ids())[::-1]
        report = _Report(options, source, target)
        for session_id in session_ids:
            session = await source.read(session_id, decrypt=options.decrypt)
            if session is None and options.session is not None:
                raise NotFoundError(f"{source.name} has no session '{session_id}'.", "`convo-tui list` lists sessions.")
            if session is not None:
                report.add(session, *await _copy(options, source, target, session))
    return report.end()


async def _copy(options: argparse.Namespace, source: Place, target: Place, session: ReadSession) -> tuple[str, str]:
    """Copy a session unless it is copied already; return what was done, and why it was not copied or what differs."""
    there = await target.read(session.session_id)
    if there is not None:
        if target.is_copied(session, there):
            return "up to date", ""
        reason = await target.refusal(session, there)
        if reason is not None:
            return "refused", f"the target has another session of this id, and {reason}"
        if not options.replace:
            return "refused", "the target has an older copy: --replace writes over it"
    if options.dry_run:
        return "to be copied" if there is None else "to be replaced", ""
    differing = await target.write(session, source.name, there)
    reason = f"not the same in the target: {', '.join(differing)}" if differing else ""
    return "copied" if there is None else "replaced", reason


class _Report:
    """Prints what was done with each session, as soon as it is done, or all of it as JSON at the end."""

    def __init__(self, options: argparse.Namespace, source: Place, target: Place) -> None:
        self._options = options
        self._source = source
        self._target = target
        self._sessions: list[dict[str, Any]] = []
        self._out = Output()

    def add(self, session: ReadSession, outcome: str, reason: str) -> None:
        """Note what was done with a session."""
        left_out = self._target.left_out(session) if outcome != "refused" else {}
        items = self._target.count_items(session)
        self._sessions.append(
            {
                "session_id": session.session_id,
                "outcome": outcome,
                "reason": reason,
                "items": items,
                "branches": len(session.document["branches"]),
                "left_out": left_out,
            }
        )
        if self._options.json:
            return
        self._out.line(f"{session.session_id}: {outcome}, {plural(items, 'item')}{f' ({reason})' if reason else ''}")

    def end(self) -> int:
        """Print the end of the report, and return the exit code.

        Raises:
            ConvoError: A session was refused.
        """
        left_out = Counter[str]()
        for session in self._sessions:
            left_out.update(session["left_out"])
        if self._options.json:
            print_json({"source": self._source.name, "target": self._target.name, "sessions": self._sessions})
        elif left_out:
            words = ", ".join(f"{number} × {name}" for name, number in left_out.most_common())
            self._out.line(f"{'Would be left' if self._options.dry_run else 'Left'} out: {words}.")
        refused = [session["session_id"] for session in self._sessions if session["outcome"] == "refused"]
        if refused:
            raise ConvoError(
                f"{plural(len(refused), 'session')} of {len(self._sessions)} were not copied.",
                "Change their ids, or delete them in the target first.",
            )
        return 0
