"""The dialog that confirms a compaction, and lists what is replaced and what is kept."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.model import CompactionPreview
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal, Scroll, hint
from tui.widgets.format import ESTIMATE
from tui.words import plural

__all__ = ["CompactDialog"]


class CompactDialog(Modal[bool | None]):
    """Shows what a compaction replaces, and asks whether to make it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "compact", "Compact")]

    DEFAULT_CSS = """
    CompactDialog {
        &.-tall Scroll { margin: 1 0; }
        .compact--kept { color: $foreground-muted; }
    }
    """

    def __init__(self, preview: CompactionPreview, branch_name: str) -> None:
        contents = ", ".join((plural(preview.turns, "turn"), plural(preview.items, "item")))
        replaced = (
            "Will be replaced by a summary",
            f"  {contents}, {ESTIMATE}{plural(preview.tokens, 'token')}",
            f"  {printable_line(preview.model)} writes it: the branch is sent to its server",
        )
        kept = (
            "Kept",
            "  the branch as it is now with its usage, archived under a new id",
            "  all other branches",
        )
        body = Scroll(
            Static("\n".join(replaced), markup=False),
            Static("\n".join(kept), classes="compact--kept", markup=False),
            Static("z undoes it.", classes="compact--kept"),
        )
        keys = hint(("y compacts", "compact"), ("Esc cancels", "close"))
        super().__init__(f"Compact branch {branch_name}?", body, keys)

    def action_compact(self) -> None:
        """Close with consent."""
        self.dismiss(True)
