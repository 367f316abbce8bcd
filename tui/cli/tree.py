"""`convo-tui tree`."""

from __future__ import annotations

import argparse
from typing import Final

from tui.cli.open import OpenSession, open_session
from tui.cli.output import Output, print_json
from tui.errors import NotFoundError
from tui.formats.outline import Section, sections
from tui.words import plural, shorten

__all__ = ["run"]

_MAX_WORDS: Final = 60
"""Characters of the first message of a part."""


async def run(options: argparse.Namespace) -> int:
    """Print the branches of a session as an outline: a line for the turns between two forks."""
    async with open_session(options.file, options.session) as found:
        session, branches = found.session, found.tree.branches
        parts = list(sections(found.tree, list(branches)))
        texts = [await _first_text(found, part) for part in parts]
    if options.json:
        print_json(
            {
                "session_id": session.session_id,
                "parts": list(map(_part_object, parts, texts)),
                "messages_without_branch": found.messages_without_branch,
            }
        )
        return 0
    out = Output()
    out.line((f"{session.title_and_id} · {plural(len(branches), 'branch')}", "bold"))
    for part, text in zip(parts, texts, strict=True):
        end = f" · end of {branches[part.last_branch].title_and_id}" if part.last_branch is not None else ""
        words = f" {shorten(text, _MAX_WORDS)}" if text else ""
        out.line("  " * part.depth, (_turns(part), "bold"), words, (end, "cyan"))
    return 0


async def _first_text(found: OpenSession, part: Section) -> str:
    try:
        return await found.store.user_text(found.session, part.branch_id, part.first) if not part.is_empty else ""
    except NotFoundError:
        return ""


def _turns(part: Section) -> str:
    if part.is_empty:
        return f"no turn after {part.fork_turn}" if part.fork_turn else "no turn"
    return f"turn {part.first}:" if part.first == part.last else f"turns {part.first} to {part.last}:"


def _part_object(part: Section, text: str) -> dict[str, object]:
    return {
        "first_turn": part.first,
        "last_turn": part.last,
        "depth": part.depth,
        "branches": list(part.branches),
        "last_branch": part.last_branch,
        "text": text,
    }
