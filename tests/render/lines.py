"""Rendered lines as a reader sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len

from tui.model import Item
from tui.render import ItemStyles, Line, render_item

STYLES = ItemStyles()


def drawn(lines: Iterable[Line]) -> list[str]:
    """Return each line with its prefix, without trailing blanks."""
    return [_full_text(line).rstrip() for line in lines]


def widest(lines: Iterable[Line]) -> int:
    return max((cell_len(_full_text(line)) for line in lines), default=0)


def copied(lines: Iterable[Line]) -> str:
    """Return what is copied of all lines."""
    return "".join(line.text + line.separator for line in lines)


def item(data: Any, kind: str | None = None, raw: str | None = None) -> Item:
    """Return an item as the store reads it."""
    if kind is None:
        role = data.get("role") if isinstance(data, dict) else None
        kind = role if role in ("user", "assistant") else str(data.get("type", "other")) if data else "other"
    return Item(1, 0, 1, kind, None, "2026-03-01 09:30:00", data, raw)


def show(data: Any, width: int = 60, *, folded: bool = True, **fields: Any) -> list[str]:
    return drawn(render_item(item(data, **fields), width, folded=folded, styles=STYLES).lines)


def _full_text(line: Line) -> str:
    return "".join(segment.text for segment in line.prefix) + line.text
