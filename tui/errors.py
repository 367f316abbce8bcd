"""The exceptions of this program, each with one line about what went wrong and one about what to do."""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "ConvoError",
    "FileError",
    "NotFoundError",
    "QueryError",
    "ReadOnlyError",
    "SessionExistsError",
    "TranscriptError",
]


class ConvoError(Exception):
    """An error that the user can correct; `str(error)` says what went wrong.

    Attributes:
        hint: Advice on it, one line; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def full_message(self) -> str:
        """The message and the hint, in one line."""
        return f"{self} {self.hint}".strip()


class FileError(ConvoError):
    """The file cannot be opened: it is missing, a folder, no SQLite database, or without session tables."""


class ReadOnlyError(ConvoError):
    """A command would write to a file that is open read-only."""


class NotFoundError(ConvoError):
    """The file does not have a session, branch or turn."""


class SessionExistsError(ConvoError):
    """The file has a session with the id of a new one."""


class ConfigError(ConvoError):
    """An option or a setting of the configuration file is invalid."""


class TranscriptError(ConvoError):
    """A transcript is in no format that can be imported."""


class QueryError(ConvoError):
    """A search query cannot be parsed."""
