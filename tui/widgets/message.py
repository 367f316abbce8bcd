"""The base class of the messages that widgets post."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

__all__ = ["RIGHT_BUTTON", "MenuRequested", "WidgetMessage"]

RIGHT_BUTTON: Final = 3
"""The button of the mouse that asks for a menu."""

W = TypeVar("W", bound=Widget)


@dataclass
class WidgetMessage(Message, Generic[W]):
    """A message that names the widget that sent it; a subclass is a dataclass with further fields."""

    widget: W
    """The widget that sent the message."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # Textual takes the screen for the sender while the screen draws, and lets no message bubble beyond its sender.
        self.set_sender(self.widget)

    @property
    def control(self) -> W:
        """The widget that sent the message, for the selectors of `textual.on`."""
        return self.widget


@dataclass
class MenuRequested(WidgetMessage[Widget]):
    """Posted when the user clicked with the right button, after the cursor moved there."""

    at: Offset
    """The cell of the screen that was clicked."""
    branch_id: str | None = None
    """The branch whose name was clicked; None for a click on something else."""
