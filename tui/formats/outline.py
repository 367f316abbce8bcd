"""What the readable formats have in common: which turns come in which order, and what an item is to a reader."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tui.items.failure import is_error
from tui.items.text import item_text
from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model import Chain, Item, TurnTree, Usage
from tui.printable import printable

__all__ = ["ReadableItem", "Section", "count", "entries", "sections", "spent"]


class Section(NamedTuple):
    """Turns that stand together in a document.

    Attributes:
        number: Its place in the document, from 0.
        branch_id: A branch that holds them.
        first: Number of the first.
        last: Number of the last; less than `first` where a branch has no turns of its own.
        depth: How many forks lead there.
        after: The turn that it parts after and goes on from; 0 for the session's beginning.
        branches: The exported branches that hold these turns.
        ends: The branch that ends with them, if any.
    """

    number: int
    branch_id: str
    first: int
    last: int
    depth: int
    after: int
    branches: tuple[str, ...]
    ends: str | None


class ReadableItem(NamedTuple):
    """An item as a reader meets it.

    Attributes:
        kind: `user`, `assistant`, `reasoning`, `call`, `output`, or `other`.
        title: Its heading: a role, a tool's name, a type; untrusted.
        text: What it says; untrusted.
        language: What the text is written in: `markdown`, `json` or plain text where empty.
        failed: Whether it tells of a failure.
    """

    kind: str
    title: str
    text: str
    language: str = ""
    failed: bool = False


def sections(tree: TurnTree, branches: Sequence[str]) -> Iterator[Section]:
    """The turns of some branches: of one branch in one piece, else chain by chain as the tree draws them."""
    if len(branches) == 1:
        branch = tree.branches[branches[0]]
        first = min((chain.first for chain in tree.path(branch.branch_id)), default=1)
        yield Section(0, branch.branch_id, first, branch.turns, 0, 0, (branch.branch_id,), branch.branch_id)
        return
    wanted, number = set(branches), 0
    for chain, depth in tree.walk():
        through = tuple(name for name in chain.holders if name in wanted)
        if through:
            yield Section(
                number,
                through[0],
                chain.first,
                chain.last,
                depth,
                _parts_after(tree, chain),
                through,
                chain.tip_of if chain.tip_of in wanted else None,
            )
            number += 1


def _parts_after(tree: TurnTree, chain: Chain) -> int:
    return 0 if chain.parent is None else tree.chains[chain.parent].last


def count(tree: TurnTree, branches: Sequence[str]) -> int:
    """How many turns `sections` has."""
    return sum(max(section.last - section.first + 1, 0) for section in sections(tree, branches))


def entries(items: Iterable[Item]) -> Iterator[tuple[Item, ReadableItem]]:
    """What items are to a reader; an output bears the name of the tool that was called."""
    names: dict[object, str | None] = {}
    for item in items:
        call = item.data.get("call_id") if isinstance(item.data, dict) else None
        if isinstance(call, str):
            names.setdefault(call, item.tool_name)
            yield item, _entry(item, item.tool_name or names[call])
        else:
            yield item, _entry(item, item.tool_name)


def _entry(item: Item, tool_name: str | None) -> ReadableItem:
    data = item.data
    if data is None:
        return ReadableItem("other", "cannot be decoded", printable(item.raw or "", keep_tabs=True), failed=True)
    failed = item.type not in MESSAGE_TYPES and is_error(data)
    text = printable(item_text(data), keep_tabs=True)
    if item.type in MESSAGE_TYPES:
        return ReadableItem(item.type, item.type, text, "markdown")
    kind = item_type(item.type).kind
    if kind is ItemKind.REASONING:
        return ReadableItem("reasoning", "reasoning", text or "encrypted", "markdown" if text else "")
    tool = printable(tool_name or item.type).replace("\n", " ")
    if kind in (ItemKind.OUTPUT, ItemKind.APPROVAL_RESPONSE):
        return ReadableItem("output", tool, *_pretty(text), failed=failed)
    if kind in (ItemKind.CALL, ItemKind.APPROVAL_REQUEST):
        return ReadableItem("call", tool, *_pretty(text), failed=failed)
    return ReadableItem("other", tool, *_pretty(text), failed=failed)


def _pretty(text: str) -> tuple[str, str]:
    """JSON with its lines broken, and its name; other text as it is."""
    if text[:1] not in ("{", "[") or len(text) > 100_000:
        return text, ""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False), "json"
    except (ValueError, RecursionError):
        return text, ""


def spent(usage: Usage) -> str:
    """What a turn cost, in words."""
    parts = [f"{usage.input_tokens:,} in"]
    if usage.cached_tokens:
        parts.append(f"{usage.cached_tokens:,} of it cached")
    parts.append(f"{usage.output_tokens:,} out")
    if usage.reasoning_tokens:
        parts.append(f"{usage.reasoning_tokens:,} of it reasoning")
    return f"{usage.total_tokens:,} tokens: {', '.join(parts)}"
