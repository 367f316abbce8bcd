"""`convo-tui copy`: copy sessions from one database to another, which may be of another kind."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any, Final

from tui.cli.output import Output, print_json
from tui.cli.places import Place, ReadSession, open_place
from tui.errors import ConvoError, FileError, NotFoundError
from tui.words import plural

__all__ = ["run"]

_REFUSED: Final = "refused"


async def run(options: argparse.Namespace) -> int:
    """Copy sessions, each in one transaction, and print what was done with each."""
    async with AsyncExitStack() as opened:
        source = await opened.enter_async_context(open_place(options.source, options.from_schema, options.from_tables))
        target = await opened.enter_async_context(
            open_place(options.target, options.schema, options.tables, is_target=True)
        )
        # The session that was written last is the last one also in the target.
        if options.session is None:
            session_ids = (await source.session_ids())[::-1]
        else:
            session_ids = [await source.session_id(options.session)]
        report = _Report(options, source, target)
        try:
            for session_id in session_ids:
                await _add_copy(report, options, session_id)
        finally:
            report.print_end()
    report.require_all()
    return 0


async def _add_copy(report: _Report, options: argparse.Namespace, session_id: str) -> None:
    """Copy a session, and note what was done; errors of the session alone do not keep others from being copied."""
    source, target = report.source, report.target
    session = None
    try:
        session = await source.read(session_id, decrypt=options.decrypt)
        if session is not None:
            report.add(session_id, session, *await _copy(options, source, target, session))
    except FileError:
        raise
    except ConvoError as error:
        report.add(session_id, session, _REFUSED, f"{error} {error.hint}".strip())
        return
    if session is None and options.session is not None:
        raise NotFoundError(f"{source.name} has no session '{session_id}'.", "`convo-tui list` lists sessions.")


async def _copy(options: argparse.Namespace, source: Place, target: Place, session: ReadSession) -> tuple[str, str]:
    """Copy a session unless it is copied already; return what was done, and why it was not copied or what differs."""
    there = await target.read(session.session_id)
    if there is not None:
        if target.is_copied(session, there):
            return "up to date", ""
        reason = await target.refusal(session, there)
        if reason is not None:
            return _REFUSED, f"the target has another session of this id, and {reason}"
        if not options.replace:
            return _REFUSED, "the target has an older copy: --replace writes over it"
    if options.dry_run:
        return "to be copied" if there is None else "to be replaced", ""
    differing = await target.write(session, source.name, there)
    reason = f"not the same in the target: {', '.join(differing)}" if differing else ""
    return "copied" if there is None else "replaced", reason


class _Report:
    """Prints what was done with each session, as soon as it is done, or all of it as JSON at the end."""

    def __init__(self, options: argparse.Namespace, source: Place, target: Place) -> None:
        self.source = source
        self.target = target
        self._options = options
        self._sessions: list[dict[str, Any]] = []
        self._out = Output()

    def add(self, session_id: str, session: ReadSession | None, outcome: str, reason: str) -> None:
        """Note what was done with a session, which is None if it cannot be read."""
        items = 0 if session is None else self.target.count_items(session)
        self._sessions.append(
            {
                "session_id": session_id,
                "outcome": outcome,
                "reason": reason,
                "items": items,
                "branches": 0 if session is None else len(session.document["branches"]),
                "left_out": {} if session is None or outcome == _REFUSED else self.target.left_out(session),
            }
        )
        if not self._options.json:
            self._out.line(f"{session_id}: {outcome}, {plural(items, 'item')}{f' ({reason})' if reason else ''}")

    def print_end(self) -> None:
        """Print what the target lacks, or everything as JSON."""
        left_out = Counter[str]()
        for session in self._sessions:
            left_out.update(session["left_out"])
        if self._options.json:
            print_json({"source": self.source.name, "target": self.target.name, "sessions": self._sessions})
        elif left_out:
            words = ", ".join(f"{number} × {name}" for name, number in left_out.most_common())
            self._out.line(f"{'Would be left' if self._options.dry_run else 'Left'} out: {words}.")

    def require_all(self) -> None:
        """Raise ConvoError if a session was refused."""
        refused = sum(session["outcome"] == _REFUSED for session in self._sessions)
        if refused:
            raise ConvoError(
                f"{refused} of {plural(len(self._sessions), 'session')} cannot be copied, as said above.",
                "--replace writes over older copies; delete others in the target first.",
            )
