"""Drives the explorer in tests: opens a file, sends keys and clicks, and reads the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot

from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.app import ConvoApp
from tui.config import Config
from tui.controller import SessionController
from tui.explorer.screen import Explorer
from tui.model import View
from tui.screens.key_order import KeyOrderApp
from tui.storage.store import Store

__all__ = ["ExplorerDriver", "open_controller", "open_explorer", "settle", "typed"]

_KEY_NAMES = {" ": "space", "/": "slash", "?": "question_mark", ":": "colon"}


async def settle(pilot: Pilot[None]) -> None:
    """Wait until all keys have been handled, all workers have ended, and the screen is up to date."""
    await pilot.pause()
    while isinstance(pilot.app, KeyOrderApp) and pilot.app.holds_keys:
        await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def typed(text: str) -> list[str]:
    """Return the keys that type a text."""
    return [_KEY_NAMES.get(character, character) for character in text]


class ExplorerDriver:
    """A running explorer and its panes."""

    def __init__(self, pilot: Pilot[None], controller: SessionController) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, Explorer)
        self.pilot = pilot
        self.controller = controller
        self.screen = screen
        self.tree = screen.panes.branch_tree
        self.chat = screen.panes.chat
        self.composer = screen.panes.composer
        self.usage = screen.panes.usage

    @property
    def app(self) -> App[None]:
        return self.pilot.app

    @property
    def view(self) -> View:
        """The view that the panes show."""
        return self.screen.view

    @property
    def place(self) -> tuple[str, int]:
        """The branch and turn that all panes show."""
        views = {id(pane.view) for pane in (self.tree, self.chat, self.composer, self.usage)}
        assert views == {id(self.view)}, "the panes show different views"
        return self.view.branch_id, self.view.turn

    @property
    def lines(self) -> list[str]:
        """The lines of the screen in front."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """The text of the screen in front."""
        return "\n".join(self.lines)

    @property
    def notices(self) -> list[str]:
        """The notices, the newest last."""
        return [notice.message for notice in self.app._notifications]

    @property
    def notice(self) -> str:
        """The newest notice."""
        return self.notices[-1]

    async def press(self, *keys: str) -> None:
        """Press keys as fast as the program takes them, then settle."""
        await self.pilot.press(*keys)
        await self.settle()

    async def press_each(self, *keys: str) -> None:
        """Press keys, and settle after each."""
        for key in keys:
            await self.press(key)

    async def click_text(self, text: str, *, button: int = 1) -> None:
        """Click the first place on the screen that shows a text."""
        row = next((row for row, line in enumerate(self.lines) if text in line), None)
        assert row is not None, f"not on the screen: {text}"
        strip = self.app.screen._compositor.render_strips()[row]
        column = strip.text.index(text) + 1
        # The pilot takes the screen for the clicked widget unless it gets one.
        widget, region = self.app.get_widget_at(column, row)
        await self.pilot.click(widget, offset=(column - region.x, row - region.y), button=button)
        await self.settle()

    async def resize(self, columns: int, rows: int) -> None:
        await self.pilot.resize_terminal(columns, rows)
        await self.settle()

    async def settle(self) -> None:
        await settle(self.pilot)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition holds; if it does not, fail with what the screen shows."""
        try:
            async with asyncio.timeout(30):
                while not holds():
                    await asyncio.sleep(0.001)
        except TimeoutError:
            pytest.fail(f"The condition does not hold. The screen shows:\n{self.text}")


async def open_controller(
    path: Path | str,
    branch_id: str | None = None,
    *,
    session_id: str | None = None,
    read_only: bool = False,
    lock_timeout: float = 5.0,
    agent: AgentSettings | None = None,
    may_be_missing: bool = False,
) -> SessionController:
    """Open a file, by default at the session and branch written last; wait `lock_timeout` seconds if it is locked."""
    runner = AgentRunner(agent) if agent is not None else None
    controller = SessionController(
        Store(path, timeout=lock_timeout, may_be_missing=may_be_missing), runner, read_only=read_only
    )
    await controller.open(session_id, branch_id)
    return controller


@asynccontextmanager
async def open_explorer(
    path: Path | str,
    branch_id: str | None = None,
    *,
    size: tuple[int, int] = (140, 40),
    read_only: bool = False,
    config: Config | None = None,
    lock_timeout: float = 5.0,
    agent: AgentSettings | None = None,
    may_be_missing: bool = False,
    notifications: bool = False,
) -> AsyncIterator[ExplorerDriver]:
    """Run the program on a file; `open_controller` has the same arguments. With `notifications`, notices are drawn."""
    controller = await open_controller(
        path,
        branch_id,
        read_only=read_only,
        lock_timeout=lock_timeout,
        agent=agent,
        may_be_missing=may_be_missing,
    )
    try:
        async with ConvoApp(controller, config).run_test(size=size, notifications=notifications) as pilot:
            await settle(pilot)
            yield ExplorerDriver(pilot, controller)
            if controller.agent is not None:
                await controller.agent.stop_all()
    finally:
        controller.close()
