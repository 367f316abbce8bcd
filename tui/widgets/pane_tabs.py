"""The line of tabs that shows all panes while there is room for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.widgets.message import WidgetMessage

__all__ = ["PaneTabs"]

_ACTIVE: Final = "bold $background on $text-primary"


class PaneTabs(Widget):
    """The titles of the panes on one line; a click posts `Chosen`."""

    DEFAULT_CSS = """
    PaneTabs { height: 1; background: $surface; color: $text-muted; text-wrap: nowrap; }
    """

    ALLOW_SELECT = False

    titles: reactive[tuple[str, ...]] = reactive(())
    """The titles from left to right."""

    active: reactive[int] = reactive(0)
    """The index of the pane that is shown."""

    @dataclass
    class Chosen(WidgetMessage["PaneTabs"]):
        """Posted when the user clicked a tab."""

        index: int

    def render(self) -> Content:
        return Content("").join(
            Content.styled(f" {title} ", _ACTIVE if index == self.active else "")
            for index, title in enumerate(self.titles)
        )

    def on_click(self, event: events.Click) -> None:
        event.stop()
        right = 0
        for index, title in enumerate(self.titles):
            right += Content(f" {title} ").cell_length
            if event.x < right:
                self.post_message(self.Chosen(self, index))
                return
