"""Words in texts for the user."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ESTIMATE",
    "RECORD_HINT",
    "messages_without_branch_words",
    "plural",
    "shorten",
    "title_and_id",
    "unreadable_runs_words",
]

ESTIMATE: Final = "≈"
"""The mark of estimates."""

RECORD_HINT: Final = "To record requests, pass hooks=record(session) to Runner.run (docs/recording.md)."
"""A hint for requests that were not recorded."""


def plural(number: int, noun: str) -> str:
    """Return a number and its noun, as `1 turn`, `1,234 turns` or `2 branches`."""
    ending = "" if number == 1 else "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{number:,} {noun}{ending}"


def messages_without_branch_words(session_id: str, count: int) -> str:
    """Return a sentence on the messages that a plain `SQLiteSession` stored in a session with branches."""
    verb = "is" if count == 1 else "are"
    return f"{plural(count, 'message')} of '{session_id}' {verb} in no branch, as plain SQLiteSession stores them."


def unreadable_runs_words(count: int) -> str:
    """Return a sentence on paused runs that cannot be read."""
    verb = "waits" if count == 1 else "wait"
    return f"{plural(count, 'more run')} {verb} for approval, but cannot be read: damaged, or of a newer version."


def title_and_id(title: str, own_id: str) -> str:
    """Return a title, on one line, with the id beside it; the id alone if there is no title."""
    return f"{' '.join(title.split())} · {own_id}" if title.strip() else own_id


def shorten(text: str, limit: int) -> str:
    """Return a text on one line, cut to a number of characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
