"""What deleting would take away, said in numbers before it is done."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.model import Losses, Survivor
from tui.screens.dialogs.modal import Band, Scroll
from tui.widgets.format import visible

__all__ = ["DeleteDialog", "Way"]

_NAMED = 3
"""Branches that are named one by one."""


class Way(StrEnum):
    """How to get rid of something."""

    DELETE = "delete"
    ARCHIVE = "archive"


class DeleteDialog(Band[Way | None]):
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

    def __init__(self, losses: Losses) -> None:
        """Make the dialog."""
        gone, kept = told(losses)
        super().__init__(
            Scroll(
                Static(Content("\n".join(map(visible, gone)))),
                Static(Content("\n".join(map(visible, kept))), classes="delete--kept"),
            )
        )
        name = losses.branch_id if losses.branch_id is not None else f"session {losses.session_id}"
        self._title = f"Delete {name} for good?"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(visible(self._title)), classes="band--title")
            yield self._growing
            yield Static("y deletes · a archives instead · Esc leaves it", classes="band--hint", markup=False)

    def on_mount(self) -> None:
        self._growing.focus()

    def action_decide(self, way: str) -> None:
        """Close with a decision."""
        self.dismiss(Way(way))


def told(losses: Losses) -> tuple[list[str], list[str]]:
    """What goes and what stays, a line each."""
    if losses.branch_id is None:
        parts = [_count(losses.branches, "branch"), _count(losses.turns, "turn"), _count(losses.items, "item")]
        gone = [f"Goes: {', '.join(parts)}."]
        kept = []
    elif losses.items:
        own = f"{_count(losses.turns, 'own turn')} with {_count(losses.items, 'item')}"
        gone = [f"Goes: {own} that no other branch holds."]
        kept = [_lives_on(survivor) for survivor in losses.lives_on]
    else:
        gone = ["Goes: its name alone; it holds nothing of its own."]
        kept = [_lives_on(survivor) for survivor in losses.lives_on]
    if losses.tokens is not None:
        gone.append(f"Goes: usage of {losses.tokens:,} tokens.")
    elif losses.items:
        gone.append("No usage is stored for it.")
    if losses.kept_tokens is not None:
        kept.append(f"Stays: the usage of these turns, of which this branch ran {losses.kept_tokens:,} tokens.")
    kept.append("z brings it back until the trash is emptied (H); its id stays reserved.")
    return gone, kept


def _lives_on(survivor: Survivor) -> str:
    one = survivor.first == survivor.last
    turns = f"turn {survivor.first}" if one else f"turns {survivor.first}–{survivor.last}"
    named = ", ".join(survivor.branches[:_NAMED])
    more = len(survivor.branches) - _NAMED
    return f"Stays: {turns}, in {named}{f' and {more} more' if more > 0 else ''}."


def _count(number: int, what: str) -> str:
    plural = "es" if what.endswith("ch") else "s"
    return f"{number:,} {what}{plural if number != 1 else ''}"
