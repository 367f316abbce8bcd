"""What can go wrong, told in one line of what and one of what to do.

Exceptions:
    ConvoError: the base of all of them; `str(error)` is the what, `error.hint` the remedy.
      FileError: the file cannot be shown: missing, a folder, not a database, no session tables, …
      ReadOnlyError: a command that writes was given on a file opened read-only.
      NotFoundError: a session, branch or turn that the file does not hold.
      TranscriptError: a transcript that cannot be imported.
      ConfigError: an option or the configuration file says something that cannot be done.
      QueryError: what is searched for cannot be read.
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
    """Something the user can mend.

    Attributes:
        hint: What to do about it, one line; empty where there is nothing to add.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def full_message(self) -> str:
        """The message and the hint, in one line."""
        return f"{self} {self.hint}".strip()


class FileError(ConvoError):
    """The file cannot be shown."""


class ReadOnlyError(ConvoError):
    """A write was asked of a file that was opened read-only."""


class NotFoundError(ConvoError):
    """The file holds no such session, branch or turn."""


class ConfigError(ConvoError):
    """An option or a line of the configuration file cannot be followed."""


class TranscriptError(ConvoError):
    """A transcript is not in a form that can be imported."""


class QueryError(ConvoError):
    """What is searched for cannot be read."""
