"""A wait for the lock of a file is reported."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tui.printable import printable_line
from tui.storage.editor import LOCK_SECONDS
from tui.storage.open import Target, is_write_locked

__all__ = ["reported_lock"]

_SILENT_SECONDS: Final = 0.5
"""Seconds that a command waits before it says that it waits."""


@asynccontextmanager
async def reported_lock(path: Target) -> AsyncIterator[None]:
    """Say on standard error that a file is locked if the work inside the context takes longer than a moment."""
    if not isinstance(path, Path):
        yield
        return
    report = asyncio.create_task(_report(path))
    try:
        yield
    finally:
        report.cancel()


async def _report(path: Path) -> None:
    await asyncio.sleep(_SILENT_SECONDS)
    if await asyncio.to_thread(is_write_locked, path):
        words = f"{printable_line(str(path))} is locked by another program: waiting for up to {LOCK_SECONDS:g} s."
        print(words, file=sys.stderr, flush=True)
