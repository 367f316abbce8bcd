"""The editor below the chat: the next message, or the message from which a new branch starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widgets import Input, Static, TextArea
from textual.widgets.text_area import Edit, EditResult

from tui.model import View
from tui.painting.deferred_refresh import SuspendableRefresh
from tui.painting.pane import caption
from tui.painting.stable_scroll import FixedSize
from tui.printable import printable_line
from tui.widgets.composer.long_texts import LongTexts
from tui.widgets.format import fit_name

__all__ = ["Composer"]

_UNSEEN = re.compile(r"\r(?!\n)|[^\r\n\t\x20-\x7e]")
"""What `printable_line` may show as something else."""

_WRITTEN = {"minus": "-", "plus": "+", "slash": "/", "underscore": "_"}
"""What keys write whose names are not those of their characters, so that Textual does not know it."""


_QUEUED_SHOWN = 3
_QUEUED_READ = 300
_MODEL = 40
"""Cells of the model's name, at most."""


class _Target(NamedTuple):
    """Where a fork that is being prepared parts."""

    session_id: str
    branch_id: str
    turn: int


class _Draft(NamedTuple):
    """What the user has written."""

    text: str = ""
    name: str = ""


class _Submission(NamedTuple):
    """What the user wanted to be sent."""

    target: _Target | None
    text: str


class _Editor(TextArea, SuspendableRefresh):
    """A text area whose text may hold control characters, which are shown and never reach the terminal.

    A few words stand for a long text that is pasted or loaded; it is taken out, or sent, as a whole.

    Args:
        recall: Called when the cursor is to go up (-1) or down (1); whether that has shown another message instead.
    """

    def __init__(self, recall: Callable[[int], bool]) -> None:
        super().__init__(compact=True, highlight_cursor_line=False)
        self._recall = recall
        self._stands_for: dict[int, str] = {}
        self._long_texts = LongTexts()
        self._loaded = ("", "")
        self.rows_around = 0
        """Rows of the composer besides these."""

    @property
    def value(self) -> str:
        """The text with the control characters that it was given, and long texts in full."""
        shown, original = self._loaded
        if self.text == shown:
            return original
        return self._long_texts.expand(self.text, lambda text: text.translate(self._stands_for))

    def render_line(self, y: int) -> Strip:
        """Draw a row. Where there is no cell for it, Textual would wrap its placeholder to none, and fail."""
        return super().render_line(y) if self.content_size.width else Strip.blank(0)

    def load(self, text: str) -> None:
        """Replace the text and put the cursor behind it."""
        self._stands_for.clear()
        self._long_texts.clear()
        self.load_text(self._long_texts.stand_in(text) or self._show(text, ""))
        self._loaded = self.text, text
        self.move_cursor(self.document.end)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the text has, in a third of the screen at most."""
        return min(super().get_content_height(container, viewport, width), viewport.height // 3 - self.rows_around)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Whether a key writes something here, so that the footer offers no command for it."""
        return super().check_consume_key(key, _WRITTEN.get(key, character))

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up, or to the message sent before."""
        if select or not self._recall(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down, or to the message sent after."""
        if select or not self._recall(1):
            super().action_cursor_down(select)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.call_after_refresh(self.scroll_cursor_visible)

    def edit(self, edit: Edit) -> EditResult:
        """Perform an edit, as typing and pasting do."""
        edit.text = self._long_texts.stand_in(edit.text) or self._show(edit.text, self.text)
        self._spare_long_texts(edit)
        return super().edit(edit)

    def _spare_long_texts(self, edit: Edit) -> None:
        """Let an edit that would take a part of what stands for a long text take all of it, and write behind it."""
        start, end = sorted((edit.from_location, edit.to_location))
        begun = self._long_texts.around(self.document.get_line(start[0]), start[1])
        ended = self._long_texts.around(self.document.get_line(end[0]), end[1])
        if begun is not None and start == end:
            edit.from_location = edit.to_location = start[0], begun[1]
        elif begun is not None or ended is not None:
            edit.from_location = start if begun is None else (start[0], begun[0])
            edit.to_location = end if ended is None else (end[0], ended[1])

    def _show(self, text: str, beside: str) -> str:
        """Put a picture in place of each control character, and remember which, where the picture tells."""

        def picture(match: re.Match[str]) -> str:
            shown = printable_line(match[0])
            if shown != match[0] and shown not in text and (ord(shown) in self._stands_for or shown not in beside):
                self._stands_for.setdefault(ord(shown), match[0])
            return shown

        return _UNSEEN.sub(picture, text)


