"""A session as Markdown, to read, paste, and keep under version control."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tui.formats.outline import ReadableItem, Section, readable_turns, sections, usage_words
from tui.printable import printable
from tui.storage.queries.session_dump import SessionDump

__all__ = ["markdown_document"]


def markdown_document(dump: SessionDump, branches: Sequence[str]) -> Iterator[str]:
    """Write branches as one document, in which a turn that they share occurs once."""
    yield f"# {_escape(dump.session.title_and_id)}\n"
    if len(branches) == 1:
        yield f"\nBranch {_names(dump, branches)}\n"
    for section in sections(dump.tree, branches):
        if len(branches) > 1:
            yield f"\n## {_heading(dump, section)}\n"
        yield from _turns(dump, section, "##" if len(branches) == 1 else "###")


def _turns(dump: SessionDump, section: Section, level: str) -> Iterator[str]:
    if section.is_empty:
        yield "\nNo messages.\n"
        return
    usages = dump.usage(section.branch_id, section.first, section.last)
    for turn, usage, items in readable_turns(dump.items(section.branch_id, section.first, section.last), usages):
        tokens = f"\n{usage_words(usage)}\n" if usage else ""
        yield f"\n{level} {f'Turn {turn}' if turn else 'Before the first turn'}\n{tokens}"
        for item in items:
            yield f"\n{_item(item)}"


def _heading(dump: SessionDump, section: Section) -> str:
    turns = "no turns" if section.is_empty else f"turns {section.first}–{section.last}"
    if section.last == section.first:
        turns = f"turn {section.first}"
    fork = f", after turn {section.fork_turn}" if section.fork_turn else ""
    return f"{_names(dump, section.branches)}: {turns}{fork}"


def _names(dump: SessionDump, branches: Sequence[str]) -> str:
    return ", ".join(_escape(dump.tree.branches[branch_id].title_and_id) for branch_id in branches)


def _item(item: ReadableItem) -> str:
    if item.kind == "message":
        return f"{item.text}\n" if item.title == "assistant" else _quote(item.text or " ")
    if item.kind == "reasoning":
        return f"*{item.title}*\n\n" + "".join(f"> *{line}*\n" if line else ">\n" for line in item.text.split("\n"))
    failed = " — failed" if item.failed else ""
    prefix = {"call": "call of ", "output": "output of "}.get(item.kind, "")
    return f"**{prefix}{_escape(item.title)}**{failed}\n\n{_code_block(item.text, item.language)}"


def _quote(text: str) -> str:
    return "".join(f"> {line}".rstrip() + "\n" for line in text.split("\n"))


def _code_block(text: str, language: str) -> str:
    longest = max((len(backticks) for backticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n" if text else ""


def _escape(name: str) -> str:
    """Return a name on one line, without effect as Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(printable(name, for_document=True).split()))
