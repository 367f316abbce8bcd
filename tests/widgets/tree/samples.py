"""Trees of turns, built from branches as lists of messages, and an app that shows one."""

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
from tui.widgets.tree.view import TurnPage

__all__ = ["NOON", "SESSION", "ReadTurn", "TreeApp", "tree_of", "view_of"]

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
"""The current time of the tests."""

SESSION = Session("support-42", "2025-03-01 10:00:00")

ReadTurn = Callable[[str, int], Turn]
"""Reads a turn of a branch."""


def tree_of(branches: Mapping[str, Sequence[int]]) -> TurnTree:
    """Return the tree of branches, oldest first, given the ids of their messages, one for each turn."""

    def key(branch_id: str, turn: int) -> tuple[int, ...]:
        messages = branches[branch_id]
        return (messages[turn - 1],) if 0 < turn <= len(messages) else ()

    return build_tree([Branch(name, len(messages)) for name, messages in branches.items()], key)


def view_of(tree: TurnTree, branch_id: str = "main", turn: int = 1) -> View:
    """Return a view of one session with a tree."""
    return View(sessions=(SESSION,), session=SESSION, tree=tree, branch_id=branch_id, turn=turn)


def _read_turn(branch_id: str, turn: int) -> Turn:
    return Turn(turn, f"message {turn} of {branch_id}", items=4, tokens=100 * turn)


class TreeApp(App[None]):
    """Shows the tree alone, and answers it as the explorer does.

    Args:
        start: The first view.
        read_turn: Reads the turns that the tree requests; None leaves requests unanswered.
        theme: Name of the theme.
    """

    view: var[View] = var(View(), init=False)

    def __init__(self, start: View, read_turn: ReadTurn | None = _read_turn, theme: str = "textual-dark") -> None:
        super().__init__()
        self.pane = BranchTree(clock=lambda: NOON)
        self.messages: list[Message] = []
        self.descriptions: list[str] = []
        self.requested: list[TurnPage] = []
        self.request_count = 0
        self._start = start
        self._read_turn = read_turn
        self._theme = theme

    def compose(self) -> ComposeResult:
        yield self.pane.data_bind(TreeApp.view)

    def on_mount(self) -> None:
        self.watch(self.pane, "description", self._remember_description)
        self.theme = self._theme
        self.view = self._start
        self.pane.focus()

    def _remember_description(self, description: str) -> None:
        self.descriptions.append(description)

    @on(BranchTree.TurnsNeeded)
    def _answer(self, event: BranchTree.TurnsNeeded) -> None:
        assert self.view.session
        assert event.session_id == self.view.session.session_id
        self.requested += event.pages
        self.request_count += 1
        if self._read_turn is not None:
            for page in event.pages:
                turns = [self._read_turn(page.branch_id, turn) for turn in range(page.first, page.last + 1)]
                self.pane.receive_turns(page.branch_id, self.view.revision, turns)

    @on(BranchTree.TurnHighlighted)
    @on(BranchTree.TurnOpened)
    @on(BranchTree.TurnClicked)
    @on(BranchTree.BranchClicked)
    @on(BranchTree.SessionOpened)
    @on(BranchTree.SessionsNeeded)
    def _remember(self, event: Message) -> None:
        self.messages.append(event)

    def lines(self) -> list[str]:
        """Return the rows in sight as text."""
        strips = (self.pane.render_line(y) for y in range(self.pane.size.height))
        shown = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
        while shown and not shown[-1]:
            shown.pop()
        return shown
