"""The exceptions of this program, each with one line about what went wrong and one about what to do.

Exceptions:
    ConvoError: the base of all others; `str(error)` is what went wrong, `error.hint` what to do.
      FileError: the file cannot be opened: missing, a folder, not a database, no session tables, …
      ReadOnlyError: a command that writes, on a file that is open read-only.
      NotFoundError: a session, branch or turn that the file does not have.
      TranscriptError: a transcript that cannot be imported.
      ConfigError: an invalid option or configuration file.
      QueryError: a search query that cannot be parsed.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "ConvoError",
    "FileError",
    "NotFoundError",
    "QueryError",
    "ReadOnlyError",
    "TranscriptError",
]


class ConvoError(Exception):
    """An error that the user can correct.

    Attributes:
        hint: What to do about it, one line; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def full_message(self) -> str:
        """The message and the hint, in one line."""
        return f"{self} {self.hint}".strip()


class FileError(ConvoError):
    """The file cannot be opened."""


class ReadOnlyError(ConvoError):
    """A command would write to a file that is open read-only."""


class NotFoundError(ConvoError):
    """The file does not have a session, branch or turn."""


class ConfigError(ConvoError):
    """An option or a setting of the configuration file is invalid."""


class TranscriptError(ConvoError):
    """A transcript is in no format that can be imported."""


class QueryError(ConvoError):
    """A search query cannot be parsed."""
