"""The dialog that lists what can be done here and the signs on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.model.word_match import match_score
from tui.screens.dialogs.list_modal import ListModal
from tui.widgets.lists.sections import Row, SectionList
from tui.widgets.signs import DIALOG_KEYS, SIGNS

__all__ = ["Help", "HelpRow"]

_LEGENDS: Final = (("In dialogs", DIALOG_KEYS), ("Signs", SIGNS))
"""Headings and rows that explain and cannot be run; they come after the commands."""


class HelpRow(NamedTuple):
    """Something that can be done, with its keys as they are shown and the heading of its group."""

    group: str
    keys: str
    description: str
    title: str = ""
    synonyms: tuple[str, ...] = ()


class _Filter(Input):
    """The field of the help, in which `?` is not typed, as it closes the help."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key != "question_mark" and super().check_consume_key(key, character)


class Help(ListModal[int | None]):
    """The commands that work now, and the signs; narrows while the user types.

    Returns the index of the chosen row. `?` and F1, which open it, close it too.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "close", "Close", show=False, priority=True),
        Binding("end", "last", "Signs", show=False, priority=True),
        Binding("home", "first", "First", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Help {
        &.-tall SectionList { margin-bottom: 1; }
    }
    """

    _list: SectionList

    def __init__(self, rows: Sequence[HelpRow], title: str = "Keys and signs") -> None:
        """Create the help; each group is listed where its first row is."""
        self._input = _Filter(placeholder="type a part of a name, or a sign", select_on_focus=False)
        hint = "Enter runs it · Esc closes"
        super().__init__(title, SectionList(), hint, above=[self._input])
        groups = {row.group: number for number, row in reversed(list(enumerate(rows)))}
        self._rows = sorted(enumerate(rows), key=lambda numbered: groups[numbered[1].group])

    def on_mount(self) -> None:
        self._narrow("")

    @on(Input.Changed)
    def _narrow_typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        """Show what matches, and highlight the best match."""
        scores = {
            str(number): max(
                match_score(typed, row.title, row.synonyms, row.description),
                # A group, or a key as it is shown.
                0.5 * (typed.strip().casefold() == row.group.casefold() or typed.strip() in row.keys.split()),
            )
            for number, row in self._rows
        }
        rows = [
            Row(str(number), row.group, row.description, left=row.keys)
            for number, row in self._rows
            if scores[str(number)]
        ]
        signs = [
            Row(f"{title} {number}", title, sign.words, left=sign.sign)
            for title, legend in _LEGENDS
            for number, sign in enumerate(legend)
            if match_score(typed, title, sign.sign.split(), sign.words) or sign.shows(typed)
        ]
        best = max(rows, key=lambda row: scores[row.key], default=None) if typed.strip() else None
        self._list.show([*rows, *signs], best.key if best is not None else None)
        self._count.update(f"{len(rows) + len(signs):,}")

    def action_last(self) -> None:
        """Go to the last row, where the signs are."""
        self._list.move(self._list.option_count)

    def action_first(self) -> None:
        """Go to the first row."""
        self._list.move(-self._list.option_count)

    @on(Input.Submitted)
    def _pick(self) -> None:
        self._choose(self._list.key)

    @on(SectionList.OptionSelected)
    def _pick_clicked(self, event: SectionList.OptionSelected) -> None:
        self._choose(event.option_id)

    def _choose(self, key: str | None) -> None:
        if key is None or not key.isdecimal():
            self.app.bell()
        else:
            self.dismiss(int(key))
