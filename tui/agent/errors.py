"""An agent that cannot be had."""

from __future__ import annotations

from tui.errors import ConfigError

__all__ = ["AgentError"]


class AgentError(ConfigError):
    """The agent or its model cannot be had.

    Attributes:
        details: More than the one line, for a dialog; secrets removed.
    """

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details
