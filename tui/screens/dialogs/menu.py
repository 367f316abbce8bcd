"""The menu of what is under the cursor: a small dialog beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.geometry import Offset, Size

from tui.screens.dialogs.modal import Modal
from tui.widgets.lists.sections import Row, SectionList

__all__ = ["Menu", "MenuEntry"]

_WIDTH: Final = 40
_MIN_HEIGHT: Final = 14
_OWN_KEYS: Final = ("up", "down", "pageup", "pagedown", "enter", "space", "escape")
"""Keys that never choose an entry by being its key."""

_FRAME_LINES: Final = 5
"""Lines of the border, of the title, and of the two lines of help."""


class MenuEntry(NamedTuple):
    """A command in a menu.

    Attributes:
        section: The heading above it: what it applies to. The title of the menu is that of the first one.
        keys: Textual's names of its keys, which choose it.
        label: The keys as they are shown.
        help: A sentence about it, which is shown while it is highlighted.
    """

    section: str
    title: str
    keys: tuple[str, ...]
    label: str
    help: str


class Menu(Modal[int | None]):
    """A list of commands, chosen with arrows and Enter, the mouse, or their own keys; returns the entry's index."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("up,k", "move(-1)", "Previous", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("enter", "choose", "Run", show=False),
        Binding("space,q", "close", "Close", show=False),
    ]

    DEFAULT_CSS = """
    Menu {
        align: left top;
        & > Vertical { border: round $primary; padding: 0; }
        .modal--title { margin: 0 2; color: $text-accent; }
        .modal--hint { height: 2; margin: 0 2; text-wrap: wrap; }
        SectionList { height: auto; }
    }
    """

    def __init__(self, entries: Sequence[MenuEntry], beside: Offset) -> None:
        """Create the menu.

        Args:
            entries: At least one; their sections may contain untrusted text.
            beside: The cell of the screen beside which it opens, if there is room.
        """
        self._list = SectionList()
        super().__init__(entries[0].section, self._list, " ")
        self._entries = entries
        self._beside = beside
        self._keys: Mapping[str, int] = {
            key: index for index, entry in enumerate(entries) for key in entry.keys if key not in _OWN_KEYS
        }

    def on_mount(self) -> None:
        first = self._entries[0].section
        self._list.show(
            Row(str(index), entry.section if entry.section != first else "", entry.title, right=entry.label)
            for index, entry in enumerate(self._entries)
        )

    def fit(self, size: Size) -> None:
        """Do nothing: a dialog across the screen is laid out otherwise."""

    def on_resize(self) -> None:
        """Place the menu below its cell, or above it where there is not room below."""
        width, height = self.size
        sections = dict.fromkeys(entry.section for entry in self._entries)
        # A blank line and a heading for each section but the first, whose heading is the title.
        lines = len(self._entries) + 2 * len(sections) - 2
        box_width = min(_WIDTH, width)
        above, below = self._beside.y, height - self._beside.y - 1
        wanted = lines + _FRAME_LINES
        is_below = wanted <= below or below >= above
        box_height = min(wanted, max(below if is_below else above, _MIN_HEIGHT), height)
        y = min(self._beside.y + 1, height - box_height) if is_below else max(above - box_height, 0)
        box = self.query_one(Vertical)
        box.styles.width = box_width
        box.styles.offset = (max(min(self._beside.x, width - box_width), 0), y)
        self._list.styles.max_height = max(box_height - _FRAME_LINES, 1)

    @on(SectionList.OptionHighlighted)
    def _show_help(self) -> None:
        if self._list.key is not None:
            self._hint.update(self._entries[int(self._list.key)].help)

    @on(SectionList.OptionSelected)
    def _choose_clicked(self, event: SectionList.OptionSelected) -> None:
        self.dismiss(int(event.option_id or 0))

    def on_key(self, event: Key) -> None:
        """Choose the entry whose key was pressed."""
        if (index := self._keys.get(event.key)) is not None:
            event.stop().prevent_default()
            self.dismiss(index)

    def action_choose(self) -> None:
        """Choose the highlighted entry."""
        if self._list.key is not None:
            self.dismiss(int(self._list.key))

    def action_move(self, lines: int) -> None:
        """Move the highlight."""
        self._list.move(lines)

    def action_move_page(self, pages: int) -> None:
        """Move the highlight by some pages."""
        self._list.move_page(pages)
