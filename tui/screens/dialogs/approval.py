"""The dialog that asks for the approval of pending tool calls, one after another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tui.items.codec import decode
from tui.model import Approval, Decision
from tui.printable import printable, printable_line
from tui.render import format_size
from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["ApprovalDialog"]

_MAX_ARGUMENTS: Final = 100_000
"""Characters of the arguments that are shown."""

_HINT: Final = "y approves · a always in this run · n rejects · r rejects with a reason · Esc later"
_SHORT_HINT: Final = "y yes · a always · n no · r reason"
_REASON_HINT: Final = "Enter rejects · Esc goes back"
_WIDE: Final = 96
"""Minimum width of a screen for the long hint."""


class ApprovalDialog(Modal[tuple[Decision, ...] | None]):
    """Asks for each call in turn; returns the decisions in the order of the calls, or None.

    After "always" it does not ask for other calls of the same tool.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "decide(True)", "Approve"),
        Binding("a", "decide(True, True)", "Always"),
        Binding("n", "decide(False)", "Reject"),
        Binding("r", "give_reason", "Reject with a reason"),
    ]

    DEFAULT_CSS = """
    ApprovalDialog {
        &.-tall Scroll { margin: 1 0; }
        Input { display: none; }
        &.-reason Input { display: block; }
    }
    """

    def __init__(self, approvals: Sequence[Approval]) -> None:
        """Create the dialog for at least one pending call."""
        self._agent = Static(classes="modal--hint", markup=False)
        self._arguments = Static(markup=False)
        self._reason = Input(placeholder="reason, for the model to read")
        super().__init__("", Scroll(self._arguments), _HINT, above=[self._agent], below=[self._reason])
        self._approvals = tuple(approvals)
        self._decisions: list[Decision] = []
        self._always: set[str] = set()

    def on_mount(self) -> None:
        self._ask()

    def on_resize(self) -> None:
        super().on_resize()
        self._show_hint()

    @property
    def _pending(self) -> Approval:
        """The call for which the dialog asks."""
        return self._approvals[len(self._decisions)]

    def _ask(self) -> None:
        approval, count = self._pending, len(self._approvals)
        number = f"{len(self._decisions) + 1} of {count} · " if count > 1 else ""
        self._title.update(printable_line(f"{number}Approve {approval.tool_name}?"))
        self._agent.update(printable_line(f"requested by {approval.agent}"))
        self._agent.display = bool(approval.agent)
        self._arguments.update(_format_arguments(approval.arguments))
        self._body.scroll_home(animate=False)
        self._edit_reason(False)

    def _edit_reason(self, editing: bool) -> None:
        self.set_class(editing, "-reason")
        self._reason.value = ""
        (self._reason if editing else self._body).focus()
        self._show_hint()

    def _show_hint(self) -> None:
        if self.has_class("-reason"):
            self._hint.update(_REASON_HINT)
        else:
            self._hint.update(_HINT if self.size.width >= _WIDE else _SHORT_HINT)

    def action_decide(self, approved: bool, always: bool = False, reason: str = "") -> None:
        """Approve or reject the call, or `always` approve the calls of its tool; then show the next call or close."""
        if always:
            self._always.add(self._pending.tool_name)
        self._decisions.append(Decision(approved, always, reason))
        while len(self._decisions) < len(self._approvals):
            if self._pending.tool_name not in self._always:
                self._ask()
                return
            self._decisions.append(Decision(approved=True, always=True))
        self.dismiss(tuple(self._decisions))

    def action_give_reason(self) -> None:
        """Open the field for the reason."""
        self._edit_reason(True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject the call for this reason."""
        self.action_decide(False, reason=event.value.strip())

    def action_close(self) -> None:
        """Close and leave all calls pending, or go back from the reason."""
        if self.has_class("-reason"):
            self._edit_reason(False)
        else:
            super().action_close()


def _format_arguments(arguments: str) -> str:
    """Return arguments as printable text, indented if they are JSON."""
    try:
        text = json.dumps(decode(arguments), ensure_ascii=False, indent=2) if arguments.strip() else "no arguments"
    except (ValueError, RecursionError):
        text = arguments
    if len(text) > _MAX_ARGUMENTS:
        text = f"{text[:_MAX_ARGUMENTS]}\n… {format_size(len(text) - _MAX_ARGUMENTS)} more, too long to be shown"
    return printable(text)
