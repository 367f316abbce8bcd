"""The interface through which commands use the explorer, without an import of the explorer screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen
    from textual.timer import Timer

    from tui.controller import SessionController
    from tui.errors import ConvoError
    from tui.model import Severity, View
    from tui.widgets.composer.composer import Composer
    from tui.widgets.transcript.transcript import Transcript
    from tui.widgets.tree.branch_tree import BranchTree

__all__ = ["AgentCommands", "Explorer", "PaneCommands", "SearchCommands"]

T = TypeVar("T")


class PaneCommands(Protocol):
    """The panes of the explorer."""

    @property
    def branch_tree(self) -> BranchTree: ...
    @property
    def chat(self) -> Transcript: ...
    @property
    def composer(self) -> Composer: ...
    @property
    def is_zoomed(self) -> bool: ...
    def toggle_zoom(self) -> None: ...
    def go_to(self, name: str) -> None: ...
    def focus_composer(self) -> None: ...


class SearchCommands(Protocol):
    """The search in the panes."""

    @property
    def is_walking(self) -> bool: ...
    async def begin_typing(self) -> None: ...
    def step(self, step: int) -> None: ...
    def end(self) -> None: ...
    async def open_dialog(self) -> None: ...
    async def open_origins(self) -> None: ...


class AgentCommands(Protocol):
    """New sessions, repeated runs, approvals and errors of runs."""

    async def prepare_session(self) -> None: ...
    async def ask_for_rerun(self) -> None: ...
    def ask_for_approval(self) -> bool: ...
    def stop(self) -> bool: ...
    def show_error(self) -> None: ...


class Explorer(Protocol):
    """The explorer as a command sees it.

    Attributes:
        view: The state that all panes show.
        agent: Commands that need an agent; None in an explorer without one.
        is_active: Whether no other screen covers the explorer.
    """

    @property
    def controller(self) -> SessionController: ...
    @property
    def view(self) -> View: ...
    @property
    def panes(self) -> PaneCommands: ...
    @property
    def search(self) -> SearchCommands: ...
    @property
    def agent(self) -> AgentCommands | None: ...
    @property
    def app(self) -> App[object]: ...
    @property
    def is_active(self) -> bool: ...

    async def open_menu(self) -> None:
        """Open the menu of what is under the cursor."""
        ...

    def get_selected_text(self) -> str | None:
        """Return the text that is selected with the mouse, if any."""
        ...

    def run_command(self, command: Callable[[], Awaitable[object]], /) -> None:
        """Run a command in a worker, and report its error."""
        ...

    def run_holding_keys(self, command: Callable[[], Awaitable[object]], /) -> None:
        """Run a command in a worker, while later keys wait for what it opens."""
        ...

    async def push_dialog(self, dialog: Screen[T], closed: Callable[[T | None], None] | None = None) -> None:
        """Open a dialog, and return once it receives the keys, so that keys pressed meanwhile reach it."""
        ...

    def report(self, error: ConvoError, /) -> None:
        """Show an error."""
        ...

    def show_notice(self, text: str, severity: Severity = "information") -> None:
        """Show a notice; untrusted text in it is shown as it is."""
        ...

    def set_timer(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Call a function after a delay in seconds."""
        ...
