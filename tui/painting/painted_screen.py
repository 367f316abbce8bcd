"""A screen that draws only what will be visible, if the installed Textual allows it."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import on
from textual.events import Resize
from textual.screen import Screen

from tui.painting.textual_internals import FAST

if FAST:
    from tui.painting.compositor import PartialCompositor

__all__ = ["PaintedScreen"]

T = TypeVar("T")


class PaintedScreen(Screen[T], Generic[T]):
    """A screen with a `PartialCompositor`, or with Textual's own compositor if the installed Textual differs."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self.partial_compositor = PartialCompositor() if FAST else None
        """Draws this screen; None if Textual's own compositor does."""
        if self.partial_compositor is not None:
            self._compositor = self.partial_compositor

    @on(Resize)
    def _draw_what_the_terminal_lost(self, event: Resize) -> None:
        """Draw everything if the terminal was resized after the last complete frame."""
        # A terminal that was smaller for a moment has lost its content, even if its size is now the same as before.
        compositor = self.partial_compositor
        if compositor is not None and event.size == self.size and event.time > compositor.completed_at:
            compositor.mark_all_dirty()

    def repaint(self) -> None:
        """Lay out and draw everything, in one frame."""
        if self.partial_compositor is not None:
            self.partial_compositor.mark_all_dirty()
        self.refresh(layout=True, repaint=self.partial_compositor is None)
