"""The prompt that asks, in place of the composer, for the approval of pending tool calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Final

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.items.codec import decode
from tui.model import Approval, ApprovalDecision
from tui.painting.pane import set_caption
from tui.painting.stable_scroll import FixedSize
from tui.printable import printable, printable_line
from tui.render import format_size
from tui.widgets.message import WidgetMessage

__all__ = ["TYPING_PAUSE", "ApprovalPrompt"]

TYPING_PAUSE: Final = 1.0
"""Seconds without a key after which the next key is no longer part of what the user was typing."""

_MAX_ARGUMENTS: Final = 100_000
"""Characters of the arguments that are shown."""

_CHOICES: Final = {
    "approve": ("y", "Approve"),
    "always": ("a", "Always approve this tool in this run"),
    "reject": ("n", "Reject"),
    "reason": ("r", "Reject with a reason"),
    "stop": ("s", "Stop the run"),
    "later": ("Esc", "Answer later"),
}
_LETTERS: Final = {key: choice for choice, (key, _) in _CHOICES.items() if len(key) == 1}


class _Choices(OptionList):
    """The answers; the prompt sees each key first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_arguments(-1)", "Scroll up", show=False, id="approval.page_up"),
        Binding("pagedown", "scroll_arguments(1)", "Scroll down", show=False, id="approval.page_down"),
    ]

    def __init__(
        self, take_key: Callable[[events.Key], bool], paste: Callable[[str], None], arguments: VerticalScroll
    ) -> None:
        options = [
            Option(Content.assemble((f"{key:>3}  ", "dim"), label), id=choice)
            for choice, (key, label) in _CHOICES.items()
        ]
        super().__init__(*options, compact=True)
        self._take_key = take_key
        self._paste = paste
        self._arguments = arguments

    def on_key(self, event: events.Key) -> None:
        if self._take_key(event):
            event.stop().prevent_default()

    def action_scroll_arguments(self, pages: int) -> None:
        """Scroll the arguments of the call by a number of pages."""
        self._arguments.scroll_relative(y=pages * max(1, self._arguments.size.height - 1), animate=False)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._paste(event.text)


