"""The dialog that lists the changes to the file, and undoes and redoes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static
from textual.worker import Worker

from tui.errors import ConvoError
from tui.model import EntryState, JournalEntry, Origin
from tui.printable import printable_line
from tui.render import format_size
from tui.screens.dialogs.list_modal import ListModal
from tui.screens.dialogs.modal import hint
from tui.widgets.format import format_time
from tui.widgets.lists.choices import Choice, ChoiceList
from tui.words import plural

__all__ = ["HistoryActions", "UndoHistory"]

_STATES: Final = {EntryState.DONE: "", EntryState.UNDONE: "undone", EntryState.PERMANENT: "permanent"}

_ORIGINS: Final = {Origin.HERE: "", Origin.EARLIER: "earlier ", Origin.ELSEWHERE: "elsewhere "}

_MAX_NAMES: Final = 3
"""Changes that the preview of Enter describes."""

_MAX_PREVIEW_WIDTH: Final = 96
"""Cells of the preview in the widest dialog."""

_HINT: Final = hint(
    ("P makes permanent", "make_permanent"),
    ("E empties trash", "empty_trash"),
    ("Esc closes", "close"),
)
_EMPTY_HINT: Final = hint(("Esc closes", "close"))
_CONFIRM_HINT: Final = hint(("y yes, for ever", "confirm"), ("n no", "keep"))


class HistoryActions(NamedTuple):
    """The functions that read and change the history.

    Attributes:
        entries: Reads the entries, the newest first.
        undo_or_redo: Undoes all entries back to the given one, or redoes all up to it if it is undone.
        make_permanent: Makes the entry with an id permanent.
        empty_trash: Makes all entries permanent.
    """

    entries: Callable[[], Awaitable[Sequence[JournalEntry]]]
    undo_or_redo: Callable[[JournalEntry], Awaitable[None]]
    make_permanent: Callable[[int], Awaitable[None]]
    empty_trash: Callable[[], Awaitable[None]]


class UndoHistory(ListModal[None]):
    """The changes, the newest first; the dialog stays open after an undo, whose effect is seen behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Next", show=False),
        Binding("k", "move(-1)", "Previous", show=False),
        Binding("enter", "undo_or_redo", "Undo or redo"),
        Binding("P", "make_permanent", "Make permanent"),
        Binding("E", "empty_trash", "Empty the trash"),
        Binding("y", "confirm", "Yes"),
        Binding("n", "keep", "No"),
    ]

    DEFAULT_CSS = """
    UndoHistory {
        .history--preview { height: auto; margin: 0 2; }
        .history--preview { link-color: $foreground; link-style: none; }
        .history--preview.-failed { color: $text-error; }
        &.-tall ChoiceList { margin: 1 0; }
    }
    """

    _list: ChoiceList

    def __init__(self, entries: Sequence[JournalEntry], actions: HistoryActions) -> None:
        self._preview = Static(classes="history--preview", markup=False)
        super().__init__("Changes", ChoiceList(), _HINT, below=[self._preview])
        # The preview may take two lines.
        self._lines_beside_body += 1
        self._entries = tuple(entries)
        self._actions = actions
        self._asked: tuple[str, Callable[[], Awaitable[None]]] | None = None
        self._busy = False

    def on_mount(self) -> None:
        self._show_entries()

    def _show_entries(self) -> None:
        choices = [Choice(str(entry.id), _label(entry), _detail(entry)) for entry in self._entries]
        self._list.show(choices, empty="no changes")
        self._show_preview()

    def _update_preview(self, text: Content) -> None:
        self._preview.update(text)
        self.fit(self.size)

    def fit(self, size: Size) -> None:
        """Give the preview the lines that it needs, up to a third of the dialog."""
        lines = self._preview.get_content_height(size, size, min(size.width - 4, _MAX_PREVIEW_WIDTH))
        limit = max(size.height // 4, 3)
        self._preview.styles.max_height = limit
        self._wrapped_lines = max(0, min(lines, limit) - 2)
        super().fit(size)

    @property
    def _highlighted(self) -> JournalEntry | None:
        index = self._list.highlighted
        return self._entries[index] if index is not None else None

    def _affected(self) -> list[JournalEntry]:
        """Return the entries that Enter would undo or redo."""
        entry, index = self._highlighted, self._list.highlighted
        if entry is None or index is None or entry.state is EntryState.PERMANENT:
            return []
        others = self._entries[: index + 1] if entry.state is EntryState.DONE else self._entries[index:]
        return [other for other in others if other.state is entry.state]

    def _show_preview(self) -> None:
        """Describe the effect of Enter, or ask the question that `y` answers."""
        entry, affected = self._highlighted, self._affected()
        kept_bytes = sum(other.kept_bytes for other in self._entries)
        if self._asked is not None:
            text = self._asked[0]
        elif entry is None:
            text = ""
        elif not affected:
            text = "Permanent: it cannot be undone."
        else:
            verb = "undoes" if entry.state is EntryState.DONE else "redoes"
            named = "; ".join(other.readable_description for other in affected[:_MAX_NAMES])
            more = f" and {len(affected) - _MAX_NAMES} more" if len(affected) > _MAX_NAMES else ""
            text = f"Enter {verb} {plural(len(affected), 'change')}: {named}{more}"
        self._preview.remove_class("-failed")
        self._update_preview(hint((printable_line(text), "undo_or_redo")))
        self._count.update(f"{format_size(kept_bytes)} in the trash" if kept_bytes else "")
        self._hint.update(_CONFIRM_HINT if self._asked is not None else _HINT if self._entries else _EMPTY_HINT)

    @on(ChoiceList.OptionHighlighted)
    def _move_highlight(self) -> None:
        self.action_keep()

    def action_undo_or_redo(self) -> None:
        """Undo all changes back to this one, or redo all up to it."""
        entry = self._highlighted
        if entry is not None and self._affected() and self._asked is None:
            self._change(lambda: self._actions.undo_or_redo(entry))

    def action_make_permanent(self) -> None:
        """Ask whether to make this change permanent, so that it cannot be undone."""
        entry = self._highlighted
        if entry is not None and entry.state is EntryState.DONE:
            question = f"Make “{entry.readable_description}” permanent, and free {format_size(entry.kept_bytes)}?"
            self._ask(question, lambda: self._actions.make_permanent(entry.id))

    def action_empty_trash(self) -> None:
        """Ask whether to make all changes permanent."""
        if self._entries:
            freed = format_size(sum(entry.kept_bytes for entry in self._entries))
            question = f"Make {plural(len(self._entries), 'change')} permanent, and free {freed}?"
            self._ask(question, self._actions.empty_trash)

    def action_confirm(self) -> None:
        """Make the change for which the dialog asks."""
        if self._asked is not None:
            self._change(self._asked[1])

    def action_keep(self) -> None:
        """Do not make the change for which the dialog asks."""
        self._asked = None
        self._show_preview()

    def action_close(self) -> None:
        """Close, or answer the question with no."""
        if self._asked is not None:
            self.action_keep()
        else:
            super().action_close()

    def _ask(self, question: str, change: Callable[[], Awaitable[None]]) -> None:
        self._asked = f"{question} It cannot be undone.", change
        self._show_preview()

    def _change(self, change: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await change()
                self._entries = tuple(await self._actions.entries())
            except ConvoError as error:
                self._update_preview(Content(printable_line(error.full_message)))
                self._preview.add_class("-failed")
            else:
                self._asked = None
                self._show_entries()
            finally:
                self._busy = False

        if not self._busy:
            self._busy = True
            _: Worker[None] = self.run_worker(run)


def _label(entry: JournalEntry) -> Content:
    return Content.styled(entry.readable_description, "$foreground-muted" if entry.state is not EntryState.DONE else "")


def _detail(entry: JournalEntry) -> str:
    # Where there is not room for all, the last one stays.
    parts = f"{_ORIGINS[entry.origin]}{entry.session_id}", format_time(entry.created_at), _STATES[entry.state]
    return " · ".join(filter(None, parts))
