"""Three panes that show one view, side by side or one at a time, as there is room."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantFocus, Resize, ScreenResume
from textual.messages import Layout
from textual.reactive import Reactive, var
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from tui.model import ChartView, View
from tui.painting.painted_screen import PaintedScreen
from tui.painting.pane import Pane, caption
from tui.painting.stable_scroll import FixedSize
from tui.widgets.composer.composer import Composer
from tui.widgets.key_bar import KeyBar
from tui.widgets.lists.names import display_name
from tui.widgets.run_status import RunStatus
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.sidebar import UsageSidebar

__all__ = ["Panes"]

_MEDIUM: Final = 80
"""Columns from which tree and chat stand side by side, and the usage is a strip below them."""

_WIDE: Final = 120
"""Columns from which all three panes stand side by side."""

_WIDTHS: Final = ((0, "-narrow"), (_MEDIUM, "-medium"), (_WIDE, "-wide"))
"""Columns from which on the screen has a class."""


class _Room(Horizontal, FixedSize):
    """Room for the panes."""


class Panes(PaintedScreen[None], FixedSize):
    """A screen of tree, chat and usage, which are bound to its `view`."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = list(_WIDTHS)  # noqa: RUF012 as the base has it

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The widget that has the focus. Who gains or loses it draws itself anew; the rest of the screen stays."""

    view: var[View] = var(View(), init=False)
    """What all panes show."""

    def __init__(self, view: View) -> None:
        """Create a screen.

        Args:
            view: What the panes show at first.
        """
        super().__init__()
        self.set_reactive(Panes.view, view)
        self._tree = BranchTree(id="tree")
        self._branches = Pane(self._tree, id="branches")
        self._chat = Transcript(id="chat")
        self._composer = Composer(id="composer")
        self._status = RunStatus(id="status")
        self._talk = Pane(self._chat, self._status, self._composer, id="talk")
        self._usage = UsageSidebar(id="usage")
        self._panes: dict[str, Widget] = {"tree": self._branches, "chat": self._talk, "usage": self._usage}
        self._room = _Room(*self._panes.values(), id="panes")
        self._shown_before = False

    def compose(self) -> ComposeResult:
        for pane in (self._tree, self._chat, self._status, self._composer, self._usage):
            pane.data_bind(Panes.view)
        # Each change of a class later styles all that is on the screen anew.
        width = self.app.size.width
        self.add_class(_breakpoint(width), update=False)
        self._panes["chat" if width < _MEDIUM else "tree"].add_class("-in-use", update=False)
        yield self._room
        yield KeyBar(kept="help")

    def on_mount(self) -> None:
        self._title(self.view)
        self.go_to("chat" if self.app.size.width < _MEDIUM else "tree")

    def on_screen_resume(self, event: ScreenResume) -> None:
        # All that is on a screen was styled when it was mounted, a moment before it is shown for the first time.
        event.refresh_styles, self._shown_before = event.refresh_styles and self._shown_before, True

    def on_resize(self, event: Resize) -> None:
        # Before the screen lays itself out, so that it does so once.
        width = event.size.width
        if not self.has_class(name := _breakpoint(width)):
            self.remove_class(*(other for _, other in _WIDTHS), update=False).add_class(name, update=False)
            # No other rule is about them.
            self.app.stylesheet.update_nodes([self._room, *self._panes.values()])
        self._fit_usage(width)

    def on_layout(self, event: Layout) -> None:
        # A scrollbar has its place within its view, and asks for all to be laid out anew whenever it is given one.
        if isinstance(event.widget, ScrollBar):
            event.stop().prevent_default()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self:
                self.show_pane(name)

    def watch_view(self, _before: View, view: View) -> None:
        self._title(view)

    def go_to(self, name: str) -> None:
        """Show a pane and give it the focus."""
        self.show_pane(name)
        chart = self._usage.strip if self._usage.compact else self._usage.chart
        {"tree": self._tree, "chat": self._chat, "usage": chart}[name].focus()

    def show_pane(self, name: str) -> None:
        """Let this pane be the one that shows where there is room for one alone."""
        for other, pane in self._panes.items():
            if pane.has_class("-in-use") != (other == name):
                pane.set_class(other == name, "-in-use", update=False)
                self.app.stylesheet.update_nodes([pane])
        self._fit_usage(self.size.width)

    def zoom(self) -> None:
        """Show the pane in use alone, or all of them again."""
        self.toggle_class("-zoom")
        self._fit_usage(self.size.width)

    def _fit_usage(self, width: int) -> None:
        self._usage.compact = _breakpoint(width) == "-medium" and not self.has_class("-zoom")

    def _title(self, view: View) -> None:
        branch = view.tree.branches.get(view.branch_id)
        count = len(view.tree.branches)
        look_only = "" if view.writable else " · read-only"
        put_away = f" · {view.tree.hidden_count} archived" if view.tree.hidden_count else ""
        counted = f"{count} branch{'es' if count != 1 else ''}{put_away}" if branch else ""
        self._branches.caption(f"1 Tree{look_only}", counted)
        state = " · following" if view.following else " · preview, Enter opens" if view.preview else ""
        at = f"turn {view.turn} of {branch.turns}" if branch and branch.turns else ""
        self._talk.caption(f"2 Chat · {display_name(branch)}{state}" if branch else "2 Chat", at)
        resend_cost = f" · {view.chart}" if view.chart is ChartView.RESEND_COST else ""
        caption(self._usage, f"3 Usage · {view.scope}{resend_cost}")


def _breakpoint(width: int) -> str:
    """The class of the screen at so many columns."""
    return next(name for columns, name in reversed(_WIDTHS) if columns <= width)