class ApprovalPrompt(Vertical, FixedSize):
    """Asks for each call in turn; posts the decisions in the order of the calls.

    After "always" it does not ask for other calls of the same tool.

    A key that was typed for something else answers nothing. At first no answer is highlighted, so that Enter needs an
    arrow key before it. In a prompt that the user opened, a letter answers after a pause without keys. In a prompt that
    appeared by itself, text that is typed is posted for the composer, and the arrow keys work after such a pause.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "later", "Later", id="approval.later"),
    ]

    DEFAULT_CSS = """
    ApprovalPrompt {
        display: none;
        height: auto;
        border: round $warning;
        border-title-color: $text-warning;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        background: $surface;

        & > .approval--agent { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; }
        & > VerticalScroll { height: auto; max-height: 25vh; padding: 0 1; scrollbar-size-vertical: 1; }
        & > OptionList { height: auto; max-height: 30vh; background: transparent; scrollbar-size-vertical: 1; }
        & > Input { display: none; margin: 0 1; background: transparent; }
        &.-reason > Input { display: block; }
        &.-reason > OptionList { display: none; }
    }
    """

    @dataclass
    class Answered(WidgetMessage["ApprovalPrompt"]):
        """Posted when all calls were answered."""

        branch_id: str
        decisions: Sequence[ApprovalDecision]

    @dataclass
    class StopRequested(WidgetMessage["ApprovalPrompt"]):
        """Posted when the user wants to stop the run."""

    @dataclass
    class Postponed(WidgetMessage["ApprovalPrompt"]):
        """Posted when the user wants to answer later."""

    @dataclass
    class Typed(WidgetMessage["ApprovalPrompt"]):
        """Posted when the user typed text, which is for the composer."""

        text: str

    def __init__(self, clock: Callable[[], float] = monotonic, *, id: str | None = None) -> None:  # noqa: A002
        """Create a closed prompt, given a function that returns seconds."""
        self._agent = Static(classes="approval--agent", markup=False)
        self._arguments = Static(markup=False)
        self._scroll = VerticalScroll(self._arguments, can_focus=False)
        self._choices = _Choices(self._take_key, self._type, self._scroll)
        self._reason = Input(placeholder="reason, for the model to read", compact=True)
        super().__init__(self._agent, self._scroll, self._choices, self._reason, id=id)
        self._clock = clock
        self._branch_id = ""
        self._approvals: tuple[Approval, ...] = ()
        self._decisions: list[ApprovalDecision] = []
        self._always: set[str] = set()
        self._on_purpose = False
        self._last_key = 0.0

    @property
    def is_open(self) -> bool:
        """True if the prompt asks for something."""
        return self.display

    def open(self, branch_id: str, approvals: Sequence[Approval], *, on_purpose: bool) -> None:
        """Ask for at least one pending call of a run.

        Args:
            branch_id: The branch of the run.
            approvals: The pending calls.
            on_purpose: Whether the user asked for the prompt, which otherwise appears by itself.
        """
        self._branch_id, self._approvals, self._on_purpose = branch_id, tuple(approvals), on_purpose
        self._decisions, self._always = [], set()
        self.display = True
        self._ask()

    def close(self) -> None:
        """Hide the prompt."""
        self.display = False

    def focus(self, scroll_visible: bool = True) -> ApprovalPrompt:
        """Focus the answers at once."""
        self.screen.set_focus(self._choices, scroll_visible)
        return self

    # Asking

    @property
    def _pending(self) -> Approval:
        """The call for which the prompt asks."""
        return self._approvals[len(self._decisions)]

    def _ask(self) -> None:
        approval = self._pending
        self._agent.update(printable_line(f"requested by {approval.agent}"))
        self._agent.display = bool(approval.agent)
        self._arguments.update(_format_arguments(approval.arguments))
        self._scroll.scroll_home(animate=False)
        self._choices.highlighted = None
        self._last_key = self._clock()
        self._edit_reason(False)

    def _edit_reason(self, editing: bool) -> None:
        had_focus = self.has_focus_within
        self.set_class(editing, "-reason")
        self._reason.value = ""
        if had_focus:
            (self._reason if editing else self._choices).focus()
        count = len(self._approvals)
        number = f"{len(self._decisions) + 1} of {count} · " if count > 1 else ""
        title = printable_line(f"{number}Approve {self._pending.tool_name}?")
        set_caption(self, title, "Enter rejects · Esc goes back" if editing else "w opens · ↑ ↓, Enter answers")

    # Keys

    def _take_key(self, event: events.Key) -> bool:
        """Handle a key unless it may choose an answer, and return whether it was handled."""
        paused, self._last_key = self._clock() - self._last_key >= TYPING_PAUSE, self._clock()
        character = event.character if event.is_printable else None
        if not self._on_purpose:
            if character:
                self._type(character)
            elif paused:
                self._on_purpose = True
            return bool(character) or not (paused or event.key.startswith("ctrl+"))
        if character and paused and character in _LETTERS:
            self._choose(_LETTERS[character])
            return True
        return bool(character) and not paused

    def _type(self, text: str) -> None:
        self.post_message(self.Typed(self, text))

    def on_mouse_down(self) -> None:
        """Take the focus; from now on the user means the prompt."""
        self._on_purpose = True
        if not self.has_focus_within:
            self.focus()

    def action_later(self) -> None:
        """Leave all calls pending, or go back from the reason."""
        if self.has_class("-reason"):
            self._edit_reason(False)
        else:
            self.post_message(self.Postponed(self))

    # Answering

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_id or "later")

    @on(Input.Submitted)
    def _submit_reason(self, event: Input.Submitted) -> None:
        event.stop()
        self._decide(ApprovalDecision(approved=False, reason=event.value.strip()))

    def _choose(self, choice: str) -> None:
        if choice == "approve":
            self._decide(ApprovalDecision(approved=True))
        elif choice == "always":
            self._always.add(self._pending.tool_name)
            self._decide(ApprovalDecision(approved=True, always=True))
        elif choice == "reject":
            self._decide(ApprovalDecision(approved=False))
        elif choice == "reason":
            self._edit_reason(True)
        elif choice == "stop":
            self.post_message(self.StopRequested(self))
        else:
            self.post_message(self.Postponed(self))

    def _decide(self, decision: ApprovalDecision) -> None:
        """Take an answer, then ask for the next call or post the decisions."""
        self._decisions.append(decision)
        while len(self._decisions) < len(self._approvals):
            if self._pending.tool_name not in self._always:
                self._on_purpose = True
                self._ask()
                return
            self._decisions.append(ApprovalDecision(approved=True, always=True))
        self.post_message(self.Answered(self, self._branch_id, tuple(self._decisions)))


def _format_arguments(arguments: str) -> str:
    """Return arguments as printable text, indented if they are JSON."""
    try:
        text = json.dumps(decode(arguments), ensure_ascii=False, indent=2) if arguments.strip() else "no arguments"
    except (ValueError, RecursionError):
        text = arguments
    if len(text) > _MAX_ARGUMENTS:
        text = f"{text[:_MAX_ARGUMENTS]}\n… {format_size(len(text) - _MAX_ARGUMENTS)} more, too long to be shown"
    return printable(text)
