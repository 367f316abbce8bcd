"""The list of what was done to the file, from which it is undone and done again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from tui.errors import ConvoError
from tui.model import EntryState, JournalEntry
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal
from tui.widgets.lists.choices import Choices

__all__ = ["HistoryActions", "UndoHistory"]

_STATES = {EntryState.DONE: "", EntryState.UNDONE: "undone", EntryState.PERMANENT: "kept"}


class HistoryActions(NamedTuple):
    """What the list asks for.

    Attributes:
        entries: Reads the list.
        undo_or_redo: Undoes all entries back to one that is done, or redoes all up to one that is undone.
        keep: Lets an entry hold for good.
        empty_trash: Lets all entries hold for good.
    """

    entries: Callable[[], Awaitable[Sequence[JournalEntry]]]
    undo_or_redo: Callable[[JournalEntry], Awaitable[None]]
    keep: Callable[[int], Awaitable[None]]
    empty_trash: Callable[[], Awaitable[None]]


class UndoHistory(Modal[None]):
    """What was done, the newest first; it stays open, so that one sees what undoing does behind it."""

    LINES = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,ctrl+n", "move(1)", "Next", show=False),
        Binding("up,k,ctrl+p", "move(-1)", "Previous", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("enter", "turn_over", "Undo or do again"),
        Binding("K", "keep", "Keep"),
        Binding("E", "empty_trash", "Empty the trash"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | down, j | Next entry. |
    | up, k | Entry before. |
    | pagedown, pageup | A page further or back. |
    | enter | Undo all back to this entry, or do all up to it again. |
    | K | Keep what this entry did: undoing passes it over. |
    | E, E | Empty the trash: all that was done holds for good. |
    | escape | Leave. |
    """

    DEFAULT_CSS = """
    UndoHistory {
        .history--preview { height: auto; max-height: 3; margin: 0 2; }
        .history--preview.-failed { color: $text-error; }
        &.-tall Choices { margin: 1 0; }
    }
    """

    def __init__(self, entries: Sequence[JournalEntry], deeds: HistoryActions) -> None:
        """Make the list.

        Args:
            entries: What was done, the newest first.
            deeds: What reads and changes it.
        """
        self._list = Choices([], [], None)
        super().__init__(self._list)
        self._entries = tuple(entries)
        self._deeds = deeds
        self._title = Static("What was done", classes="modal--title", markup=False)
        self._preview = Static(classes="history--preview")
        self._hint = Static(classes="modal--hint", markup=False)
        self._emptying = False
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._title
            yield self._list
            yield self._preview
            yield self._hint

    def on_mount(self) -> None:
        self._show_entries()

    def _show_entries(self) -> None:
        now = datetime.now(UTC)
        self._list.show([_row(entry) for entry in self._entries], [_detail(entry, now) for entry in self._entries])
        self._explain()

    @property
    def _entry(self) -> JournalEntry | None:
        place = self._list.place
        return self._entries[place] if place is not None and self._entries else None

    def _meant(self) -> tuple[JournalEntry, ...]:
        """What Enter would turn over."""
        entry = self._entry
        if entry is None or entry.state is EntryState.PERMANENT:
            return ()
        undoing = entry.state is EntryState.DONE
        return tuple(
            other
            for other in self._entries
            if other.state is entry.state and (other.id >= entry.id if undoing else other.id <= entry.id)
        )

    def _explain(self) -> None:
        self._preview.remove_class("-failed")
        entry, meant = self._entry, self._meant()
        size = sum(other.kept_bytes for other in self._entries)
        if entry is None:
            text = "Nothing was done yet."
        elif not meant:
            text = "It holds for good."
        else:
            verb = "undoes" if entry.state is EntryState.DONE else "does again"
            words = "; ".join(other.description for other in meant[:3])
            more = f" and {len(meant) - 3} more" if len(meant) > 3 else ""
            text = f"Enter {verb} {len(meant)}: {words}{more}."
        self._preview.update(Content(printable_line(text)))
        self._title.update(f"What was done · {_bytes(size)} in the trash" if size else "What was done")
        self._hint.update(
            f"E again: all {len(self._entries)} hold for good, {_bytes(size)} are free"
            if self._emptying
            else "Enter turns over · K keeps · E empties the trash · Esc"
        )

    def action_move(self, by: int) -> None:
        """Move the cursor by so many lines."""
        self._list.move(by)
        self._look()

    def action_move_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self._list.move_page(by)
        self._look()

    def _look(self) -> None:
        self._emptying = False
        self._explain()

    @on(Choices.Picked)
    def _point(self, event: Choices.Picked) -> None:
        event.stop()
        self._list.cursor = event.place
        self._look()

    def action_turn_over(self) -> None:
        """Undo all back to this entry, or do all up to it again."""
        entry = self._entry
        if entry is not None and self._meant():
            self._change(lambda: self._deeds.undo_or_redo(entry))

    def action_keep(self) -> None:
        """Let this entry hold for good."""
        entry = self._entry
        if entry is not None and entry.state is EntryState.DONE:
            self._change(lambda: self._deeds.keep(entry.id))

    def action_empty_trash(self) -> None:
        """Let all hold for good, when asked twice."""
        if not self._emptying:
            self._emptying = bool(self._entries)
            self._explain()
        else:
            self._change(self._deeds.empty_trash)

    def _change(self, change: Callable[[], Awaitable[None]]) -> None:
        async def tried() -> None:
            try:
                await change()
                self._entries = tuple(await self._deeds.entries())
            except ConvoError as error:
                self._preview.update(Content(printable_line(f"{error} {error.hint}".strip())))
                self._preview.add_class("-failed")
            else:
                self._emptying = False
                self._show_entries()
            finally:
                self._busy = False

        if not self._busy:
            self._busy = True
            _: Worker[None] = self.run_worker(tried)


def _row(entry: JournalEntry) -> Content:
    words = Content(entry.description)
    return words.stylize("dim") if entry.state is not EntryState.DONE else words


def _detail(entry: JournalEntry, now: datetime) -> str:
    try:
        at = datetime.fromisoformat(entry.created_at).replace(tzinfo=UTC).astimezone()
    except ValueError:
        return _STATES[entry.state]
    when = at.strftime("%H:%M" if at.date() == now.astimezone().date() else "%Y-%m-%d %H:%M")
    return f"{_STATES[entry.state]} {entry.session_id} {when}".strip()


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size = round(size / 1000)
    return f"{size:,} GB"
