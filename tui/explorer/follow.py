"""Following what others write."""

from __future__ import annotations

from tui.explorer.base import ExplorerBase

__all__ = ["Following"]


class Following(ExplorerBase):
    """Stays with the newest of the open session."""

    def action_follow(self) -> None:
        self._then(self._controller.follow.toggle)
