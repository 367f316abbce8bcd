"""What a command prints: text for people and screen readers, or JSON for programs.

Text goes through Rich, which leaves colours out where `NO_COLOR` or a pipe asks for it; untrusted text is made
printable first, and never read as markup. JSON is ASCII, so that no terminal obeys what is in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from tui.printable import printable

__all__ = ["Output", "plain"]


class Output:
    """Standard output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Print a line of text; a part with a style is a pair of both."""
        words = Text()
        for part in parts:
            text, style = (part, "") if isinstance(part, str) else part
            words.append(printable(text, keep_tabs=True), style)
        self._console.print(words)

    def table(self, rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Print rows in columns; those named in `right` are numbers."""
        kept = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
        widths = [max(map(_width, column)) for column in zip(*kept, strict=True)]
        for row in kept:
            cells = (
                " " * (width - _width(cell)) + cell if place in right else cell + " " * (width - _width(cell))
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            self._console.print(Text("  ".join(cells).rstrip()))

    def json(self, value: object) -> None:
        """Print a JSON document; records are objects of their fields."""
        json.dump(plain(value), sys.stdout, indent=2)
        sys.stdout.write("\n")

    def text(self, text: str) -> None:
        """Print text as it is, which holds nothing that a terminal would obey."""
        sys.stdout.write(text)


def _width(text: str) -> int:
    return Text(text).cell_len


def plain(value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    elif is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    # Loops, as items may be nested nearly as deep as the interpreter allows.
    if isinstance(value, Mapping):
        named = {}
        for name, part in value.items():
            named[name] = plain(part)
        return named
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        parts = list(value)
        for place, part in enumerate(parts):
            parts[place] = plain(part)
        return parts
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
