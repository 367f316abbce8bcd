"""What the model saw, as the explorer shows it."""

from __future__ import annotations

from tui.explorer.base import ExplorerBase

__all__ = ["Seeing"]


class Seeing(ExplorerBase):
    """Shows what the model was sent in the selected turn."""

    def action_seen(self) -> None:
        async def show() -> None:
            from tui.screens.model_input import ModelInputScreen

            seen = await self._controller.model_input.load()
            if self.is_active:
                self.app.push_screen(ModelInputScreen(self._controller.model_input, seen))

        self._then(show)
