"""The messages that are sent after the run on the branch has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tui.printable import printable_line

__all__ = ["QueuedMessages"]

_MAX_MESSAGES: Final = 3
_MAX_LENGTH: Final = 300
"""Characters of a message that are enough to fill a line."""


class QueuedMessages(Static):
    """The first queued messages, one on each line, and the number of the others."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """The number of lines."""
        return min(len(self._messages), _MAX_MESSAGES + 1)

    def show(self, messages: Sequence[str]) -> None:
        """Show the messages of a queue."""
        if messages == self._messages:
            return
        self._messages = messages
        lines = [f"queued  {_beginning(text)}" for text in messages[:_MAX_MESSAGES]]
        if len(messages) > _MAX_MESSAGES:
            lines.append(f"        and {len(messages) - _MAX_MESSAGES} more")
        self.update(Content("\n".join(lines)))


def _beginning(text: str) -> str:
    """Return the beginning of a message on one line."""
    return printable_line(" ".join(text[:_MAX_LENGTH].split()))
