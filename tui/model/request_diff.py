"""Two requests compared: instructions, tools, settings and items, part by part and word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tui.items.codec import to_json
from tui.items.text import item_text
from tui.items.types import message_type, tool_name
from tui.model.compare import ComparedItem, ItemPair, compare_items
from tui.model.diff import diff_words, opcodes
from tui.model.requests import Request, RequestInput

__all__ = ["RequestDiff", "SectionDiff", "compare_requests"]

_COMPARED_CHARACTERS: Final = 100_000
"""Characters of a part that are compared word by word."""


class SectionDiff(NamedTuple):
    """A section of two requests, compared.

    Attributes:
        name: The name of the section.
        pairs: The parts of both sides in order, paired.
        unknown: Reason why nothing is compared; empty if the section is compared.
    """

    name: str
    pairs: tuple[ItemPair, ...] = ()
    unknown: str = ""

    @property
    def differs(self) -> bool:
        """True if the sides differ as far as they are compared."""
        return any(pair.differs for pair in self.pairs)


class RequestDiff(NamedTuple):
    """Two requests, compared section by section."""

    left: Request
    right: Request
    sections: tuple[SectionDiff, ...]


class _Part(NamedTuple):
    """A part of a section: its readable form, and its JSON, which is the same only if nothing differs."""

    item: ComparedItem
    value: object
    json: str


def compare_requests(left: RequestInput, right: RequestInput) -> RequestDiff:
    """Compare what two requests sent."""
    sections = []
    for name in ("instructions", "tools", "settings", "items"):
        sides = [_parts(name, found) for found in (left, right)]
        encrypted = any(name in found.encrypted_parts for found in (left, right))
        unknown = [
            f"request {found.request.number} of turn {found.request.turn}"
            for found, parts in zip((left, right), sides, strict=True)
            if parts is None
        ]
        if unknown:
            sections.append(
                SectionDiff(name, unknown=f"{'encrypted' if encrypted else 'not recorded'} for {' and '.join(unknown)}")
            )
        else:
            ours, theirs = (parts or [] for parts in sides)
            sections.append(SectionDiff(name, tuple(_compare(ours, theirs))))
    return RequestDiff(left.request, right.request, tuple(sections))


def _parts(name: str, found: RequestInput) -> list[_Part] | None:
    """Return the parts of a section; None if it is not known."""
    if name in found.encrypted_parts:
        return None
    match name:
        case "instructions":
            # Without instructions, a recorded request sent none.
            if found.instructions is None:
                return [] if found.items is not None else None
            return [_part(name, None, found.instructions, found.instructions)]
        case "tools":
            if found.tools is None:
                return None
            return [_part("tool", tool_name(tool) or _type(tool), tool, _indented(tool)) for tool in found.tools]
        case "settings":
            return None if found.settings is None else [_part(name, None, found.settings, _indented(found.settings))]
    return None if found.items is None else list(_item_parts(found.items))


def _item_parts(items: Sequence[Any]) -> Iterator[_Part]:
    called: dict[str, str] = {}
    for item in items:
        name = tool_name(item)
        call_id = item.get("call_id") if isinstance(item, dict) else None
        if isinstance(call_id, str):
            name = called.setdefault(call_id, name) if name else called.get(call_id)
        yield _part(message_type(item), name, item, item_text(item))


def _part(kind: str, name: str | None, value: object, text: str) -> _Part:
    omitted = max(len(text) - _COMPARED_CHARACTERS, 0)
    return _Part(ComparedItem(kind, name, text[:_COMPARED_CHARACTERS], omitted=omitted), value, to_json(value))


def _type(tool: object) -> str | None:
    return str(tool.get("type")) if isinstance(tool, dict) and "type" in tool else None


def _indented(value: object) -> str:
    return to_json(value, indent=2, ensure_ascii=False)


def _compare(left: Sequence[_Part], right: Sequence[_Part]) -> Iterator[ItemPair]:
    for common, lefts, rights in opcodes([part.json for part in left], [part.json for part in right]):
        ours, theirs = left[lefts.start : lefts.stop], right[rights.start : rights.stop]
        if common:
            yield from (ItemPair(part.item, part.item, differs=False) for part in ours)
            continue
        left_parts, right_parts = iter(ours), iter(theirs)
        for pair in compare_items([part.item for part in ours], [part.item for part in theirs]):
            part = None if pair.left is None else next(left_parts)
            other = None if pair.right is None else next(right_parts)
            if part and other and not pair.differs and part.json != other.json:
                yield _compare_json(part, other)
            else:
                yield pair


def _compare_json(left: _Part, right: _Part) -> ItemPair:
    """Compare two parts by their JSON, as their texts do not differ."""
    texts = [_indented(part.value)[:_COMPARED_CHARACTERS] for part in (left, right)]
    ours, theirs = diff_words(*texts)
    return ItemPair(
        left.item._replace(text=texts[0], spans=ours),
        right.item._replace(text=texts[1], spans=theirs),
        differs=True,
    )
