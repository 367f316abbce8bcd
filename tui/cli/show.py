"""`convo-tui show`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping

from tui.cli.json_objects import turn_objects
from tui.cli.open import missing_turn, open_session
from tui.cli.output import Output, print_json
from tui.errors import ConfigError
from tui.formats.outline import readable_turns, usage_words
from tui.model import Branch, Item, TurnUsage
from tui.storage.queries.session_dump import SessionDump
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print a branch."""
    async with open_session(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        first, last = _turn_range(options.turn, branch)

        def print_turns(dump: SessionDump) -> None:
            usages = dump.usage_of_path(branch.branch_id, max(first, 1), last)
            items = dump.items(branch.branch_id, first, last)
            if options.json:
                session_id, turns = found.session.session_id, list(turn_objects(items, usages))
                print_json({"session_id": session_id, "branch_id": branch.branch_id, "turns": turns})
            else:
                out = Output()
                title = f"{found.session.title_and_id}, branch {branch.title_and_id}, {plural(branch.turns, 'turn')}"
                out.line((title, "bold"))
                _print_turns(out, items, usages)

        await found.store.dump(found.session, print_turns)
    return 0


def _turn_range(text: str | None, branch: Branch) -> tuple[int, int]:
    if text is None:
        return 0, branch.turns
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None:
        raise ConfigError(f"--turn {text} is not a turn.", "Write a number, or two with - between them.")
    first = int(match[1])
    last = int(match[2] or first)
    if last < first:
        raise ConfigError(f"--turn {text} is reversed.", f"Write --turn {last}-{first}.")
    if first > branch.turns:
        raise missing_turn(branch, text)
    return first, last


def _print_turns(out: Output, items: Iterable[Item], usages: Mapping[int, TurnUsage]) -> None:
    is_empty = True
    for turn, usage, turn_items in readable_turns(items, usages):
        is_empty = False
        out.line()
        tokens = f" · {usage_words(usage)}" if usage else ""
        out.line((f"turn {turn}" if turn else "before the first turn", "bold"), (tokens, "dim"))
        for item in turn_items:
            out.item(item)
    if is_empty:
        out.line("No messages.")
