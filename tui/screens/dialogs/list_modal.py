"""The base of dialogs with a list whose highlight moves while the user types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.screens.dialogs.modal import Modal
from tui.widgets.lists.choices import ChoiceList
from tui.widgets.lists.hits import HitList
from tui.widgets.lists.sections import SectionList

__all__ = ["ListModal"]

ResultT = TypeVar("ResultT")


class ListModal(Modal[ResultT]):
    """A dialog with a list, and a count at the right of its title."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "Next", show=False),
        Binding("up,ctrl+p", "move(-1)", "Previous", show=False, priority=True),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
    ]

    DEFAULT_CSS = """
    ListModal {
        .list-modal--head { height: 1; }
        .list-modal--head .modal--title { width: 1fr; }
        .list-modal--count { width: auto; }
        &.-tall Input { margin: 1 2; }
    }
    """

    def __init__(
        self, title: str, body: ChoiceList | HitList | SectionList, hint: Content | str = "", **others: Sequence[Widget]
    ) -> None:
        super().__init__(title, body, hint, **others)
        self._list = body
        self._count = Static(classes="modal--hint list-modal--count", markup=False)

    def compose_head(self) -> ComposeResult:
        yield Horizontal(self._title, self._count, classes="list-modal--head")

    def action_move(self, lines: int) -> None:
        """Move the highlight by some lines."""
        self._list.move(lines)

    def action_move_page(self, pages: int) -> None:
        """Move the highlight by some pages."""
        self._list.move_page(pages)
