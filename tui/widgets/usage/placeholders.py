"""Texts that the usage pane shows in place of a number."""

from __future__ import annotations

from typing import Final

from tui.model import View

__all__ = ["ABSENT", "LOADING", "NOT_REPORTED", "NO_PRICE", "is_placeholder", "unread_text"]

ABSENT: Final = "–"
"""There is no such number."""
LOADING: Final = "…"
"""The number is being read."""
NO_PRICE: Final = "n/a"
"""The cost of some turns is not known."""
NOT_REPORTED: Final = "not reported"
"""The provider did not report the number."""


def is_placeholder(text: str) -> bool:
    """Return whether a text is a placeholder."""
    return text in (ABSENT, LOADING, NO_PRICE, NOT_REPORTED)


def unread_text(view: View) -> str:
    """Return the placeholder for a number of the branch whose usage the view lacks; without a branch, none is read."""
    return LOADING if view.branch_id else ABSENT
