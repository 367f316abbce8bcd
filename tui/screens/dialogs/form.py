"""A form whose values are passed to a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tui.errors import ConvoError
from tui.printable import printable_line
from tui.screens.dialogs.modal import FieldRow, Modal, Scroll, hint
from tui.screens.key_order import run_holding_keys

__all__ = ["Field", "Form"]


class Field(NamedTuple):
    """A line of text in a form, with its initial value."""

    label: str
    value: str = ""
    placeholder: str = ""


class Form(Modal[bool]):
    """Fields to fill in; returns True after `submit` succeeded, and stays open with an error if it failed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "app.focus_next", "Next field", show=False),
        Binding("up,ctrl+p", "app.focus_previous", "Previous field", show=False),
    ]

    DEFAULT_CSS = """
    Form {
        Scroll { scrollbar-size-vertical: 0; }
        Input { background: $foreground 8%; }
        Input:focus { background: $foreground 15%; }
        .form--error { height: auto; margin: 0 2; color: $text-error; display: none; }
        &.-failed .form--error { display: block; }
    }
    """

    def __init__(
        self, title: str, fields: Sequence[Field], verb: str, submit: Callable[[Sequence[str]], Awaitable[object]]
    ) -> None:
        """Create the form.

        Args:
            title: The line at the top; it may contain untrusted text.
            fields: The fields.
            verb: Action of Enter, in one word such as "saves".
            submit: Called with the values of the fields; its `ConvoError` is shown.
        """
        self._submit = submit
        self._error = Static(classes="form--error", markup=False)
        self._busy = False
        self._inputs = [Input(field.value, placeholder=field.placeholder) for field in fields]
        rows = [FieldRow(field.label, line) for field, line in zip(fields, self._inputs, strict=True)]
        keys = hint((f"Enter {verb}", "submit"), ("Tab next field", "app.focus_next"), ("Esc cancels", "close"))
        super().__init__(title, Scroll(*rows, can_focus=False), keys, below=[self._error])

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Pass the values on, unless they are being passed on already."""
        if not self._busy:
            self._busy = True
            run_holding_keys(self, self._run)

    async def _run(self) -> bool:
        try:
            await self._submit([line.value for line in self._inputs])
        except ConvoError as error:
            self._error.update(printable_line(error.full_message))
            self.add_class("-failed")
            return False
        finally:
            self._busy = False
        self.dismiss(True)
        return True
