"""A few lines to fill in, and one thing that is done with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static
from textual.worker import Worker

from tui.errors import ConvoError
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["Field", "Form"]


class Field(NamedTuple):
    """One line of a form.

    Attributes:
        label: What stands before it.
        value: What it says at first.
        placeholder: What it says while it is empty.
    """

    label: str
    value: str = ""
    placeholder: str = ""


class Form(Modal[bool]):
    """Lines to fill in; gives True once what Enter does is done.

    Where it cannot be done, the form says why and stays as it was filled in.
    """

    LINES = 3
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "app.focus_next", "Next line", show=False),
        Binding("up,ctrl+p", "app.focus_previous", "Line before", show=False),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | tab, down | Next line. |
    | shift+tab, up | Line before. |
    | enter | Do it. |
    | escape | Leave. |
    """

    DEFAULT_CSS = """
    Form {
        Scroll { scrollbar-size-vertical: 0; }
        .form--line { height: 1; layout: horizontal; }
        .form--line Label { width: 9; color: $foreground-muted; }
        Input, Input:focus {
            width: 1fr; height: 1; padding: 0; border: none; background: $foreground 8%;
        }
        Input:focus { background: $foreground 15%; }
        #form-error { height: auto; margin: 0 2; color: $text-error; display: none; }
        &.-failed #form-error { display: block; }
    }
    """

    def __init__(
        self, title: str, fields: Sequence[Field], does: str, do: Callable[[Sequence[str]], Awaitable[object]]
    ) -> None:
        """Make the form.

        Args:
            title: What it is about; untrusted text in it is shown as it is.
            fields: Its lines.
            does: What Enter does, one word.
            do: Does it with what the lines say; a ConvoError is shown.
        """
        self._inputs = [Input(field.value, placeholder=field.placeholder) for field in fields]
        lines = [
            Vertical(Label(field.label, markup=False), line, classes="form--line")
            for field, line in zip(fields, self._inputs, strict=True)
        ]
        super().__init__(Scroll(*lines, can_focus=False))
        self._title = title
        self._does = does
        self._do = do
        self._error = Static(id="form-error")
        self._doing = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(printable_line(self._title)), classes="modal--title")
            yield self._growing
            yield self._error
            yield Static(f"Enter {self._does} · Tab next line · Esc leaves", classes="modal--hint", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self._inputs[0])

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._doing:
            self._doing = True
            _: Worker[None] = self.run_worker(self._try)

    async def _try(self) -> None:
        try:
            await self._do([line.value for line in self._inputs])
        except ConvoError as error:
            self._error.update(Content(printable_line(f"{error} {error.hint}".strip())))
            self.add_class("-failed")
        else:
            self.dismiss(True)
        finally:
            self._doing = False
