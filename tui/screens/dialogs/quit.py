"""The dialog that asks whether to quit while answers are under way, or texts were typed and not sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.model import Run, RunState
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal, Scroll, hint
from tui.widgets.composer.composer import UnsentText
from tui.words import plural, shorten

__all__ = ["QuitDialog"]

_MAX_TEXT: Final = 60
"""Characters of a text that are shown."""


class QuitDialog(Modal[bool | None]):
    """Lists the runs that quitting stops and the texts that it loses; the key that opened it quits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "quit_now", "Quit"),
        Binding("q,ctrl+q", "quit_now", "Quit", show=False, priority=True),
    ]

    DEFAULT_CSS = "QuitDialog.-tall Scroll { margin: 1 0; }"

    def __init__(self, runs: Sequence[Run], unsent: Sequence[UnsentText], branch_name: Callable[[Run], str]) -> None:
        """Create the dialog.

        Args:
            runs: The runs that the end of the program stops.
            unsent: The texts that were written and not sent.
            branch_name: Returns the name of the branch of a run.
        """
        lines = [f"{printable_line(branch_name(run))} {_consequence(run)}" for run in runs]
        lines += [
            f"unsent, for {destination}: “{printable_line(shorten(text, _MAX_TEXT))}”" for destination, text in unsent
        ]
        effects = [f"stop {plural(len(runs), 'answer')}"] if runs else []
        effects += [f"lose {plural(len(unsent), 'unsent text')}"] if unsent else []
        keys = hint(("y quits", "quit_now"), ("Esc stays", "close"))
        title = f"Quit, and {' and '.join(effects)}?"
        super().__init__(title, Scroll(Static("\n".join(lines), markup=False)), keys)

    def action_quit_now(self) -> None:
        """Close with consent."""
        self.dismiss(True)


def _consequence(run: Run) -> str:
    """Return in words what quitting does to a run, to follow the name of its branch."""
    state = "waits for approval" if run.state is RunState.WAITING else "is under way; what has arrived is kept"
    if run.paused_id is not None:
        state = "waits for approval, and goes on waiting in the file"
    unsent = f"; {plural(len(run.queued), 'queued message')} will not be sent" if run.queued else ""
    return f"{state}{unsent}"