class Composer(Vertical, FixedSize):
    """Where the user writes: a message to the branch, or, while a fork is prepared, its first message and its name.

    What was written is kept when the mode changes: one draft of a message, and one for each turn to fork from. Up in
    an empty editor brings back the messages that were sent, until one of them is edited.

    Args:
        id: Id of the widget.
        classes: Its CSS classes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=True, id="composer.send"),
        Binding("shift+enter,ctrl+j", "newline", "New line", priority=True, id="composer.newline"),
        Binding("escape", "leave", "Leave", priority=True, id="composer.leave"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | enter | Send the message, or make the branch. |
    | shift+enter, ctrl+j | Begin a new line. |
    | escape | Leave; what was written stays. |
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        border: round $foreground 30%;
        border-title-color: $text-accent;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        background: $surface;

        &:focus-within { border: round $border; }

        & > TextArea {
            height: auto;
            min-height: 1;
            padding: 0 1;
            background: transparent;
            scrollbar-size-vertical: 1;
        }
        & > Static {
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
        &.-queue > Static { display: block; }
    }
    """

    view: var[View] = var(View())
    """What is shown; `fork` in it turns the composer into the fork editor."""

    @dataclass
    class Submitted(Message):
        """The user wants the text to be sent, or the branch to be made. The text stays until `sent` or `keep`.

        Attributes:
            text: What was written; empty in the fork editor, and where a run waits for leave.
            name: Name of the branch to be made; empty for one that is made up, and outside of the fork editor.
        """

        text: str
        name: str

    @dataclass
    class Left(Message):
        """The user wants to leave the composer."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self._editor = _Editor(self._recall)
        self._queue = Static()
        self._branch_name = Input(placeholder="branch name (made for you if empty)", compact=True)
        super().__init__(self._queue, self._editor, id=id, classes=classes)
        self._target: _Target | None = None
        self._drafts: dict[_Target | None, _Draft] = {}
        self._given = _Draft()
        self._submitted: _Submission | None = None
        self._history: list[str] = []
        self._recalled = 0
        self._queued: Sequence[str] = ()

    @property
    def text(self) -> str:
        """What is written now."""
        return self._editor.value

    def sent(self) -> None:
        """Take in that what was submitted or kept last has been accepted: it leaves the editor and can be recalled.

        What was written behind it stays.
        """
        if self._submitted is None:
            return
        target, text = self._submitted
        self._submitted = None
        if text.strip() and self._history[-1:] != [text]:
            self._history.append(text)
        self._recalled = len(self._history)
        before = _Draft(self.text) if target == self._target else self._drafts.pop(target, _Draft())
        left = _Draft(before.text.removeprefix(text).lstrip("\n"))
        if target == self._target:
            self._load(_Draft(), left)
        elif target is None:
            self._drafts[None] = left

    def keep(self, text: str) -> None:
        """Make a text the draft of the next message: that of a fork which was just made, while it cannot be sent.

        A draft that was there before follows it.
        """
        if self._submitted is not None and self._submitted.target is not None:
            self._drafts.pop(self._submitted.target, None)
        self._submitted = _Submission(None, text)
        before = self.text if self._target is None else self._drafts.get(None, _Draft()).text
        kept = "\n\n".join(part for part in dict.fromkeys((text, before)) if part.strip())
        if self._target is None:
            self._load(_Draft(), _Draft(kept))
        else:
            self._drafts[None] = _Draft(kept)

    def focus(self, scroll_visible: bool = True) -> Composer:
        """Give the focus to the editor."""
        self._editor.focus(scroll_visible)
        return self

    def watch_view(self, view: View) -> None:
        """Turn into the fork editor, or back; say what Enter will do, or why it will do nothing."""
        fork = view.fork
        target = None
        if fork is not None:
            target = _Target(view.session.session_id if view.session is not None else "", fork.branch_id, fork.turn)
        if target == self._target:
            self._describe(view)
            return
        self._put_away()
        self._target = target
        # First, because a text area that only shows moves no cursor.
        self._describe(view)
        given = _Draft(fork.text) if fork is not None else _Draft()
        self._load(given, self._drafts.get(target, given))

    def _put_away(self) -> None:
        """Remember what is written for when this mode comes back."""
        draft = _Draft(self._editor.value, self._branch_name.value)
        if draft == self._given:
            self._drafts.pop(self._target, None)
        else:
            self._drafts[self._target] = draft

    def _load(self, given: _Draft, draft: _Draft) -> None:
        self._given = given
        self._editor.load(draft.text)
        self._branch_name.value = draft.name

    def _describe(self, view: View) -> None:
        fork, refusal = view.fork, _refusal(view)
        if fork is not None and not self._branch_name.is_attached:
            self.mount(self._branch_name)
        run = view.runs.get(view.branch_id)
        queued = () if run is None else run.queued
        self.set_class(fork is not None, "-fork")
        self.set_class(bool(queued), "-queue")
        self._show_queue(queued)
        self._editor.rows_around = self.gutter.height + (0 if fork is None else 1) + _queue_height(queued)
        self._editor.read_only = bool(refusal)
        self._editor.show_cursor = not refusal
        if fork is None:
            caption(self, "", fit_name(view.model, _MODEL) if view.model and not refusal else "")
            hint = refusal or _invitation(view)
        else:
            branch = view.tree.branches.get(fork.branch_id)
            after = branch is not None and fork.turn > branch.turns
            what = f"New branch after turn {fork.turn - 1}" if after else f"Fork from turn {fork.turn}"
            sends = " and sends" if view.model else ""
            caption(
                self,
                f"{what} · {printable_line(fork.branch_id)} stays as it is",
                f"Enter makes the branch{sends} · Esc leaves",
            )
            hint = refusal or "First message of the new branch"
        self._editor.placeholder = Content(hint)

    def _show_queue(self, queued: Sequence[str]) -> None:
        if queued == self._queued:
            return
        self._queued = queued
        more = len(queued) - _QUEUED_SHOWN
        lines = [f"queued  {printable_line(_folded(text))}" for text in queued[:_QUEUED_SHOWN]]
        self._queue.update(Content("\n".join([*lines, f"        and {more} more"] if more > 0 else lines)))

    def _recall(self, step: int) -> bool:
        """Show a message sent before or after the shown one, if the editor is empty or shows one; whether it did."""
        shown = self._history[self._recalled] if self._recalled < len(self._history) else ""
        if self._editor.read_only or self.text != shown:
            self._recalled = len(self._history)
            if self.text or self._editor.read_only:
                return False
        if not 0 <= self._recalled + step <= len(self._history):
            return bool(self.text)
        self._recalled += step
        self._editor.load(self._history[self._recalled] if self._recalled < len(self._history) else "")
        return True

    def action_send(self) -> None:
        """Hand the text on."""
        self._in_turn(self._send)

    def action_newline(self) -> None:
        """Begin a new line."""
        self._in_turn(self._break_line)

    def _in_turn(self, step: Callable[[], object]) -> None:
        """Take a step once the keys that were pressed before it have become text: bindings overtake them."""
        (self._branch_name if self._branch_name.has_focus else self._editor).call_later(step)

    def _send(self) -> None:
        if self._editor.read_only:
            return
        run = self.view.runs.get(self.view.branch_id)
        # With nothing written, Enter answers what a run waits for.
        if self._target is not None or self.text.strip() or (run is not None and run.approvals):
            self._submitted = _Submission(self._target, self.text)
            self.post_message(
                self.Submitted(self.text, self._branch_name.value.strip() if self._target is not None else "")
            )

    def _break_line(self) -> None:
        if self._editor.has_focus and not self._editor.read_only:
            self._editor.replace("\n", *self._editor.selection, maintain_selection_offset=False)

    def action_leave(self) -> None:
        """Leave."""
        self._in_turn(lambda: self.post_message(self.Left()))


def _invitation(view: View) -> str:
    """What the next message will come to."""
    if not view.model:
        return "No model is set: start with --model or --agent"
    then = "queues it" if view.branch_id in view.runs else "to send"
    return f"Message to {printable_line(view.branch_id)} · Enter {then}"


def _queue_height(queued: Sequence[str]) -> int:
    return min(len(queued), _QUEUED_SHOWN + 1)


def _folded(text: str) -> str:
    """The beginning of a message on one line."""
    return " ".join(text[:_QUEUED_READ].split())


def _refusal(view: View) -> str:
    """Why nothing can be written; empty where it can."""
    if view.session is None:
        return "No session to write to"
    if not view.writable:
        return "Read-only: nothing can be sent or forked"
    if view.session.plain:
        return "Read-only: a plain session has no branches yet"
    return ""
