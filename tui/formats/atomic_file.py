"""Writing a document to a file: wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tui.errors import ConfigError

__all__ = ["save"]


def save(pieces: Iterable[str], target: Path, *, overwrite: bool = False) -> None:
    """Write a document; until its last piece is written, nothing of that name appears or changes.

    Args:
        pieces: The document.
        target: The file.
        overwrite: Let it take the place of a file that is there.

    Raises:
        ConfigError: There is such a file, or it cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        if target.exists() and not (overwrite and target.is_file()):
            raise ConfigError(f"{target} is there already.", "Name another file, or remove it first.")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(pieces)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.", "Check its folder.") from error
