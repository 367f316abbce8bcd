"""The part of the explorer for an agent: messages, repeated runs, approvals and errors."""

from __future__ import annotations

from asyncio import Future, Lock, get_running_loop, sleep, to_thread
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Literal

from tui.controller.agent import AgentRuns
from tui.model import Approval, ApprovalDecision, View
from tui.runs.manager import BranchRef
from tui.runs.tool_input import answer_input
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog, RerunOptions
from tui.screens.dialogs.tool_input import ToolInputDialog
from tui.screens.key_order import KeyOrderApp
from tui.widgets.composer.approval import TYPING_PAUSE
from tui.widgets.composer.drafts import NEW_SESSION, Destination

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.controller import SessionController
    from tui.explorer.layout import Panes
    from tui.screens.command_screen import CommandScreen

__all__ = ["ExplorerAgent"]


class ExplorerAgent:
    """Starts and answers the runs of a controller, and shows their errors."""

    def __init__(
        self, screen: CommandScreen[None], panes: Panes, controller: SessionController, runs: AgentRuns
    ) -> None:
        self._screen = screen
        self._panes = panes
        self._controller = controller
        self._runs = runs
        self._asked: tuple[str, tuple[Approval, ...]] = "", ()
        self._offer_timer: Timer | None = None
        self._sending: set[Destination] = set()
        self._tool_input = Lock()
        self._resources = ExitStack()

    async def prepare(self) -> None:
        """Load the agent, the lexers for code and the approval prompt, so that the first answer does not wait."""
        self._resources.enter_context(answer_input(self._ask_for_line))
        await self._panes.talk.mount(self._panes.approval, before=self._panes.composer)
        await self._runs.prepare()
        await to_thread(_prepare_lexers)

    def close(self) -> None:
        """Stop answering `input()` calls of tools."""
        self._resources.close()

    def view_changed(self, before: View, view: View) -> None:
        """Report a run that failed, and ask for approvals."""
        failure = view.failure
        if failure is not None and failure != before.failure:
            if failure.unsent:
                self._panes.composer.restore_unsent(Destination(failure.session_id, failure.branch_id), failure.unsent)
            key = "Esc, then e, for" if self._panes.composer.has_focus_within else "e for"
            more = f" Press {key} more." if failure.details else ""
            stopped = failure.error == "Stopped."
            text = f"{failure.error} {failure.hint}".strip() + more
            self._screen.show_notice(text, "information" if stopped else "error")
        self._follow_approvals(view)

    # Sending

    def submit(self, text: str, destination: Destination) -> None:
        """Send a message; if nothing was typed, ask for the approval of a pending tool call."""
        if text.strip():
            self._screen.run_command(partial(self.send, text, destination))
        else:
            self.ask_for_approval()

    def begin_session(self, text: str, session_id: str) -> None:
        """Begin a session with its first message."""
        if text.strip():
            self._screen.run_command(partial(self._begin_session, text, session_id))
        else:
            self._screen.show_notice("Write the first message of the session.")

    async def send(self, text: str, destination: Destination) -> None:
        """Send a message on a branch, unless one is being sent there already.

        Raises:
            ConvoError: The session cannot be written.
        """
        with self._exclusive(destination) as is_first:
            if is_first:
                await self._runs.send(text, BranchRef(destination.session_id, destination.branch_id))
                self._panes.composer.forget_sent(destination, text)

    async def _begin_session(self, text: str, session_id: str) -> None:
        with self._exclusive(NEW_SESSION) as is_first:
            if is_first:
                branch = Destination(*await self._runs.begin_session(text, session_id))
                self._panes.composer.move_draft(NEW_SESSION, text, branch)
                self._panes.composer.forget_sent(branch, text)

    @contextmanager
    def _exclusive(self, destination: Destination) -> Iterator[bool]:
        """Yield whether nothing else is being sent to a destination, and refuse it to others meanwhile."""
        if destination in self._sending:
            yield False
            return
        self._sending.add(destination)
        try:
            yield True
        finally:
            self._sending.discard(destination)

    async def prepare_session(self) -> None:
        """Let the user write the first message of a new session."""
        await self._runs.prepare_session()

    # Repeating a run

    async def ask_for_rerun(self) -> None:
        """Ask how often to run the selected turn again, then do so."""
        view = self._controller.view
        at = view.branch_id, view.turn

        def run_again(options: RerunOptions | None) -> None:
            if options is not None:
                self._screen.run_command(partial(self._runs.run_again, options.times, together=options.together, at=at))

        if view.turn > 0:
            await self._screen.push_dialog(RerunDialog(view.turn), run_again)

    # Approvals and errors

    def ask_for_approval(self) -> bool:
        """Ask for the approvals that the run of the shown branch waits for; return whether there are any."""
        if not self._asked[1]:
            return False
        self._panes.show_pane("chat")
        self._open_approval(on_purpose=True)
        self._panes.approval.focus()
        return True

    def stop(self) -> bool:
        """Stop the run of the shown branch, unless it waits for an answer; return whether there was such a run."""
        return not self._asked[1] and self._runs.stop()

    def _follow_approvals(self, view: View) -> None:
        run = view.runs.get(view.branch_id)
        asked = view.branch_id, run.approvals if run is not None else ()
        if asked != self._asked:
            self._asked = asked
            if self._panes.approval.is_open:
                self._close_approval(focus="composer")
            self._offer_approval()

    def _offer_approval(self) -> None:
        """Open the prompt as soon as nothing is being typed; keys on their way must not approve a tool call."""
        if self._offer_timer is not None:
            self._offer_timer.stop()
            self._offer_timer = None
        if not self._asked[1] or self._panes.approval.is_open:
            return
        if self._controller.view.is_drafting or self._panes.composer.is_typing:
            self._offer_timer = self._screen.set_timer(TYPING_PAUSE, self._offer_approval)
        else:
            self._open_approval(on_purpose=False)

    def _open_approval(self, *, on_purpose: bool) -> None:
        panes = self._panes
        panes.approval.open(*self._asked, on_purpose=on_purpose)
        if panes.composer.has_focus_within:
            panes.approval.focus()
        panes.composer.display = False

    def _close_approval(self, *, focus: Literal["composer", "chat"]) -> None:
        """Show the composer in place of the prompt, and move the focus if the prompt has it."""
        panes, had_focus = self._panes, self._panes.approval.has_focus_within
        panes.composer.display = True
        if had_focus and focus == "chat":
            panes.go_to("chat")
        elif had_focus:
            panes.composer.focus()
        panes.approval.close()

    def postpone_approval(self) -> None:
        """Show the composer, with its text, until the user asks for the approval."""
        self._close_approval(focus="chat")

    def type_for_composer(self, text: str) -> None:
        """Give the composer text that was typed while the prompt appeared, which waits until it is sent."""
        self._close_approval(focus="composer")
        self._panes.composer.type(text)
        self._offer_approval()

    def answer_approval(self, branch_id: str, decisions: Sequence[ApprovalDecision]) -> None:
        """Answer the approvals that a run asks for."""
        self._close_approval(focus="composer")
        self._runs.decide(branch_id, decisions)

    def stop_instead(self) -> None:
        """Stop the run that waits for an answer."""
        self._close_approval(focus="composer")
        self._runs.stop()

    async def _ask_for_line(self, branch: BranchRef, prompt: str) -> str:
        """Ask for a line that a tool reads, as soon as nothing else is being typed.

        Raises:
            EOFError: The user has stopped the run instead.
        """
        async with self._tool_input:
            view = self._controller.view
            if view.is_drafting:
                name = view.quoted_branch(branch.branch_id, branch.session_id)
                self._screen.show_notice(f"A tool on {name} asks for input, once you send or leave this.")
            while self._would_take_keys():  # noqa: ASYNC110
                await sleep(TYPING_PAUSE / 4)
            line: Future[str | None] = get_running_loop().create_future()
            name = self._controller.view.quoted_branch(branch.branch_id, branch.session_id)
            await self._screen.push_dialog(ToolInputDialog(name, prompt), line.set_result)
            answer = await line
        if answer is None:
            # The error of the tool must not become its output.
            await self._runs.stop_and_wait(branch)
            raise EOFError("The run was stopped.")
        return answer

    def _would_take_keys(self) -> bool:
        """Return whether a dialog would get keys that are meant for something else."""
        app = self._screen.app
        pressed_at = app.last_key_at if isinstance(app, KeyOrderApp) else 0.0
        is_writing = self._controller.view.is_drafting or self._panes.composer.is_typing
        return app.screen.is_modal or is_writing or monotonic() - pressed_at < TYPING_PAUSE

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
