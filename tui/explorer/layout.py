"""The panes, side by side if the screen is wide enough, else one at a time below a line of tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.reactive import var
from textual.widget import Widget

from tui.model import ChartView, View
from tui.painting.pane import Pane
from tui.painting.stable_scroll import FixedSize
from tui.widgets.composer.approval import ApprovalPrompt
from tui.widgets.composer.composer import Composer
from tui.widgets.format import fit_name
from tui.widgets.lists.names import display_name
from tui.widgets.pane_tabs import PaneTabs
from tui.widgets.run_status import RunStatus
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.tree.heading import TreeHeading
from tui.widgets.usage.sidebar import UsageSidebar
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip
from tui.words import plural

__all__ = ["PANES", "PaneSpec", "Panes"]

_MEDIUM: Final = 80
"""The width from which tree and chat are side by side, and the usage is a strip below them."""

_WIDE: Final = 120
"""The width from which all three panes are side by side."""

_MAX_SESSION_CELLS: Final = 20
"""The width of a session's name in a caption."""

_BREAKPOINTS: Final = ((0, "-narrow"), (_MEDIUM, "-medium"), (_WIDE, "-wide"))
"""The class of the panes from each width on."""


class Panes(Horizontal, FixedSize):
    """Tree, chat and usage, which are bound to one view; the pane `talk` has chat, status and composer."""

    view: var[View] = var(View(), init=False)
    """The state that all panes show."""

    def __init__(self, view: View) -> None:
        self.branch_tree = BranchTree(id="tree")
        self.tree_heading = TreeHeading(self.branch_tree)
        self.chat = Transcript(id="chat")
        self.composer = Composer(id="composer")
        self.approval = ApprovalPrompt(id="approval")
        self.usage = UsageSidebar(id="usage")
        self.status = RunStatus(id="status")
        self.talk = Pane(self.chat, self.status, self.composer, id="talk")
        self.tabs = PaneTabs()
        self._panes = {spec.name: spec.pane(self) for spec in PANES}
        super().__init__(id="panes")
        self.set_reactive(Panes.view, view)

    def compose(self) -> ComposeResult:
        for spec in PANES:
            for widget in spec.widgets(self):
                widget.data_bind(Panes.view)
        yield self.tabs
        yield from self._panes.values()

    def on_mount(self) -> None:
        self.tabs.titles = tuple(f"{number} {spec.title}" for number, spec in enumerate(PANES, 1))
        # The name of a branch may be known only when the tree has read its turns.
        self.watch(self.branch_tree, "description", lambda: self._update_captions(self.view))

    @on(PaneTabs.Chosen)
    def _go_to_tab(self, event: PaneTabs.Chosen) -> None:
        event.stop()
        self.go_to(PANES[event.index].name)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self:
                self.show_pane(name)

    def watch_view(self, _before: View, view: View) -> None:
        self._update_captions(view)

    @property
    def focused_pane(self) -> str | None:
        """The name of the pane that has the focus; None if none has it."""
        focused = self.screen.focused
        ancestors = focused.ancestors_with_self if focused is not None else ()
        return next((name for name, pane in self._panes.items() if pane in ancestors), None)

    @property
    def is_zoomed(self) -> bool:
        """True if one pane is shown alone although there may be room for all."""
        return self.has_class("-zoom")

    def start(self, width: int) -> str:
        """Lay the panes out for a width before they are mounted, and return the pane to focus."""
        # A change of a class after the mount would style the panes again.
        first = "chat" if width < _MEDIUM else "tree"
        self.add_class(_breakpoint(width), update=False)
        self._panes[first].add_class("-in-use", update=False)
        return first

    def fit_width(self, width: int) -> None:
        """Lay the mounted panes out for a width."""
        if not self.has_class(name := _breakpoint(width)):
            self.remove_class(*(other for _, other in _BREAKPOINTS), update=False).add_class(name, update=False)
            # The rules for these classes style no other widgets.
            self.app.stylesheet.update_nodes([self, self.tabs, *self._panes.values()])
            self._update_captions(self.view)
        self._fit_usage(width)

    def go_to(self, name: str) -> None:
        """Show a pane and give it the focus."""
        self.show_pane(name)
        next(spec for spec in PANES if spec.name == name).focus(self).focus()

    def focus_composer(self) -> None:
        """Show the chat and give the focus to the composer."""
        self.show_pane("chat")
        self.composer.display = True
        self.approval.close()
        self.composer.focus()

    def show_pane(self, name: str) -> None:
        """Show a pane in place of the one in use if there is room for only one."""
        self.tabs.active = list(self._panes).index(name)
        for other, pane in self._panes.items():
            if pane.has_class("-in-use") != (other == name):
                pane.set_class(other == name, "-in-use", update=False)
                self.app.stylesheet.update_nodes([pane])
        self._fit_usage(self.app.size.width)

    def toggle_zoom(self) -> None:
        """Show the pane in use alone, or show all panes again."""
        self.toggle_class("-zoom")
        self._update_captions(self.view)
        self._fit_usage(self.app.size.width)

    def show_requests(self, turn: int) -> None:
        """Show the usage pane alone, with the requests of a turn."""
        if not self.is_zoomed:
            self.toggle_zoom()
        self.go_to("usage")
        # Lines are written for a width, which a hidden chart does not have.
        self.usage.chart.call_after_refresh(self.usage.chart.unfold, turn)

    def _fit_usage(self, width: int) -> None:
        self.usage.compact = _breakpoint(width) == "-medium" and not self.is_zoomed

    def _update_captions(self, view: View) -> None:
        branch = view.tree.branches.get(view.branch_id)
        words = "" if branch is None else self.branch_tree.known_words(branch)
        self.composer.branch_name = self.branch_tree.branch_name(view.branch_id)
        # Where the tree is not beside the pane, nothing else names the session.
        is_alone = self.has_class("-narrow") or self.is_zoomed
        session = view.session.name if is_alone and view.session is not None else ""
        place = f" · {fit_name(session, _MAX_SESSION_CELLS)}" if session else ""
        for number, spec in enumerate(PANES, 1):
            title, subtitle = spec.caption(view, words)
            title = title if spec.name == "tree" else place + title
            self._panes[spec.name].set_caption(f"{number} {spec.title}{title}", subtitle)


