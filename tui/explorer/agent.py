"""The part of the explorer for an agent: messages, repeated runs, approvals and errors."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from tui.controller.agent import AgentRuns
from tui.model import Decision, View
from tui.screens.dialogs.approval import ApprovalDialog
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog, RerunOptions

if TYPE_CHECKING:
    from tui.controller import SessionController
    from tui.explorer.layout import Panes
    from tui.screens.command_screen import CommandScreen

__all__ = ["ExplorerAgent"]

_COUNT_TIMEOUT: Final = 2.0
"""Seconds for which a typed digit is the count of the command after it."""


class ExplorerAgent:
    """Starts and answers the runs of a controller, and shows their errors."""

    def __init__(
        self, screen: CommandScreen[None], panes: Panes, controller: SessionController, runs: AgentRuns
    ) -> None:
        self._screen = screen
        self._panes = panes
        self._controller = controller
        self._runs = runs
        self._count = 1
        self._counted_at = float("-inf")
        self._approving = False
        self._sending = False

    async def prepare(self) -> None:
        """Load the agent and the lexers for code, so that the first answer does not wait for them."""
        await self._runs.prepare()
        await to_thread(_prepare_lexers)

    def view_changed(self, before: View, view: View) -> None:
        """Report a run that failed, and ask for approvals."""
        failure = view.failure
        if failure is not None and failure != before.failure:
            if failure.unsent:
                self._panes.composer.set_draft(failure.unsent)
            more = " Press e for more." if failure.details else ""
            stopped = failure.error == "Stopped."
            text = f"{failure.error} {failure.hint}".strip() + more
            self._screen.show_notice(text, "information" if stopped else "error")
        run, run_before = view.runs.get(view.branch_id), before.runs.get(view.branch_id)
        if run is not None and run.approvals and (run_before is None or run_before.approvals != run.approvals):
            self._offer_approval()

    # Sending

    def submit(self, text: str) -> None:
        """Send a message; if nothing was typed, ask for the approval of a pending tool call."""
        if text.strip():
            self._screen.run_command(partial(self.send, text))
        else:
            self.ask_for_approval()

    async def send(self, text: str) -> None:
        """Send a message on the shown branch, unless one is being sent already.

        Raises:
            ConvoError: The session cannot be written.
        """
        if self._sending:
            return
        self._sending = True
        try:
            await self._runs.send(text)
            self._panes.composer.confirm_sent()
        finally:
            self._sending = False

    # Repeating a run

    def set_count(self, count: int) -> None:
        """Set how many branches the command `r` runs on if it follows at once."""
        self._count, self._counted_at = count, monotonic()

    async def ask_for_rerun(self) -> None:
        """Run the selected turn again as often as the count says; without a count, ask how often."""
        turn = self._controller.view.turn
        if monotonic() - self._counted_at < _COUNT_TIMEOUT:
            self._run_again(RerunOptions(self._count, together=False))
        elif turn > 0:
            await self._screen.push_dialog(RerunDialog(turn), self._run_again)

    def _run_again(self, options: RerunOptions | None) -> None:
        self._counted_at = float("-inf")
        if options is not None:
            self._screen.run_command(partial(self._runs.run_again, options.times, together=options.together))

    # Approvals and errors

    def ask_for_approval(self) -> None:
        """Ask for the approvals that the run of the shown branch waits for, if any."""
        run = self._controller.view.runs.get(self._controller.view.branch_id)
        if run is None or not run.approvals or self._approving:
            return
        branch_id = run.branch_id

        def answered(decisions: Sequence[Decision] | None) -> None:
            self._approving = False
            if decisions is not None:
                self._runs.decide(branch_id, decisions)

        self._approving = True
        self._screen.app.push_screen(ApprovalDialog(run.approvals), answered)

    def _offer_approval(self) -> None:
        """Ask now, unless the user is typing: a key for the composer must not approve a tool call."""
        screen, composer = self._screen, self._panes.composer
        if composer.text and screen.focused is not None and composer in screen.focused.ancestors:
            screen.show_notice("A tool call needs approval: leave the composer and press w.", "warning")
        else:
            self.ask_for_approval()

    def show_error(self) -> None:
        """Show the error of the last run that failed."""
        failure = self._controller.view.failure
        if failure is None:
            self._screen.show_notice("No run has failed.")
        else:
            self._screen.app.push_screen(MessageDialog(failure.error, failure.hint, failure.details))


def _prepare_lexers() -> None:
    from tui.render.highlight import prepare_lexers

    prepare_lexers()
