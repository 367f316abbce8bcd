"""The messages that were sent."""

from __future__ import annotations

__all__ = ["MessageHistory"]


class MessageHistory:
    """Messages, oldest first, one of which may be recalled."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._index = 0

    @property
    def recalled(self) -> str:
        """The recalled message; empty if no message is recalled."""
        return self._messages[self._index] if self._index < len(self._messages) else ""

    def add(self, text: str) -> None:
        """Add a message, unless it is empty or repeats the last one, and recall none."""
        if text.strip() and self._messages[-1:] != [text]:
            self._messages.append(text)
        self.reset()

    def reset(self) -> None:
        """Recall no message."""
        self._index = len(self._messages)

    def step(self, step: int) -> bool:
        """Recall the previous (-1) or next (1) message, none after the last; return whether there is such a step."""
        if not 0 <= self._index + step <= len(self._messages):
            return False
        self._index += step
        return True
