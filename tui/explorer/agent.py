"""The explorer with an agent: messages are answered, runs watched, stopped and asked again."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.events import Key

from tui.commands.registry import bindings
from tui.controller import SessionController
from tui.controller.agent import AgentRuns
from tui.explorer.screen import Explorer
from tui.model import Decision, View
from tui.screens.dialogs.approval import ApprovalDialog
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog, RerunOptions

__all__ = ["TalkingExplorer"]

_COUNT_HOLDS: Final = 2.0
"""Seconds within which a digit counts for the command after it."""


def _prepare_lexers() -> None:
    from tui.render.highlight import prepare_lexers

    prepare_lexers()


class TalkingExplorer(Explorer):
    """Tree, chat and usage of one file whose branches answer."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(talk=True)

    def __init__(self, controller: SessionController, agent: AgentRuns) -> None:
        super().__init__(controller)
        self._agent = agent
        self._count = 1
        self._counted_at = float("-inf")
        self._asking = False
        self._saying = False

    def on_mount(self) -> None:
        self.call_after_refresh(self._do, self._prepare)

    async def _prepare(self) -> None:
        """Have at hand what the first answer needs, so that nothing waits for it then."""
        await self._agent.prepare()
        await to_thread(_prepare_lexers)

    async def action_quit(self) -> None:
        await self._agent.stop_all()
        await super().action_quit()

    def on_key(self, event: Key) -> None:
        if event.character and event.character in "456789":
            self._take_count(int(event.character))

    def watch_view(self, before: View, view: View) -> None:
        super().watch_view(before, view)
        failure = view.failure
        if failure is not None and failure != before.failure:
            if failure.unsent:
                self._composer.set_draft(failure.unsent)
            more = " Press e for more." if failure.details else ""
            stopped = failure.error == "Stopped."
            self._notify(f"{failure.error} {failure.hint}".strip() + more, "information" if stopped else "error")
        run = view.runs.get(view.branch_id)
        was = before.runs.get(view.branch_id)
        if run is not None and run.approvals and (was is None or was.approvals != run.approvals):
            self._ask_for_leave()

    # What an explorer without an agent does otherwise

    def say(self, text: str) -> None:
        if text.strip():
            self._do(partial(self._say, text))
        else:
            self.action_answer()

    async def _say(self, text: str) -> None:
        if self._saying:
            return
        self._saying = True
        try:
            await self._agent.send(text)
            self._composer.confirm_sent()
        finally:
            self._saying = False

    async def forked(self, made: str, text: str) -> None:
        self._composer.set_draft(text)
        if text.strip():
            await self._say(text)
        else:
            self._notify(f"Made branch {made}. What is said now is said there.")

    def stop(self) -> bool:
        return self._agent.stop()

    # Commands

    def action_pane(self, name: str) -> None:
        super().action_pane(name)
        self._take_count({"tree": 1, "chat": 2, "usage": 3}[name])

    async def action_run_again(self) -> None:
        if time.monotonic() - self._counted_at < _COUNT_HOLDS:
            self._run_again(RerunOptions(self._count, together=False))
        elif self.view.turn > 0:
            await self.ask(RerunDialog(self.view.turn), self._run_again)

    def action_answer(self) -> None:
        run = self.view.runs.get(self.view.branch_id)
        if run is None or not run.approvals or self._asking:
            return
        branch_id = run.branch_id

        def answer(decisions: Sequence[Decision] | None) -> None:
            self._asking = False
            if decisions is not None:
                self._agent.decide(branch_id, decisions)

        self._asking = True
        self.app.push_screen(ApprovalDialog(run.approvals), answer)

    def action_failure(self) -> None:
        failure = self.view.failure
        if failure is None:
            self._notify("Nothing has gone wrong.")
        else:
            self.app.push_screen(MessageDialog(failure.error, failure.hint, failure.details))

    def _ask_for_leave(self) -> None:
        """Ask at once, unless the user is typing: a key that was meant for the composer must not approve anything."""
        if self._composer.text and self.focused is not None and self._composer in self.focused.ancestors:
            self._notify("A tool call waits for your leave: leave the composer and press w.", "warning")
        else:
            self.action_answer()

    def _run_again(self, times: RerunOptions | None) -> None:
        self._counted_at = float("-inf")
        if times is not None:
            self._do(partial(self._agent.run_again, times.times, together=times.together))

    def _take_count(self, count: int) -> None:
        self._count, self._counted_at = count, time.monotonic()
