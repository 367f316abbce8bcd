"""The dialog that lists the keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["Help", "HelpRow"]


class HelpRow(NamedTuple):
    """A command, with its keys as they are shown and the heading of its group."""

    group: str
    keys: str
    description: str


class _Keys(Static):
    """A table of keys with a heading for each group."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--group", "keys--key"}

    DEFAULT_CSS = """
    _Keys {
        & > .keys--group { color: $text-accent; text-style: bold; }
        & > .keys--key { text-style: bold; }
    }
    """

    def __init__(self, rows: Sequence[HelpRow]) -> None:
        super().__init__()
        self._rows = rows

    def render(self) -> Table:
        """Return the table in the colours of the theme."""
        group_style = self.get_component_rich_style("keys--group", partial=True)
        key_style = self.get_component_rich_style("keys--key", partial=True)
        table = Table.grid(padding=(0, 2), expand=True)
        widest = max((cell_len(row.keys) for row in self._rows), default=0)
        table.add_column(no_wrap=True, width=min(widest, max(8, self.size.width // 3)), overflow="fold")
        table.add_column(ratio=1)
        groups: dict[str, list[HelpRow]] = {}
        for row in self._rows:
            groups.setdefault(row.group, []).append(row)
        for number, (group, rows) in enumerate(groups.items()):
            if number:
                table.add_row()
            table.add_row("", Text(group, group_style))
            for row in rows:
                table.add_row(Text(row.keys, key_style, justify="right"), Text(row.description))
        return table


class Help(Modal[None]):
    """The keys that work now; closes with Esc, `?` or `q`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q", "close", "Close", show=False)]

    DEFAULT_CSS = """
    Help {
        &.-tall Scroll { margin-top: 1; }
    }
    """

    def __init__(self, rows: Iterable[HelpRow], title: str = "Keys") -> None:
        """Create the help.

        Args:
            rows: The commands in their order; each group is listed where its first command is.
            title: The line at the top.
        """
        super().__init__(title, Scroll(_Keys(tuple(rows))))