def _tree_caption(view: View, _words: str) -> tuple[str, str]:
    if view.branch_id not in view.tree.branches:
        branches = ""
    else:
        count, hidden = len(view.tree.branches), view.tree.hidden_count
        loose = view.messages_without_branch
        branches = f"{plural(count, 'branch')}{f' · {hidden} archived' if hidden else ''}"
        if loose:
            branches += f" · {plural(loose, 'message')} in none: P"
    return "" if view.writable else " · read-only", branches


def _chat_caption(view: View, words: str) -> tuple[str, str]:
    branch = view.tree.branches.get(view.branch_id)
    if branch is None:
        return "", ""
    state = " · following" if view.following else " · preview, Enter opens" if view.preview else ""
    turn = f"turn {view.turn} of {branch.turns}" if branch.turns else ""
    return f" · {display_name(branch, words)}{state}", turn


def _usage_caption(view: View, _words: str) -> tuple[str, str]:
    if view.branch_usage is not None and view.branch_usage.is_uncounted:
        return f" · {view.scope} · estimated", ""
    return f" · {view.charted_scope}{'' if view.chart is ChartView.TOKENS else f' · {view.chart}'}", ""


class PaneSpec(NamedTuple):
    """A pane of the explorer.

    Attributes:
        name: The argument for `Panes.go_to`.
        title: The first word of its caption.
        classes: The classes of its widgets whose keys the configuration file can change.
        pane: Returns the pane.
        widgets: Returns the widgets that show the view, which may be the pane itself.
        focus: Returns the widget that gets the focus.
        caption: Returns the text after the title in the upper border, and the text in the lower border, for a view and
            the words that name its branch.
    """

    name: str
    title: str
    classes: tuple[type[Widget], ...]
    pane: Callable[[Panes], Pane]
    widgets: Callable[[Panes], tuple[Widget, ...]]
    focus: Callable[[Panes], Widget]
    caption: Callable[[View, str], tuple[str, str]]


PANES: Final = (
    PaneSpec(
        "tree",
        "Tree",
        (BranchTree,),
        pane=lambda panes: Pane(panes.tree_heading, panes.branch_tree, id="branches"),
        widgets=lambda panes: (panes.branch_tree,),
        focus=lambda panes: panes.branch_tree,
        caption=_tree_caption,
    ),
    PaneSpec(
        "chat",
        "Chat",
        (Transcript, ApprovalPrompt, Composer),
        pane=lambda panes: panes.talk,
        widgets=lambda panes: (panes.chat, panes.status, panes.composer),
        focus=lambda panes: panes.chat,
        caption=_chat_caption,
    ),
    PaneSpec(
        "usage",
        "Usage",
        (TokenChart, TokenStrip),
        pane=lambda panes: panes.usage,
        widgets=lambda panes: (panes.usage,),
        focus=lambda panes: panes.usage.strip if panes.usage.compact else panes.usage.chart,
        caption=_usage_caption,
    ),
)
"""All panes from left to right, in the order of the keys 1, 2 and 3."""


def _breakpoint(width: int) -> str:
    """Return the class of the panes at a width."""
    return next(name for columns, name in reversed(_BREAKPOINTS) if columns <= width)
