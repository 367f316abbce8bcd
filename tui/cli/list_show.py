"""`convo-tui list` and `convo-tui show`."""

from __future__ import annotations

import argparse
import asyncio
import re
from typing import Any

from tui.cli.open import all_sessions, opened
from tui.cli.output import Output
from tui.errors import ConfigError, NotFoundError
from tui.formats.outline import entries, spent
from tui.model import Branch, Item, TurnUsage
from tui.storage.queries.session_dump import SessionDump

__all__ = ["run_list", "run_show"]

_INDENT = "  "


def run_list(options: argparse.Namespace) -> int:
    """Print the sessions of a file, and the branches of one."""
    return asyncio.run(_list(options))


async def _list(options: argparse.Namespace) -> int:
    out = Output()
    async with opened(options.file, options.session) as found:
        sessions = [session async for session in all_sessions(found.store)]
        items = await found.store.count_items(found.session)
        if options.json:
            out.json(
                {
                    "file": str(found.store.path),
                    "sessions": sessions,
                    "session_id": found.session.session_id,
                    "branches": [
                        branch._asdict() | {"items": items.get(branch.branch_id, 0)}
                        for branch in found.tree.branches.values()
                    ],
                }
            )
            return 0
        out.line((f"{len(sessions)} session{'s' * (len(sessions) != 1)}, the one written last first", "bold"))
        out.table(
            [session.session_id, session.updated_at or "", "plain" if session.plain else ""] for session in sessions
        )
        count = len(found.tree.branches)
        out.line()
        out.line((f"{count} branch{'es' * (count != 1)} of {found.session.session_id}", "bold"))
        out.table(
            (
                [branch.branch_id, f"{branch.turns} turns", f"{items.get(branch.branch_id, 0)} items", _origin(branch)]
                for branch in found.tree.branches.values()
            ),
            right=(1, 2),
        )
    return 0


def _origin(branch: Branch) -> str:
    return "" if branch.parent is None else f"from {branch.parent}, turn {branch.fork_turn}"


def run_show(options: argparse.Namespace) -> int:
    """Print a branch as text."""
    return asyncio.run(_show(options))


async def _show(options: argparse.Namespace) -> int:
    out = Output()
    async with opened(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        first, last = _turns(options.turn, branch)

        def work(whole: SessionDump) -> None:
            usage = whole.usage_of_path(branch.branch_id, max(first, 1), last)
            items = whole.items(branch.branch_id, first, last)
            if options.json:
                out.json(
                    {
                        "session_id": found.session.session_id,
                        "branch_id": branch.branch_id,
                        "turns": [*_as_objects(items, usage)],
                    }
                )
            else:
                _print(out, items, usage)

        await found.store.whole(found.session, work)
    return 0


def _turns(text: str | None, branch: Branch) -> tuple[int, int]:
    if text is None:
        return 0, branch.turns
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None:
        raise ConfigError(f"--turn {text} is no turn.", "Write a number, or two with - between them.")
    first = int(match[1])
    last = int(match[2] or first)
    if first > min(last, branch.turns):
        raise NotFoundError(f"Branch '{branch.branch_id}' has no turn {text}.", f"Its last turn is {branch.turns}.")
    return first, last


def _as_objects(items: Any, usage: dict[int, TurnUsage]) -> Any:
    turn: dict[str, Any] | None = None
    for item in items:
        if turn is None or turn["turn"] != item.turn:
            if turn is not None:
                yield turn
            known = usage.get(item.turn)
            turn = {"turn": item.turn, "usage": known.usage if known else None, "items": []}
        turn["items"].append(_as_object(item))
    if turn is not None:
        yield turn


def _as_object(item: Item) -> dict[str, Any]:
    told = {
        "message_id": item.message_id,
        "type": item.type,
        "tool_name": item.tool_name,
        "created_at": item.created_at,
    }
    return {**told, "raw": item.raw} if item.data is None else {**told, "item": item.data}


def _print(out: Output, items: Any, usage: dict[int, TurnUsage]) -> None:
    turn = None
    for item, shown in entries(items):
        if item.turn != turn:
            if turn is not None:
                out.line()
            turn = item.turn
            known = usage.get(turn)
            cost = f" · {spent(known.usage)}" if known and known.usage else ""
            out.line((f"turn {turn}" if turn else "before the first turn", "bold"), (cost, "dim"))
        indent = "" if shown.kind in ("user", "assistant") else _INDENT
        name = (
            shown.title if shown.kind in ("user", "assistant", "reasoning", "other") else f"{shown.kind} {shown.title}"
        )
        out.line(indent, (f"{name}:", "bold cyan" if shown.kind == "user" else "cyan"), " failed" * shown.failed)
        for line in shown.text.split("\n"):
            out.line(f"{indent}{_INDENT}{line}" if line else "")
