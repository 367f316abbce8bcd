"""Compare what an app draws with an accepted picture, an SVG beside the test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App
from textual.pilot import Pilot

__all__ = ["SnapCompare", "snap_compare"]

RunBefore = Callable[[Pilot[Any]], Awaitable[None] | None]


class SnapCompare(Protocol):
    """Return whether an app draws its accepted picture."""

    def __call__(
        self,
        app: App[Any],
        press: Iterable[str] = ...,
        terminal_size: tuple[int, int] = ...,
        run_before: RunBefore | None = ...,
    ) -> bool: ...


class SVGPicture(SingleFileSnapshotExtension):
    """Keep each picture in an SVG file of its own."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


async def take_picture(
    app: App[Any], press: Iterable[str], terminal_size: tuple[int, int], run_before: RunBefore | None
) -> str:
    """Return what an app draws after some keys, as an SVG without the random id that Rich puts into it."""
    async with app.run_test(size=terminal_size, notifications=True) as pilot:
        if run_before is not None:
            result = run_before(pilot)
            if result is not None:
                await result
        await pilot.pause()
        await pilot.press(*press)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        svg = app.export_screenshot(title=app.title, simplify=True)
    return re.sub(r"\bterminal-\d+-([\w-]+)", r"terminal-\1", svg)


@pytest.fixture
def snap_compare(snapshot: SnapshotAssertion) -> SnapCompare:
    """Compare pictures; `make snapshots` accepts what is drawn now."""
    pictures = snapshot.use_extension(SVGPicture)

    def compare(
        app: App[Any],
        press: Iterable[str] = (),
        terminal_size: tuple[int, int] = (80, 24),
        run_before: RunBefore | None = None,
    ) -> bool:
        return pictures == asyncio.run(take_picture(app, press, terminal_size, run_before))

    return compare
