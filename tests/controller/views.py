"""Helpers that read the view of a controller, or wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tui.controller import SessionController
from tui.controller.agent import AgentRuns
from tui.model import View
from tui.widgets.transcript.view_changes import live_items

__all__ = ["agent_of", "notice", "quiet", "selection", "until", "user_texts"]


def selection(view: View) -> tuple[str, int]:
    """Return the shown branch and the selected turn."""
    return view.branch_id, view.turn


def user_texts(view: View) -> list[str]:
    """Return the user's messages on the page of the shown branch, and those after it that are live."""
    assert view.page is not None
    return [item.data["content"] for item in (*view.page.items, *live_items(view)) if item.type == "user"]


def notice(controller: SessionController) -> str:
    """Return the text of the newest notice; empty if there was none."""
    newest = controller.view.notice
    return newest.text if newest else ""


def agent_of(controller: SessionController) -> AgentRuns:
    """The controller's part for an agent."""
    assert controller.agent is not None
    return controller.agent


async def until(controller: SessionController, holds: Callable[[View], bool]) -> View:
    """Wait until a condition holds for the view, and return the view; if it does not, fail with its runs and notice."""
    reached = asyncio.Event()
    unsubscribe = controller.subscribe(lambda view: reached.set() if holds(view) else None)
    if not holds(controller.view):
        try:
            async with asyncio.timeout(60):
                await reached.wait()
        except TimeoutError:
            view = controller.view
            pytest.fail(f"The condition does not hold: {view.runs}, {view.failure}, {view.notice}")
    unsubscribe()
    return controller.view


def quiet(view: View) -> bool:
    """Return whether no run is under way."""
    return not view.runs
