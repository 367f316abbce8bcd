"""Write a file completely or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from tui.errors import ConfigError

__all__ = ["write_atomically"]


def write_atomically(chunks: Iterable[str], path: Path, *, overwrite: bool = False) -> None:
    """Write chunks of text to a file; it appears, or is replaced, after the last chunk is written.

    A link stays a link to the file, a replaced file keeps its permissions, and a device or pipe is written to directly.

    Raises:
        ConfigError: The file exists already, or cannot be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            _write(chunks, path)
            return
        target = path.resolve()
        if target.exists() and not (overwrite and target.is_file()):
            raise ConfigError(f"{path} exists already.", "Name another file, or remove it first.")
        part = target.with_name(f".{uuid4().hex}.part")
        try:
            _write(chunks, part)
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", "Check its folder.") from error


def _write(chunks: Iterable[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(chunks)
