"""Standard output of commands: text for people and screen readers, or JSON for programs.

Rich prints the text, and omits colours if `NO_COLOR` or a pipe asks for it. Untrusted text is made printable and is
never read as markup. JSON is ASCII, so that it contains nothing that acts on a terminal.

What the encoding of standard output lacks is `?` in text for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tui.cli.stdout import print_document, set_errors, writing
from tui.formats.outline import ReadableItem
from tui.items.codec import to_json
from tui.model import Session
from tui.printable import printable

__all__ = ["Output", "print_json", "session_title"]

_INDENT: Final = "  "


class Output:
    """Text on standard output."""

    def __init__(self) -> None:
        set_errors("replace")
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Print a line; a part is a text, or a text and its style."""
        line = Text()
        for part in parts:
            text, style = (part, "") if isinstance(part, str) else part
            line.append(printable(text, for_document=True), style)
        self._print(line)

    def table(self, rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Print rows in columns.

        Args:
            rows: The texts of each row.
            right: Indexes of the columns that are aligned on the right.
        """
        cells = [[" ".join(printable(text).split()) for text in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = []
            for index, (text, width) in enumerate(zip(row, widths, strict=True)):
                padding = " " * (width - cell_len(text))
                padded.append(padding + text if index in right else text + padding)
            self._print(Text("  ".join(padded).rstrip()))

    def item(self, item: ReadableItem) -> None:
        """Print an item: its name, and its text below it."""
        name = f"{item.kind} {item.title}" if item.kind in ("call", "output") else item.title
        self.line((f"{name}:", "bold cyan" if name == "user" else "cyan"), " failed" if item.failed else "")
        self.indented(item.text)

    def indented(self, text: str) -> None:
        """Print a text of several lines, indented."""
        for line in text.split("\n"):
            self.line(f"{_INDENT}{line}" if line else "")

    def _print(self, line: Text) -> None:
        with writing():
            self._console.print(line)


def session_title(session: Session) -> str:
    """Return the title of a session; else its first words, as far as they were read."""
    return session.title or (f"“{session.first_words}”" if session.first_words else "")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print_document([to_json(value, indent=2), "\n"])
