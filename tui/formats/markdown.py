"""A session as Markdown: to be read, pasted and put under version control."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tui.formats.outline import ReadableItem, Section, entries, sections, spent
from tui.printable import printable
from tui.storage.queries.session_dump import SessionDump

__all__ = ["markdown"]


def markdown(whole: SessionDump, branches: Sequence[str]) -> Iterator[str]:
    """Write branches as one document; a turn that several of them hold stands there once."""
    session = whole.session.session_id
    yield f"# {_line(session)}\n"
    together = len(branches) > 1
    if not together:
        yield f"\nBranch {_line(branches[0])}\n"
    for section in sections(whole.tree, branches):
        if together:
            yield f"\n## {_heading(section)}\n"
        yield from _turns(whole, section, "###" if together else "##")


def _turns(whole: SessionDump, section: Section, level: str) -> Iterator[str]:
    if section.last < section.first:
        yield "\nNothing said here yet.\n"
        return
    usage = whole.usage(section.branch_id, section.first, section.last)
    turn = None
    for item, shown in entries(whole.items(section.branch_id, section.first, section.last)):
        if item.turn != turn:
            turn = item.turn
            known = usage.get(turn)
            cost = f"\n{spent(known.usage)}\n" if known and known.usage else ""
            yield f"\n{level} {'Turn ' + str(turn) if turn else 'Before the first turn'}\n{cost}"
        yield "\n" + _entry(shown)


def _heading(section: Section) -> str:
    turns = "no turns" if section.last < section.first else f"turns {section.first}–{section.last}"
    if section.last == section.first:
        turns = f"turn {section.first}"
    parts = f", after turn {section.after}" if section.after else ""
    return f"{', '.join(map(_line, section.branches))}: {turns}{parts}"


def _entry(item: ReadableItem) -> str:
    if item.kind == "user":
        return "".join(f"> {line}".rstrip() + "\n" for line in (item.text or " ").split("\n"))
    if item.kind == "assistant":
        return f"{item.text}\n"
    failed = " — failed" if item.failed else ""
    if item.kind == "reasoning":
        return f"*{item.title}*\n\n" + "".join(f"> *{line}*\n" if line else ">\n" for line in item.text.split("\n"))
    what = {"call": "call of ", "output": "output of "}.get(item.kind, "")
    return f"**{what}{_line(item.title)}**{failed}\n\n{_fenced(item.text, item.language)}"


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n" if text else ""


def _line(name: str) -> str:
    """A name on one line, its marks written as they are."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(printable(name).split()))
