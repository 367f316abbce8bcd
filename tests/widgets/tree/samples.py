"""Trees of turns for the widgets' tests: branches as lists of messages, and an app that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.reactive import var

from tui.model import Branch, Session, Turn, TurnTree, View
from tui.model.turn_trie import build_tree
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.tree.turn_cache import TurnPage

__all__ = ["NOON", "SESSION", "TreeApp", "Words", "grow", "showing"]

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
"""The present moment of the tests."""

SESSION = Session("support-42", "2025-03-01 10:00:00")

Words = Callable[[str, int], Turn]
"""Reads a branch's turn."""


def grow(branches: Mapping[str, Sequence[int]]) -> TurnTree:
    """The tree of branches, each told as the ids of its messages, one message to a turn; oldest first."""

    def key(branch_id: str, turn: int) -> tuple[int, ...]:
        messages = branches[branch_id]
        return (messages[turn - 1],) if 0 < turn <= len(messages) else ()

    return build_tree([Branch(name, len(messages)) for name, messages in branches.items()], key)


def showing(tree: TurnTree, branch_id: str = "main", turn: int = 1) -> View:
    """A view of one session with a tree."""
    return View(sessions=(SESSION,), session=SESSION, tree=tree, branch_id=branch_id, turn=turn)


def _say(branch_id: str, turn: int) -> Turn:
    return Turn(turn, f"message {turn} of {branch_id}", items=4, tokens=100 * turn)


class TreeApp(App[None]):
    """The tree alone, in an app that answers it as the explorer's screen does.

    Args:
        start: The first view.
        words: Reads the turns that the tree asks for; None leaves it without an answer.
        theme: Name of the theme.
    """

    view: var[View] = var(View(), init=False)

    def __init__(self, start: View, words: Words | None = _say, theme: str = "textual-dark") -> None:
        super().__init__()
        self.pane = BranchTree(clock=lambda: NOON)
        self.said: list[Message] = []
        self.asked: list[TurnPage] = []
        self.times_asked = 0
        self._start = start
        self._words = words
        self._theme = theme

    def compose(self) -> ComposeResult:
        yield self.pane.data_bind(TreeApp.view)

    def on_mount(self) -> None:
        self.theme = self._theme
        self.view = self._start
        self.pane.focus()

    @on(BranchTree.TurnsNeeded)
    def _answer(self, event: BranchTree.TurnsNeeded) -> None:
        assert self.view.session
        assert event.session_id == self.view.session.session_id
        self.asked += event.pages
        self.times_asked += 1
        if self._words is not None:
            for page in event.pages:
                turns = [self._words(page.branch_id, turn) for turn in range(page.first, page.last + 1)]
                self.pane.receive_turns(page.branch_id, self.view.revision, turns)

    @on(BranchTree.TurnHighlighted)
    @on(BranchTree.TurnOpened)
    @on(BranchTree.TurnClicked)
    @on(BranchTree.BranchClicked)
    @on(BranchTree.SessionOpened)
    @on(BranchTree.SessionsNeeded)
    def _remember(self, event: Message) -> None:
        self.said.append(event)

    def lines(self) -> list[str]:
        """What the tree shows, row by row."""
        strips = (self.pane.render_line(y) for y in range(self.pane.size.height))
        shown = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
        while shown and not shown[-1]:
            shown.pop()
        return shown
