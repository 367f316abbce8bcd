"""The three panes, side by side or one at a time, as there is room."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.reactive import var
from textual.widget import Widget

from tui.model import ChartView, View
from tui.painting.pane import Pane, caption
from tui.painting.stable_scroll import FixedSize
from tui.widgets.composer.composer import Composer
from tui.widgets.lists.names import display_name
from tui.widgets.run_status import RunStatus
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.sidebar import UsageSidebar

__all__ = ["Panes"]

_MEDIUM: Final = 80
"""Columns from which tree and chat are side by side, and the usage is a strip below them."""

_WIDE: Final = 120
"""Columns from which all three panes are side by side."""

_BREAKPOINTS: Final = ((0, "-narrow"), (_MEDIUM, "-medium"), (_WIDE, "-wide"))
"""Columns from which the panes have a class."""


class Panes(Horizontal, FixedSize):
    """Tree, chat and usage, which are bound to one view.

    Attributes:
        branch_tree: The tree of branches.
        chat: The transcript of the shown branch.
        composer: The text below it.
        usage: The usage of the shown branch.
        talk: The pane of chat and composer.
    """

    view: var[View] = var(View(), init=False)
    """What all panes show."""

    def __init__(self, view: View) -> None:
        """Create the panes; `view` is what they show at first."""
        self.branch_tree = BranchTree(id="tree")
        self.chat = Transcript(id="chat")
        self.composer = Composer(id="composer")
        self.usage = UsageSidebar(id="usage")
        self._status = RunStatus(id="status")
        self._branches = Pane(self.branch_tree, id="branches")
        self.talk = Pane(self.chat, self._status, self.composer, id="talk")
        self._panes: dict[str, Widget] = {"tree": self._branches, "chat": self.talk, "usage": self.usage}
        super().__init__(id="panes")
        self.set_reactive(Panes.view, view)

    def compose(self) -> ComposeResult:
        for widget in (self.branch_tree, self.chat, self._status, self.composer, self.usage):
            widget.data_bind(Panes.view)
        yield from self._panes.values()

    def on_mount(self) -> None:
        self._update_captions(self.view)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self:
                self.show_pane(name)

    def watch_view(self, _before: View, view: View) -> None:
        self._update_captions(view)

    @property
    def is_zoomed(self) -> bool:
        """Whether one pane is shown alone though there may be room for all."""
        return self.has_class("-zoom")

    def start(self, width: int) -> str:
        """Lay out for a screen of so many columns, before the panes are mounted.

        Returns:
            The pane that is to have the focus.
        """
        # Each change of a class after the mount would style the panes once more.
        first = "chat" if width < _MEDIUM else "tree"
        self.add_class(_breakpoint(width), update=False)
        self._panes[first].add_class("-in-use", update=False)
        return first

    def fit_width(self, width: int) -> None:
        """Lay out for a screen of so many columns."""
        if not self.has_class(name := _breakpoint(width)):
            self.remove_class(*(other for _, other in _BREAKPOINTS), update=False).add_class(name, update=False)
            # No other rule is about these classes.
            self.app.stylesheet.update_nodes([self, *self._panes.values()])
        self._fit_usage(width)

    def go_to(self, name: str) -> None:
        """Show a pane and give it the focus."""
        self.show_pane(name)
        chart = self.usage.strip if self.usage.compact else self.usage.chart
        {"tree": self.branch_tree, "chat": self.chat, "usage": chart}[name].focus()

    def focus_composer(self) -> None:
        """Show the chat and give the focus to the composer."""
        self.show_pane("chat")
        self.composer.focus()

    def show_pane(self, name: str) -> None:
        """Make a pane the one that is shown where there is room for one alone."""
        for other, pane in self._panes.items():
            if pane.has_class("-in-use") != (other == name):
                pane.set_class(other == name, "-in-use", update=False)
                self.app.stylesheet.update_nodes([pane])
        self._fit_usage(self.app.size.width)

    def toggle_zoom(self) -> None:
        """Show the pane in use alone, or all of them again."""
        self.toggle_class("-zoom")
        self._fit_usage(self.app.size.width)

    def _fit_usage(self, width: int) -> None:
        self.usage.compact = _breakpoint(width) == "-medium" and not self.is_zoomed

    def _update_captions(self, view: View) -> None:
        branch = view.tree.branches.get(view.branch_id)
        count = len(view.tree.branches)
        read_only = "" if view.writable else " · read-only"
        archived = f" · {view.tree.hidden_count} archived" if view.tree.hidden_count else ""
        branches = f"{count} branch{'es' if count != 1 else ''}{archived}" if branch else ""
        self._branches.caption(f"1 Tree{read_only}", branches)
        state = " · following" if view.following else " · preview, Enter opens" if view.preview else ""
        turn = f"turn {view.turn} of {branch.turns}" if branch and branch.turns else ""
        self.talk.caption(f"2 Chat · {display_name(branch)}{state}" if branch else "2 Chat", turn)
        resend_cost = f" · {view.chart}" if view.chart is ChartView.RESEND_COST else ""
        caption(self.usage, f"3 Usage · {view.scope}{resend_cost}")


def _breakpoint(width: int) -> str:
    """Return the class that the panes have at so many columns."""
    return next(name for columns, name in reversed(_BREAKPOINTS) if columns <= width)
