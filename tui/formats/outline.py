"""The common part of the readable formats: the order of turns, and the readable form of items and usage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Literal, NamedTuple, TypeAlias

from tui.items.codec import to_json
from tui.items.failure import is_error
from tui.items.text import item_text
from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model import Item, TurnTree, TurnUsage, Usage
from tui.printable import printable
from tui.words import ESTIMATE, plural

__all__ = ["ReadableItem", "Section", "readable_items", "readable_turns", "sections", "usage_words"]

Kind: TypeAlias = Literal["message", "reasoning", "call", "output", "other"]

_KINDS: Final[Mapping[ItemKind, Kind]] = {
    ItemKind.CALL: "call",
    ItemKind.APPROVAL_REQUEST: "call",
    ItemKind.OUTPUT: "output",
    ItemKind.APPROVAL_RESPONSE: "output",
}

_MAX_FORMATTED: Final = 100_000
"""Characters of JSON that are formatted; longer texts stay as they are."""


class Section(NamedTuple):
    """Turns in one section of a document.

    Attributes:
        number: Number of the section in the document, from 0.
        branch_id: A branch that has these turns.
        last: Number of the last turn; less than `first` if a branch has no turns of its own.
        depth: Number of forks between the root and these turns.
        fork_turn: The turn that the section continues from; 0 at the beginning of the session.
        branches: The exported branches that have these turns.
        last_branch: The branch that ends with them, if any.
    """

    number: int
    branch_id: str
    first: int
    last: int
    depth: int
    fork_turn: int
    branches: tuple[str, ...]
    last_branch: str | None

    @property
    def is_empty(self) -> bool:
        """True if the section has no turns."""
        return self.last < self.first


class ReadableItem(NamedTuple):
    """An item as a document shows it; title and text are untrusted.

    Attributes:
        title: The role of a message, the name of a tool, or the item's type.
        language: Language of the text: `markdown`, `json`, or empty for plain text.
        failed: Whether the item reports a failure.
    """

    kind: Kind
    title: str
    text: str
    language: str = ""
    failed: bool = False


def sections(tree: TurnTree, branches: Sequence[str]) -> Iterator[Section]:
    """Yield the turns of branches: one branch as one section, several branches chain by chain in the tree's order."""
    if len(branches) == 1:
        branch = tree.branches[branches[0]]
        first = min((chain.first for chain in tree.path(branch.branch_id)), default=1)
        yield Section(0, branch.branch_id, first, branch.turns, 0, 0, (branch.branch_id,), branch.branch_id)
        return
    exported, number = set(branches), 0
    for chain, depth in tree.walk():
        holders = tuple(name for name in chain.holders if name in exported)
        if holders:
            fork_turn = 0 if chain.parent is None else tree.chains[chain.parent].last
            last_branch = chain.ending_branch if chain.ending_branch in exported else None
            yield Section(number, holders[0], chain.first, chain.last, depth, fork_turn, holders, last_branch)
            number += 1


def readable_turns(
    items: Iterable[Item], usages: Mapping[int, TurnUsage]
) -> Iterator[tuple[int, Usage | None, Iterator[ReadableItem]]]:
    """Yield each turn as its number, its usage, and its items, which have to be read before the next turn.

    The output of a tool is titled with the name in its call.
    """
    for turn, pairs in groupby(_with_readable(items), key=lambda pair: pair[0].turn):
        known = usages.get(turn)
        yield turn, known.usage if known else None, (readable for _, readable in pairs)


def readable_items(items: Iterable[Item]) -> Iterator[ReadableItem]:
    """Yield the readable form of items; the output of a tool is titled with the name in its call."""
    return (readable for _, readable in _with_readable(items))


def _with_readable(items: Iterable[Item]) -> Iterator[tuple[Item, ReadableItem]]:
    names: dict[object, str | None] = {}
    for item in items:
        tool_name = item.tool_name
        call_id = item.data.get("call_id") if isinstance(item.data, dict) else None
        if isinstance(call_id, str):
            names.setdefault(call_id, tool_name)
            tool_name = tool_name or names[call_id]
        yield item, _readable(item, tool_name)


def _readable(item: Item, tool_name: str | None) -> ReadableItem:
    data = item.data
    if data is None:
        return ReadableItem("other", "cannot be decoded", printable(item.raw or "", for_document=True), failed=True)
    text = printable(item_text(data), for_document=True)
    if item.type in MESSAGE_TYPES:
        return ReadableItem("message", item.type, text, "markdown")
    kind = item_type(item.type).kind
    if kind is ItemKind.REASONING:
        return ReadableItem("reasoning", "reasoning", text or "encrypted", "markdown" if text else "")
    text, language = _format_json(text)
    title = printable(tool_name or item.type).replace("\n", " ")
    return ReadableItem(_KINDS.get(kind, "other"), title, text, language, failed=is_error(data))


def _format_json(text: str) -> tuple[str, str]:
    """Return a text and its language; JSON is formatted with indentation."""
    if text[:1] not in ("{", "[") or len(text) > _MAX_FORMATTED:
        return text, ""
    try:
        return to_json(json.loads(text), indent=2, ensure_ascii=False), "json"
    except (ValueError, RecursionError):
        return text, ""


def usage_words(usage: Usage) -> str:
    """Return a turn's usage in words."""
    mark = ESTIMATE if usage.estimated else ""
    cached = f"{mark}{usage.cached_tokens:,} of it cached, " if usage.cached_tokens else ""
    reasoning = f", {mark}{usage.reasoning_tokens:,} of it reasoning" if usage.reasoning_tokens else ""
    tokens = plural(usage.total_tokens, "token")
    return f"{mark}{tokens}: {mark}{usage.input_tokens:,} in, {cached}{mark}{usage.output_tokens:,} out{reasoning}"
