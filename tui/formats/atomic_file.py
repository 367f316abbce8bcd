"""Write a file completely or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tui.errors import ConfigError

__all__ = ["write_atomically"]


def write_atomically(chunks: Iterable[str], path: Path, *, overwrite: bool = False) -> None:
    """Write chunks of text to a file; it appears, or is replaced, after the last chunk is written.

    Raises:
        ConfigError: The file exists already, or cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not (overwrite and path.is_file()):
            raise ConfigError(f"{path} exists already.", "Name another file, or remove it first.")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(chunks)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", "Check its folder.") from error
