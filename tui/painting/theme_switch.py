"""A quick switch to another theme: its stylesheet is parsed ahead of time, and everything is drawn once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.widget import Widget

from tui.contrast import readable_variables
from tui.painting.painted_screen import PaintedScreen

__all__ = ["ThemeSwitch"]


class ThemeSwitch:
    """Styles an application for its theme."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._prepared: dict[str, Stylesheet] = {}

    def prepare(self, names: Collection[str]) -> bool:
        """Parse the stylesheet for one more of the themes that may be next, and drop those for other themes.

        A parsed stylesheet halves the time of the switch.

        Returns:
            Whether a stylesheet was parsed; False if there are no more to parse.
        """
        app = self._app
        # Widgets that were mounted after the last call may have added rules of their own.
        rules = app.stylesheet.source
        self._prepared = {
            name: sheet for name, sheet in self._prepared.items() if name in names and sheet.source == rules
        }
        for name in names:
            theme = app.get_theme(name)
            if theme is not None and name not in self._prepared and name != app.theme:
                sheet = app.stylesheet.copy()
                defaults = app.get_theme_variable_defaults()
                variables = {**defaults, **theme.to_color_system().generate(), **theme.variables}
                sheet.set_variables(readable_variables(variables))
                sheet.parse()
                self._prepared[name] = sheet
                return True
        return False

    def forget(self) -> None:
        """Drop the parsed stylesheets."""
        self._prepared.clear()

    def is_prepared(self, name: str) -> bool:
        """Return whether the stylesheet for a theme is parsed."""
        return name in self._prepared

    def restyle(self, *, animate: bool) -> None:
        """Style all screens, then draw the front screen once; Textual draws it before it styles the others."""
        app = self._app
        prepared = self._prepared.pop(app.theme, None)
        if prepared is not None and prepared.source == app.stylesheet.source:
            app.stylesheet = prepared
        else:
            app.stylesheet.set_variables(app.get_css_variables())
            app.stylesheet.reparse()
        app.stylesheet.update_nodes([app], animate=animate)
        for screen in app.screen_stack:
            app.stylesheet.update(screen, animate=animate)
            screen._css_update_count = app._css_update_count  # noqa: SLF001 so that it is not styled again
            for widget in screen.walk_children(Widget, with_self=True):
                widget.refresh(repaint=False)
                for part in (widget, *_scrollbars(widget)):
                    # Its cached lines have the colours of the previous theme.
                    part._set_dirty()  # noqa: SLF001
                    # The frame below draws it; without this, its changed style would request another frame.
                    part._repaint_required = False  # noqa: SLF001
        # A configured theme is set before there is a screen.
        for front in app.screen_stack[-1:]:
            if isinstance(front, PaintedScreen):
                front.repaint()
            else:
                front.refresh(layout=True)


def _scrollbars(widget: Widget) -> Iterator[Widget]:
    if widget.show_vertical_scrollbar:
        yield widget.vertical_scrollbar
    if widget.show_horizontal_scrollbar:
        yield widget.horizontal_scrollbar
