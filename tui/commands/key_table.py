"""The table of all keys in the README."""

from __future__ import annotations

import re
from itertools import groupby
from operator import attrgetter
from typing import Final

from textual.keys import format_key

from tui.commands import COMMANDS

__all__ = ["key_table", "replace_key_table"]

_HEAD: Final = "| keys | |\n|---|---|\n"

_TABLE: Final = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")


def key_table() -> str:
    """Return all commands as a Markdown table, with a heading for each group."""
    rows = []
    for group, commands in groupby(COMMANDS.values(), attrgetter("group")):
        rows.append(f"| **{group}** | |\n")
        for command in commands:
            keys = " ".join(f"`{_label(key)}`" for key in command.keys.split(",") if key)
            rows.append(f"| {keys} | {command.help} |\n")
    return _HEAD + "".join(rows)


def replace_key_table(text: str) -> str:
    """Return a Markdown text with its key table brought up to date.

    Raises:
        ValueError: The text has no key table, or several.
    """
    replaced, count = _TABLE.subn(lambda _: key_table(), text)
    if count != 1:
        raise ValueError(f"The text has {count} key tables.")
    return replaced


def _label(key: str) -> str:
    """Return a key in the form `[`, `Ctrl+F` or `Esc`."""
    shown = format_key(key)
    return shown if len(shown) == 1 else "+".join(part.capitalize() for part in shown.split("+"))
