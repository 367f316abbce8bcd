"""Picking one of many by typing part of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal
from tui.widgets.lists.choices import Choice, Choices, KeyT

__all__ = ["Picker"]


class Picker(Modal[KeyT | None], Generic[KeyT]):
    """A list that narrows while the user types; gives the picked key, or None when left.

    Enter or a click picks; the arrows, Ctrl+N and Ctrl+P move while typing.
    """

    LINES = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "Next", show=False),
        Binding("up,ctrl+p", "move(-1)", "Previous", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | down, ctrl+n | Next choice. |
    | up, ctrl+p | Choice before. |
    | pagedown, pageup | A page further or back. |
    | enter | Pick. |
    | escape | Leave. |
    """

    DEFAULT_CSS = """
    Picker {
        #picker-head { height: 1; layout: horizontal; }
        .modal--title { width: 1fr; }
        .modal--hint { width: auto; }
        Input, Input:focus {
            height: 1;
            margin: 0 2;
            padding: 0;
            border: none;
            background: transparent;
            background-tint: 0%;
        }
        &.-tall Input { margin: 1 2; }
    }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice[KeyT]],
        *,
        current: KeyT | None = None,
        placeholder: str = "type part of a name",
    ) -> None:
        """Make the picker.

        Args:
            title: What is picked; untrusted text in it is shown as it is.
            choices: In the order in which they stand while nothing is typed.
            current: Key of the choice that holds now.
            placeholder: What the empty input says.
        """
        self._keys = [choice.key for choice in choices]
        held = self._keys.index(current) if current in self._keys else None
        self._list = Choices([choice.label for choice in choices], [choice.detail for choice in choices], held)
        super().__init__(self._list)
        self._title = Static(Content(printable_line(title)), classes="modal--title")
        self._count = Static(classes="modal--hint")
        self._input = Input(placeholder=placeholder, select_on_focus=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            with Vertical(id="picker-head"):
                yield self._title
                yield self._count
            yield self._input
            yield self._list

    def on_mount(self) -> None:
        self._tell_count()

    def action_move(self, by: int) -> None:
        """Move the cursor by so many lines."""
        self._list.move(by)

    def action_move_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self._list.move_page(by)

    def narrow(self, typed: str) -> None:
        """Show what matches."""
        self._list.narrow(typed)
        self._tell_count()

    @property
    def pointed(self) -> KeyT | None:
        """The choice under the cursor; None where nothing matches."""
        return None if self._list.place is None else self._keys[self._list.place]

    def neighbours(self) -> list[KeyT]:
        """The choices below and above the cursor."""
        return [self._keys[place] for place in self._list.beside()]

    def pick(self) -> None:
        """Give the choice under the cursor."""
        if self._list.place is not None:
            self.dismiss(self._keys[self._list.place])

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.narrow(event.value)

    @on(Input.Submitted)
    def _pick(self, event: Input.Submitted) -> None:
        event.stop()
        self.pick()

    @on(Choices.Picked)
    def _pick_clicked(self, event: Choices.Picked) -> None:
        event.stop()
        self.dismiss(self._keys[event.place])

    def _tell_count(self) -> None:
        total = len(self._keys)
        self._count.update(f"{total:,}" if self._list.count == total else f"{self._list.count:,} of {total:,}")
