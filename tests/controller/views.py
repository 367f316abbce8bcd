"""Helpers that read the view of a controller."""

from __future__ import annotations

from tui.controller import SessionController
from tui.model import View
from tui.widgets.transcript.view_changes import live_items

__all__ = ["notice", "selection", "user_texts"]


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
