"""What deleting would take away, said in numbers before it is done."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.model import DeletionImpact, SharedTurns
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["DeleteChoice", "DeleteDialog"]

_NAMED = 3
"""Branches that are named one by one."""


class DeleteChoice(StrEnum):
    """How to get rid of something."""

    DELETE = "delete"
    ARCHIVE = "archive"


class DeleteDialog(Modal[DeleteChoice | None]):
    """Tells what would go and what lives on, and asks."""

    LINES = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "decide('delete')", "Delete"),
        Binding("a", "decide('archive')", "Archive instead"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | y | Delete it. |
    | a | Put it away instead. |
    | escape | Leave it as it is. |
    """

    DEFAULT_CSS = """
    DeleteDialog {
        &.-tall Scroll { margin: 1 0; }
        .delete--kept { color: $foreground-muted; }
    }
    """

    def __init__(self, impact: DeletionImpact) -> None:
        """Make the dialog."""
        gone, kept = told(impact)
        super().__init__(
            Scroll(
                Static(Content("\n".join(map(printable_line, gone)))),
                Static(Content("\n".join(map(printable_line, kept))), classes="delete--kept"),
            )
        )
        name = impact.branch_id if impact.branch_id is not None else f"session {impact.session_id}"
        self._title = f"Delete {name} for good?"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(printable_line(self._title)), classes="modal--title")
            yield self._growing
            yield Static("y deletes · a archives instead · Esc leaves it", classes="modal--hint", markup=False)

    def on_mount(self) -> None:
        self._growing.focus()

    def action_decide(self, way: str) -> None:
        """Close with a decision."""
        self.dismiss(DeleteChoice(way))


def told(impact: DeletionImpact) -> tuple[list[str], list[str]]:
    """What goes and what stays, a line each."""
    if impact.branch_id is None:
        parts = [
            _count(impact.branches, "branch"),
            _count(impact.turns, "turn"),
            _count(impact.items, "item"),
        ]
        gone = [f"Goes: {', '.join(parts)}."]
        kept = []
    elif impact.items:
        own = f"{_count(impact.turns, 'own turn')} with {_count(impact.items, 'item')}"
        gone = [f"Goes: {own} that no other branch holds."]
        kept = [_lives_on(survivor) for survivor in impact.shared_turns]
    else:
        gone = ["Goes: its name alone; it holds nothing of its own."]
        kept = [_lives_on(survivor) for survivor in impact.shared_turns]
    if impact.tokens is not None:
        gone.append(f"Goes: usage of {impact.tokens:,} tokens.")
    elif impact.items:
        gone.append("No usage is stored for it.")
    if impact.kept_tokens is not None:
        kept.append(f"Stays: the usage of these turns, of which this branch ran {impact.kept_tokens:,} tokens.")
    kept.append("z brings it back until the trash is emptied (H); its id stays reserved.")
    return gone, kept


def _lives_on(survivor: SharedTurns) -> str:
    one = survivor.first == survivor.last
    turns = f"turn {survivor.first}" if one else f"turns {survivor.first}–{survivor.last}"
    named = ", ".join(survivor.branches[:_NAMED])
    more = len(survivor.branches) - _NAMED
    return f"Stays: {turns}, in {named}{f' and {more} more' if more > 0 else ''}."


def _count(number: int, what: str) -> str:
    plural = "es" if what.endswith("ch") else "s"
    return f"{number:,} {what}{plural if number != 1 else ''}"
