"""The editor below the chat: the next message, or the message of a new branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input, TextArea

from tui.model import ForkDraft, View
from tui.painting.pane import set_caption
from tui.painting.stable_scroll import FixedSize
from tui.printable import printable_line
from tui.widgets.composer.approval import TYPING_PAUSE
from tui.widgets.composer.drafts import NEW_SESSION, Destination, Draft, Drafts, destination_of, is_gone
from tui.widgets.composer.editor import MessageEditor
from tui.widgets.composer.history import MessageHistory
from tui.widgets.composer.queued_messages import QueuedMessages
from tui.widgets.format import fit_name
from tui.widgets.message import WidgetMessage

__all__ = ["Composer", "UnsentText"]

_MAX_MODEL_CELLS: Final = 40
"""Maximum width of the model's name."""

_MAX_BRANCH_CELLS: Final = 20
"""Maximum width of a branch's name, beside which a hint has room."""


_GAP: Final = "\n\n"
"""The empty line between two texts."""

NO_MODEL: Final = "No model is set: start with --model or --agent"
"""The reason why no message can be sent."""


class UnsentText(NamedTuple):
    """A text that was written and not sent, and what it is for, in words."""

    destination: str
    text: str


class Composer(Vertical, FixedSize):
    """An editor for a message to the branch, or for the first message and the name of a new branch or session.

    Each branch has a draft for its next message, and each turn at which a fork was prepared has one. A draft is kept
    while another is shown. Up in an empty editor recalls the messages that were sent, until one of them is edited.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=True, id="composer.send"),
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "New line", priority=True, id="composer.newline"),
        Binding("escape", "leave", "Leave", priority=True, id="composer.leave"),
        Binding("escape", "stop", "Stop", priority=True, id="composer.stop"),
        Binding("escape", "answer", "Answer", priority=True, id="composer.answer"),
    ]

    DEFAULT_CSS = """
    Composer {
        height: auto;
        border: round $foreground 30%;
        border-title-color: $text-accent;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        background: $surface;

        &:focus-within { border: round $border; }

        & > MessageEditor {
            height: auto;
            min-height: 1;
            padding: 0 1;
            background: transparent;
            scrollbar-size-vertical: 1;
        }
        & > QueuedMessages {
            display: none;
            height: auto;
            padding: 0 1;
            color: $text-muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & > Input {
            display: none;
            margin: 0 1;
            background: transparent;
            color: $text-accent;
        }
        &.-fork > Input { display: block; }
        &.-queue > QueuedMessages { display: block; }
    }
    """

    view: var[View] = var(View())
    """The view that is shown; a `fork` in it makes the composer the editor of a fork."""

    branch_name: var[str] = var("")
    """The name of the branch of the view in a sentence; empty for its title or id."""

    @dataclass
    class Submitted(WidgetMessage["Composer"]):
        """Posted when the user pressed Enter. The text stays in the editor until it was sent or the fork was made."""

        text: str
        """The text; it may be empty for a fork or session, and while a run waits for an approval."""
        name: str
        """The name of the branch or session to create; empty for a generated one, and for a message to the branch."""
        destination: Destination
        """The branch that was shown, and the turn of a fork."""

    @dataclass
    class LeaveRequested(WidgetMessage["Composer"]):
        """Posted when the user wants to leave the composer."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        self._editor = MessageEditor(self._recall)
        self._queue = QueuedMessages()
        self._name_input = Input(compact=True)
        super().__init__(self._queue, self._editor, id=id)
        self._history = MessageHistory()
        self._destination: Destination | None = None
        self._drafts = Drafts()
        self._initial_draft = Draft()
        self._forked_text = ""
        self._question = ""
        self._escape_action = "leave"

    @property
    def text(self) -> str:
        """The text in the editor."""
        return self._editor.value

    @property
    def unsent_texts(self) -> Sequence[UnsentText]:
        """The texts that were written and not sent, the shown one first, without an unchanged message of a fork."""
        drafts, shown = self._unsent_elsewhere(), self._shown_draft()
        if self._destination is not None and shown not in (self._initial_draft, Draft(self._history.recalled)):
            drafts = [(self._destination, text) for text in [shown.text] if self._is_written(text)] + drafts
        return [UnsentText(self._describe(destination), text) for destination, text in drafts]

    @property
    def takes_text(self) -> bool:
        """True if a text can be written, if not sent."""
        return not self._editor.read_only

    @property
    def refusal(self) -> str:
        """The reason why nothing can be sent; empty if a text can."""
        view = self.view
        return "" if view.is_drafting else _refusal(view) or ("" if view.model else NO_MODEL)

    @property
    def is_typing(self) -> bool:
        """True if the user writes a text, or has pressed a key just now."""
        just_now = monotonic() - self._editor.last_key_at < TYPING_PAUSE
        return self.has_focus_within and (bool(self.text.strip()) or just_now)

    def type(self, text: str) -> None:
        """Insert text that was typed elsewhere, and take the focus at once, because more may follow."""
        self.screen.set_focus(self._editor)
        self._editor.last_key_at = monotonic()
        self._editor.insert(text)

    def focus(self, scroll_visible: bool = True) -> Composer:
        """Focus the editor."""
        self._editor.focus(scroll_visible)
        return self

    def forget_sent(self, destination: Destination, text: str) -> None:
        """Remove a text that was sent from its draft, and add it to the history.

        Text that the user has added after it stays.
        """
        self._history.add(text)
        self._drafts.pop_sent_orphans(text)
        draft = self._draft(destination).text
        if draft.startswith(text):
            self._set_draft(destination, draft.removeprefix(text).lstrip("\n"))
        else:
            # A message that failed meanwhile stands before it.
            before, found, rest = draft.partition(f"{_GAP}{text}")
            if found:
                self._set_draft(destination, f"{before}{_GAP}{rest.lstrip()}" if rest.strip() else before)

    def move_draft(self, fork: Destination, text: str, branch: Destination) -> None:
        """Make the text of a fork the draft of the branch that was made, with what was typed after it."""
        typed = self._draft(fork).text
        if fork == self._destination:
            self._load(self._initial_draft, self._initial_draft)
        self._drafts.pop(fork)
        self._put_before(branch, typed if typed.startswith(text) else text)

    def restore_unsent(self, destination: Destination, text: str) -> None:
        """Put a message that was not sent before the draft of its branch, unless it is that draft."""
        if destination == self._destination and self.is_typing and text != self.text:
            # What is typed next must not become a part of it.
            self._set_draft(destination, f"{text}{_GAP}{self.text}")
            self._question = "A message that was not sent stands above yours: Enter again sends both."
        else:
            self._put_before(destination, text)

    # Following the view

    def watch_view(self, old: View, view: View) -> None:
        """Show the draft for the view, and either the effect of Enter or the reason why nothing can be written."""
        destination, before = destination_of(view), self._destination
        if destination != before:
            carried = self._question = ""
            if before is not None and (draft := self._shown_draft()) != self._initial_draft:
                is_lost = is_gone(before, view) and not is_gone(before, old)
                if is_lost and self.is_typing and draft.text.strip() and destination is not None:
                    # The user may go on typing, so the beginning comes along.
                    carried = draft.text
                else:
                    self._drafts.put(before, draft)
            self._destination = destination
            # First, because a read-only text area does not move its cursor.
            self._update_labels(view)
            initial = Draft() if view.fork is None else Draft(view.fork.text)
            self._forked_text = initial.text or self._forked_text
            kept = None if destination is None else self._drafts.pop(destination)
            self._load(initial, kept or initial)
            if carried and destination is not None:
                name = self._shown_name(view, view.branch_id)
                self._question = f"The branch of your text is gone: Enter again sends it to {name}."
                self._set_draft(destination, _GAP.join(filter(None, (self.text, carried))))
        for text in self._drafts.find_orphans(view):
            self._history.add(text)
        self._update_labels(view)

    def watch_branch_name(self) -> None:
        self._update_labels(self.view)

    # Drafts

    def _shown_draft(self) -> Draft:
        return Draft(self._editor.value, self._name_input.value)

    def _draft(self, destination: Destination) -> Draft:
        """Return the draft for a destination, also the shown one."""
        return self._shown_draft() if destination == self._destination else self._drafts.get(destination)

    def _set_draft(self, destination: Destination, text: str) -> None:
        if destination == self._destination:
            self._load(Draft(), Draft(text))
        elif text:
            self._drafts.put(destination, Draft(text))
        else:
            self._drafts.pop(destination)

    def _unsent_elsewhere(self) -> list[tuple[Destination, str]]:
        return [(destination, draft.text) for destination, draft in self._drafts if self._is_written(draft.text)]

    def _is_written(self, text: str) -> bool:
        """Return whether a text is more than the message from which a fork started."""
        return bool(text.strip()) and text != self._forked_text

    def _put_before(self, destination: Destination, text: str) -> None:
        parts = dict.fromkeys((text, self._draft(destination).text))
        if text.strip():
            self._set_draft(destination, _GAP.join(part for part in parts if part.strip()))

    def _describe(self, destination: Destination) -> str:
        """Return in words what a text is for."""
        if destination == NEW_SESSION:
            return "a new session"
        session_id, branch_id, fork_turn = destination
        session = self.view.session
        if session is None or session.session_id != session_id:
            names = branch_id, self.view.session_name(session_id)
            words = " of ".join(fit_name(name, _MAX_BRANCH_CELLS) for name in names)
        else:
            words = self._shown_name(self.view, branch_id)
        gone = " (gone)" if is_gone(destination, self.view) else ""
        return f"a fork of {words}{gone} at turn {fork_turn}" if fork_turn else f"{words}{gone}"

    def _load(self, initial: Draft, draft: Draft) -> None:
        self._initial_draft = initial
        self._editor.load(draft.text)
        self._name_input.value = draft.name

    def _update_labels(self, view: View) -> None:
        drafting, refusal = view.is_drafting, _refusal(view)
        if drafting and not self._name_input.is_attached:
            self.mount(self._name_input)
        run = view.runs.get(view.branch_id)
        queued = () if run is None else run.queued
        self.set_class(drafting, "-fork")
        self._name_input.placeholder = (
            f"Tab: session id ({printable_line(view.new_session)} if empty)"
            if view.new_session
            else "Tab: branch name (made for you if empty)"
        )
        self.set_class(bool(queued), "-queue")
        self._queue.show(queued)
        self._editor.rows_around = self.gutter.height + int(drafting) + self._queue.rows
        self._editor.read_only = bool(refusal)
        self._editor.show_cursor = not refusal
        self._update_captions()
        escape_action = "leave" if drafting or run is None else "answer" if run.approvals else "stop"
        if escape_action != self._escape_action:
            self._escape_action = escape_action
            self.refresh_bindings()
        first = f"First message of the new {'session' if view.new_session else 'branch'}"
        placeholder = first if drafting else self._message_placeholder(view)
        self._editor.placeholder = Content(refusal or placeholder)

    @on(TextArea.Changed)
    def _update_captions(self) -> None:
        """Name the effect of Enter in the borders: a text hides the placeholder, and the draft follows the view."""
        view = self.view
        if view.fork is not None:
            set_caption(self, *self._fork_captions(view, view.fork))
            return
        if view.new_session:
            set_caption(self, "New session", "Enter begins it and sends · Esc leaves")
            return
        has_text, refusal = self._editor.document.end != (0, 0), _refusal(view)
        if not has_text:
            self._question = ""
        title = (
            f"Message to {self._shown_name(view, view.branch_id)}" if has_text and view.model and not refusal else ""
        )
        if elsewhere := ", ".join(self._describe(destination) for destination, _ in self._unsent_elsewhere()):
            title = f"{title} · unsent: {elsewhere}" if title else f"Unsent text elsewhere: {elsewhere}"
        run = view.runs.get(view.branch_id)
        if run is not None and run.approvals:
            set_caption(self, title, "A tool call needs approval · Esc answers")
        else:
            set_caption(self, title, fit_name(view.model, _MAX_MODEL_CELLS) if view.model and not refusal else "")

    def _fork_captions(self, view: View, fork: ForkDraft) -> tuple[str, str]:
        """Return the title and subtitle of the composer while a fork is prepared."""
        action = f"Fork from turn {fork.turn}" if fork.text else f"New branch after turn {fork.turn - 1}"
        return (
            f"{action} · {self._shown_name(view, fork.branch_id)} stays as it is",
            f"Enter makes the branch{' and sends' if view.model else ''} · Esc leaves",
        )

    def _message_placeholder(self, view: View) -> str:
        if not view.model:
            return NO_MODEL
        enter = "queues it" if view.branch_id in view.runs else "to send"
        return f"Message to {self._shown_name(view, view.branch_id)} · Enter {enter}"

    def _shown_name(self, view: View, branch_id: str) -> str:
        """Return the name of a branch, shortened."""
        branch = view.tree.branches.get(branch_id)
        name = branch_id if branch is None else branch.readable_name
        if branch_id == view.branch_id:
            name = self.branch_name or name
        if name.startswith("“"):
            return f"“{fit_name(name[1:-1], _MAX_BRANCH_CELLS - 2)}”"
        return fit_name(name, _MAX_BRANCH_CELLS)

    # Sending and leaving

    def action_send(self) -> None:
        """Submit the text."""
        self._after_typed_keys(self._submit)

    def action_newline(self) -> None:
        """Begin a new line."""
        self._after_typed_keys(self._break_line)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Let Esc answer a pending approval, else stop the run of the branch, else leave."""
        return action not in ("leave", "stop", "answer") or action == self._escape_action

    def action_stop(self) -> None:
        """Ask to stop the run."""
        self.action_leave()

    def action_answer(self) -> None:
        """Ask for the approval that the run waits for."""
        self.action_leave()

    def action_leave(self) -> None:
        """Ask to leave the composer."""
        self._after_typed_keys(lambda: self.post_message(self.LeaveRequested(self)))

    def _after_typed_keys(self, action: Callable[[], object]) -> None:
        """Call an action after the input has received the keys typed before; a binding is run before them."""
        (self._name_input if self._name_input.has_focus else self._editor).call_later(action)

    def _submit(self) -> None:
        if self._editor.read_only:
            return
        run = self.view.runs.get(self.view.branch_id)
        if self._question and self.text.strip():
            self.notify(printable_line(self._question), severity="warning", markup=False)
            self._question = ""
            return
        drafting = self.view.is_drafting
        # With an empty editor, Enter answers a run that waits for approval.
        if self._destination is not None and (drafting or self.text.strip() or (run is not None and run.approvals)):
            name = self._name_input.value.strip() if drafting else ""
            self.post_message(self.Submitted(self, self.text, name, self._destination))

    def _break_line(self) -> None:
        if self._editor.has_focus and not self._editor.read_only:
            self._editor.replace("\n", *self._editor.selection, maintain_selection_offset=False)

    def _recall(self, step: int) -> bool:
        """Show the message sent before (-1) or after (1) the recalled message, unless the text was edited.

        Returns:
            Whether the key has been handled.
        """
        if self._editor.read_only or self.text != self._history.recalled:
            self._history.reset()
            if self.text or self._editor.read_only:
                return False
        if not self._history.step(step):
            return bool(self.text)
        self._editor.load(self._history.recalled)
        return True


def _refusal(view: View) -> str:
    """Return the reason why nothing can be written; empty if the user can write."""
    if not view.writable:
        return "Read-only: nothing can be sent or forked"
    if view.session is None and not view.new_session:
        return "No session to write to" + (": S begins one" if view.model else "")
    return ""
