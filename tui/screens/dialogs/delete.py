"""The dialog that confirms a deletion, and lists what will be deleted and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.model import Branch, DeletionImpact, SharedTurns
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal, Scroll, hint
from tui.words import ESTIMATE, plural, title_and_id

__all__ = ["DeleteChoice", "DeleteDialog"]

_MAX_NAMES: Final = 3
"""Branches that a line names."""


class DeleteChoice(StrEnum):
    """The answer of the user."""

    DELETE = "delete"
    ARCHIVE = "archive"


class DeleteDialog(Modal[DeleteChoice | None]):
    """Shows the impact of deleting a branch or session, and asks for the user's choice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "choose('delete')", "Delete"),
        Binding("n", "close", "Keep"),
        Binding("a", "choose('archive')", "Archive instead"),
    ]

    DEFAULT_CSS = """
    DeleteDialog {
        &.-tall Scroll { margin: 1 0; }
        .delete--kept { color: $foreground-muted; }
    }
    """

    def __init__(self, impact: DeletionImpact, title: str, branch_name: Callable[[Branch], str]) -> None:
        """Create the dialog.

        Args:
            impact: What the deletion takes away.
            title: The title of the branch or session; empty if it has none.
            branch_name: Returns the name of a branch that is kept.
        """
        kind, own_id = ("session", impact.session_id) if impact.branch_id is None else ("branch", impact.branch_id)
        kept = _kept(impact, branch_name)
        parts = [
            Static(_section("Will be deleted", _deleted(impact)), markup=False),
            Static(_section("Kept", kept), classes="delete--kept", markup=False) if kept else None,
            Static("z undoes it until the trash is emptied (@). The id stays reserved.", classes="delete--kept"),
        ]
        body = Scroll(*filter(None, parts))
        keys = hint(
            ("y yes", "choose('delete')"),
            ("n no", "close"),
            ("a archives it", "choose('archive')"),
            ("Esc cancels", "close"),
        )
        super().__init__(f"Delete {kind} {title_and_id(title, own_id)}?", body, keys)

    def action_choose(self, choice: str) -> None:
        """Close with a choice."""
        self.dismiss(DeleteChoice(choice))


def _section(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, *(f"  {printable_line(line)}" for line in lines)])


def _deleted(impact: DeletionImpact) -> list[str]:
    """Return a line for each thing that will be deleted."""
    if impact.branch_id is None:
        lines = [f"{plural(impact.branches, 'branch')}, {plural(impact.turns, 'turn')}, {plural(impact.items, 'item')}"]
    elif impact.items:
        lines = [f"{plural(impact.turns, 'turn')} with {plural(impact.items, 'item')} that no other branch has"]
    else:
        lines = ["only the name; other branches have all of its turns"]
    if impact.tokens is not None:
        lines.append(f"usage of {_tokens(impact.tokens, estimated=impact.tokens_are_estimated)}")
    elif impact.items:
        lines.append("usage: none is stored")
    return lines


def _kept(impact: DeletionImpact, branch_name: Callable[[Branch], str]) -> list[str]:
    """Return a line for each thing that is kept."""
    lines = [_shared(turns, branch_name) for turns in impact.shared_turns]
    if impact.kept_tokens is not None:
        tokens = _tokens(impact.kept_tokens, estimated=impact.kept_tokens_are_estimated)
        lines.append(f"usage of these turns: {tokens} from runs on this branch")
    return lines


def _tokens(number: int, *, estimated: bool) -> str:
    return f"{ESTIMATE if estimated else ''}{plural(number, 'token')}"


def _shared(turns: SharedTurns, branch_name: Callable[[Branch], str]) -> str:
    numbers = f"turn {turns.first}" if turns.first == turns.last else f"turns {turns.first}–{turns.last}"
    named = ", ".join(map(branch_name, turns.branches[:_MAX_NAMES]))
    more = len(turns.branches) - _MAX_NAMES
    return f"{numbers}, in {named}{f' and {more} more' if more > 0 else ''}"
