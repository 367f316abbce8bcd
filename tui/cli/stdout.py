"""Standard output: errors of writing to it, in one line, whatever is written."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from tui.errors import ConfigError

__all__ = ["flush", "is_unicode", "print_document", "set_errors", "writing"]


def print_document(chunks: Iterable[str]) -> None:
    """Print the parts of a document.

    Raises:
        ConfigError: The encoding lacks a character, or standard output cannot be written.
    """
    set_errors("strict")
    for chunk in chunks:
        with writing():
            sys.stdout.write(chunk)


def is_unicode() -> bool:
    """Return whether standard output can hold every text."""
    return sys.stdout is None or codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf")


def flush() -> None:
    """Write what is still in the buffer of standard output.

    Raises:
        ConfigError: Standard output cannot be written.
    """
    if sys.stdout is not None:
        with writing():
            sys.stdout.flush()


def set_errors(errors: str) -> None:
    """Set what becomes of characters that the encoding of standard output lacks, as in `codecs`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        with writing():
            sys.stdout.reconfigure(errors=errors)


@contextmanager
def writing() -> Iterator[None]:
    """Raise a ConfigError where standard output cannot be written."""
    if sys.stdout is None:
        raise ConfigError("Standard output is closed.", "Run the command with an open standard output.")
    try:
        yield
    except UnicodeEncodeError as error:
        character = error.object[error.start : error.start + 1]
        raise ConfigError(
            f"Standard output is {sys.stdout.encoding}, which has no '{character}'.",
            "Set PYTHONIOENCODING=utf-8, or write a file with --output.",
        ) from error
    except OSError as error:
        # At its end Python would write the rest of the buffer, and fail again.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ConfigError(
            f"Standard output cannot be written: {error.strerror}.", "Write to another place, or make room there."
        ) from error
