"""Tool calls that wait for the user's leave, one after another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.items.codec import decode
from tui.model import Approval, Decision
from tui.printable import printable, printable_line
from tui.render import format_size
from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["ApprovalDialog"]

_SHOWN: Final = 100_000
"""Characters of the arguments that are laid out."""

_HINT: Final = "y approve · a always in this run · n reject · r reject with a reason · Esc answers later"
_SHORT_HINT: Final = "y yes · a always · n no · r why"
_REASON_HINT: Final = "Enter rejects · Esc goes back"
_WIDE: Final = 96
"""Columns from which the long hint fits."""


class ApprovalDialog(Modal[tuple[Decision, ...] | None]):
    """Asks for each call in turn, and gives the decisions in the order of the calls; None where the user leaves.

    A tool that was approved for the whole run is not asked for again.
    """

    LINES = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "approve", "Approve"),
        Binding("a", "always", "Always"),
        Binding("n", "reject", "Reject"),
        Binding("r", "give_reason", "Reject with a reason"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | y, enter | Let the call be made. |
    | a | Let every call of this tool be made while this run lasts. |
    | n | Reject the call. |
    | r | Reject the call, and tell the model why. |
    | escape | Leave all of them waiting; while a reason is written, go back. |
    """

    DEFAULT_CSS = """
    ApprovalDialog {
        &.-tall Scroll { margin: 1 0; }
        Input { display: none; margin: 0 2; background: transparent; }
        &.-reason Input { display: block; }
    }
    """

    def __init__(self, approvals: Sequence[Approval]) -> None:
        """Make the dialog.

        Args:
            approvals: The calls, at least one.
        """
        self._arguments = Static()
        super().__init__(Scroll(self._arguments))
        self._approvals = tuple(approvals)
        self._decisions: list[Decision] = []
        self._trusted: set[str] = set()
        self._title = Static(classes="modal--title")
        self._agent = Static(classes="modal--hint")
        self._reason = Input(placeholder="why not, for the model to read", compact=True)
        self._hint = Static(classes="modal--hint", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._title
            yield self._agent
            yield self._growing
            yield self._reason
            yield self._hint

    def on_mount(self) -> None:
        self._ask()

    def on_resize(self) -> None:
        super().on_resize()
        self._say_keys()

    @property
    def _asked(self) -> Approval:
        return self._approvals[len(self._decisions)]

    def _ask(self) -> None:
        """Show the next call."""
        approval, many = self._asked, len(self._approvals)
        count = f"{len(self._decisions) + 1} of {many} · " if many > 1 else ""
        self._title.update(Content(f"{count}May {printable_line(approval.tool_name)} be called?"))
        self._agent.update(Content(f"asked for by {printable_line(approval.agent)}" if approval.agent else ""))
        self._agent.display = bool(approval.agent)
        self._arguments.update(Content(_pretty(approval.arguments)))
        self._growing.scroll_home(animate=False)
        self._write_reason(False)

    def _write_reason(self, writing: bool) -> None:
        self.set_class(writing, "-reason")
        self._reason.value = ""
        (self._reason if writing else self._growing).focus()
        self._say_keys()

    def _say_keys(self) -> None:
        if self.has_class("-reason"):
            self._hint.update(_REASON_HINT)
        else:
            self._hint.update(_HINT if self.size.width >= _WIDE else _SHORT_HINT)

    def _decide(self, decision: Decision) -> None:
        if decision.always:
            self._trusted.add(self._asked.tool_name)
        self._decisions.append(decision)
        while len(self._decisions) < len(self._approvals):
            if self._asked.tool_name not in self._trusted:
                self._ask()
                return
            self._decisions.append(Decision(approved=True, always=True))
        self.dismiss(tuple(self._decisions))

    def action_approve(self) -> None:
        """Let the call be made."""
        self._decide(Decision(approved=True))

    def action_always(self) -> None:
        """Let every call of this tool be made while this run lasts."""
        self._decide(Decision(approved=True, always=True))

    def action_reject(self) -> None:
        """Reject the call."""
        self._decide(Decision(approved=False))

    def action_give_reason(self) -> None:
        """Open the line in which the reason is written."""
        self._write_reason(True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject the call for the reason that was written."""
        event.stop()
        self._decide(Decision(approved=False, reason=event.value.strip()))

    def action_leave(self) -> None:
        """Close and decide nothing, or go back from the reason."""
        if self.has_class("-reason"):
            self._write_reason(False)
        else:
            super().action_leave()


def _pretty(arguments: str) -> str:
    """Arguments as indented JSON where they are JSON, printable."""
    try:
        text = json.dumps(decode(arguments), ensure_ascii=False, indent=2) if arguments.strip() else "no arguments"
    except (ValueError, RecursionError):
        text = arguments
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}\n… {format_size(len(text) - _SHOWN)} more, too long to be shown"
    return printable(text)
