"""An explorer that a test opens on a file, and what stands on its screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from tui.app import ConvoApp
from tui.controller import SessionController
from tui.storage.store import Store

__all__ = ["Shown", "settle", "shown"]


async def settle(pilot: Pilot[None]) -> None:
    """Wait until all that was asked for is on the screen."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


class Shown:
    """A running program."""

    def __init__(self, pilot: Pilot[None], controller: SessionController) -> None:
        self.pilot = pilot
        self.controller = controller

    @property
    def app(self) -> App[None]:
        return self.pilot.app

    @property
    def place(self) -> tuple[str, int]:
        """The branch and turn that the explorer shows."""
        return self.controller.view.branch_id, self.controller.view.turn

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, line by line."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def told(self) -> str:
        """The newest notice."""
        return next(iter(reversed(list(self.app._notifications)))).message

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await settle(self.pilot)


@asynccontextmanager
async def shown(
    path: Path, branch_id: str | None = None, size: tuple[int, int] = (140, 40), *, patience: float = 5.0
) -> AsyncIterator[Shown]:
    """The program on a file; it waits `patience` seconds for who has locked that."""
    controller = SessionController(Store(path, timeout=patience))
    await controller.open(branch_id=branch_id)
    async with ConvoApp(controller).run_test(size=size) as pilot:
        await settle(pilot)
        yield Shown(pilot, controller)
    controller.close()
