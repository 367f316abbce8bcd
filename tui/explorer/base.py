"""What every explorer is: the one place where the messages of its panes become commands."""

from __future__ import annotations

from asyncio import gather, sleep, to_thread
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from tui.commands.registry import COMMANDS, Command, bindings
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.explorer.layout import Panes
from tui.model import Item, Severity, View
from tui.printable import printable_line
from tui.render import copied_text, format_size
from tui.widgets.composer.composer import Composer
from tui.widgets.lists.names import branch_choices, session_choices
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.token_chart import TokenChart

__all__ = ["ExplorerBase"]

T = TypeVar("T")

_PANE_TITLES: Final = {"tree": "Tree", "chat": "Chat", "usage": "Usage", "composer": "Composer"}
"""What the help calls the panes, by the beginning of their bindings' ids."""

_MANY: Final = 100_000
"""Characters from which on terminals are known to refuse what they are given to copy."""

_FOLLOW_EVERY: Final = 0.25
"""Seconds between two looks whether others have written to the file."""


class ExplorerBase(Panes):
    """Tree, chat and usage, moving about in them, and forks.

    Messages of the panes come here, and only here the controller is told anything; each of its views goes to all
    panes at once through `view`.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(self, controller: SessionController) -> None:
        super().__init__(controller.view)
        self._controller = controller
        self._lost_touch = False
        self._failure = ""
        self._failure_until = 0.0
        self._forking = False

    def on_mount(self) -> None:
        self._controller.subscribe(self._take)
        self._do(self._controller.load_rest)
        # The next look is not taken before this one is over.
        self.set_interval(_FOLLOW_EVERY, self._look_for_changes)

    def watch_view(self, before: View, view: View) -> None:
        super().watch_view(before, view)
        if view.notice is not None and view.notice != before.notice:
            self._notify(view.notice.text, view.notice.severity)
        if view.fork is not None and view.fork != before.fork:
            self.show_pane("chat")
            self._composer.focus()

    # What the panes ask for

    @on(BranchTree.TurnHighlighted)
    def _preview(self, event: BranchTree.TurnHighlighted) -> None:
        self._do(partial(self._controller.navigation.preview, event.branch_id, event.turn))

    @on(BranchTree.TurnOpened)
    def _open_turn(self, event: BranchTree.TurnOpened) -> None:
        self._do(partial(self._controller.navigation.switch_branch, event.branch_id, event.turn))
        self.go_to("chat")

    @on(BranchTree.TurnClicked)
    def _click_in_tree(self, event: BranchTree.TurnClicked) -> None:
        self._click_turn(event.branch_id, event.turn)

    @on(BranchTree.BranchClicked)
    def _open_branch(self, event: BranchTree.BranchClicked) -> None:
        self._do(partial(self._controller.navigation.switch_branch, event.branch_id))

    @on(BranchTree.SessionOpened)
    def _open_session(self, event: BranchTree.SessionOpened) -> None:
        self._do(partial(self._controller.navigation.select_session, event.session_id))

    @on(BranchTree.TurnsNeeded)
    def _bring_turns(self, event: BranchTree.TurnsNeeded) -> None:
        async def bring() -> None:
            view = self.view
            came = await gather(*(self._controller.pages.turns(*page) for page in event.pages))
            if view.session == self.view.session and view.session and view.session.session_id == event.session_id:
                for page, turns in zip(event.pages, came, strict=True):
                    self._tree.receive_turns(page.branch_id, view.revision, turns)

        self._do(bring)

    @on(BranchTree.SessionsNeeded)
    def _bring_sessions(self, event: BranchTree.SessionsNeeded) -> None:
        async def bring() -> None:
            revision = self.view.revision
            self._tree.receive_sessions(
                event.start, revision, await self._controller.pages.sessions(event.start, event.end)
            )

        self._do(bring)

    @on(Transcript.ItemsNeeded)
    def _bring_items(self, event: Transcript.ItemsNeeded) -> None:
        async def bring() -> None:
            self._chat.receive(await self._controller.pages.items(event.branch_id, event.start, event.end))

        self._do(bring)

    @on(TokenChart.TurnsNeeded)
    def _bring_bars(self, event: TokenChart.TurnsNeeded) -> None:
        async def bring() -> None:
            self._usage.receive(event.generation, await self._controller.pages.turn_usages(event.first, event.last))

        self._do(bring)

    @on(Transcript.TurnSelected)
    async def _reach_turn(self, event: Transcript.TurnSelected) -> None:
        if event.position is None or not self._controller.navigation.select_loaded_turn(event.turn, event.position):
            self._do(partial(self._controller.navigation.select_turn, event.turn))
        # Let the other panes say what of them has changed, so that it is drawn together with the chat.
        await sleep(0)

    @on(TokenChart.TurnSelected)
    def _select_turn(self, event: TokenChart.TurnSelected) -> None:
        self._do(partial(self._controller.navigation.select_turn, event.turn))

    @on(Transcript.TurnClicked)
    def _click_in_chat(self, event: Transcript.TurnClicked) -> None:
        self._click_turn(self.view.branch_id, event.turn)

    @on(Transcript.SiblingRequested)
    def _go_to_sibling(self, event: Transcript.SiblingRequested) -> None:
        self._do(partial(self._controller.navigation.go_to_sibling, event.step, event.turn))

    @on(Transcript.LinkOpened)
    def _open_link(self, event: Transcript.LinkOpened) -> None:
        self.app.open_url(event.url)

    @on(Composer.Submitted)
    def _submit(self, event: Composer.Submitted) -> None:
        if self.view.fork is None:
            self.say(event.text)
        elif not self._forking:
            self._do(partial(self._make_fork, event.text, event.branch_name))

    async def _make_fork(self, text: str, name: str) -> None:
        self._forking = True
        try:
            made = await self._controller.forks.make(name)
        finally:
            self._forking = False
        await self.forked(made, text)

    @on(Composer.LeaveRequested)
    def _leave_composer(self) -> None:
        if self.view.fork is not None or not self.stop():
            self._controller.forks.cancel()
            self.go_to("chat")

    # What an explorer with an agent does otherwise

    def say(self, text: str) -> None:  # noqa: ARG002 there is nobody to say it to
        """Answer a message on the shown branch."""
        self._notify("No model is set, so nothing was sent. Your text stays here.", "warning")

    async def forked(self, made: str, text: str) -> None:
        """Go on with the message of a fork that was just made."""
        self._composer.set_draft(text)
        said = "Your text waits in the composer: no model is set." if text.strip() else "No model is set."
        self._notify(f"Made branch {made}. {said}")

    def stop(self) -> bool:
        """Stop what runs on the shown branch; whether anything did."""
        return False

    # Commands

    def keys(self) -> dict[str, tuple[str, Binding]]:
        """The keys that work now, those that were remapped included: by binding id, as they are shown."""
        found: dict[str, tuple[str, Binding]] = {}
        for active in self.active_bindings.values():
            binding = active.binding
            if binding.id:
                before = found.get(binding.id, ("",))[0]
                found[binding.id] = f"{before} {self.app.get_key_display(binding)}".strip(), binding
        return found

    def command(self, command: Command) -> Callable[[], Awaitable[None]]:
        """What runs a command, for the palette."""
        return partial(self.run_action, command.action)

    def action_fork(self) -> None:
        self._then(self._controller.forks.begin)

    def action_fork_after(self) -> None:
        self._then(partial(self._controller.forks.begin, after=True))

    def action_compose_message(self) -> None:
        self.show_pane("chat")
        self._composer.focus()

    async def action_pick_branch(self) -> None:
        from tui.screens.dialogs.picker import Picker

        choices = branch_choices(self.view)

        def picked(branch_id: str | None) -> None:
            if branch_id is not None:
                self._do(partial(self._controller.navigation.switch_branch, branch_id))

        await self.ask(Picker("Branches", choices, current=self.view.branch_id), picked)

    async def action_pick_session(self) -> None:
        from tui.screens.dialogs.remote_picker import Matches, RemotePicker

        async def find(typed: str, most: int) -> Matches:
            try:
                sessions, total = await self._controller.pages.matching_sessions(typed, most)
            except ConvoError as error:
                self._tell_failure(f"{error} {error.hint}".strip())
                return Matches((), 0)
            return Matches(session_choices(sessions), total)

        def picked(session_id: str | None) -> None:
            if session_id is not None:
                self._do(partial(self._controller.navigation.select_session, session_id))

        current = self.view.session.session_id if self.view.session else None
        await self.ask(RemotePicker("Sessions", find, current=current), picked)

    def action_help(self) -> None:
        from tui.screens.dialogs.help import Help, HelpRow

        keys = self.keys()
        commands = {command.id: command for command in COMMANDS}
        here = [
            HelpRow(_PANE_TITLES[name.partition(".")[0]], shown, binding.description)
            for name, (shown, binding) in keys.items()
            if name not in commands
        ]
        everywhere = [
            HelpRow(command.group, keys[name][0], command.help) for name, command in commands.items() if name in keys
        ]
        self.app.push_screen(Help([*here, *everywhere]))

    def action_sibling(self, step: int) -> None:
        self._then(partial(self._controller.navigation.go_to_sibling, step))

    def action_fork_point(self, step: int) -> None:
        self._then(partial(self._controller.navigation.go_to_fork_point, step))

    def action_switch_back(self) -> None:
        self._then(self._controller.navigation.switch_back)

    def action_next_scope(self) -> None:
        self._controller.usage.next_scope()

    def action_refresh_file(self) -> None:
        self._do(self._controller.refresh)

    def action_pane(self, name: str) -> None:
        self.go_to(name)

    def action_zoom(self) -> None:
        self.zoom()

    def action_leave(self) -> None:
        if self.view.fork is None and self.stop():
            return
        if self.has_class("-zoom"):
            self.action_zoom()
        elif self.view.fork is not None:
            self._controller.forks.cancel()
        elif self.view.preview:
            self._do(self._controller.navigation.leave_preview)
        else:
            self._controller.marks.clear()

    def action_mark_turn(self) -> None:
        self.call_after_refresh(self._controller.marks.toggle)

    def action_copy(self) -> None:
        item = self._chat.cursor_item
        if text := self.get_selected_text():
            self._copy(text)
        elif item is not None and item.unread:
            self._do(partial(self._copy_whole, item))
        elif text := self._chat.cursor_text():
            self._copy(text)

    async def _copy_whole(self, item: Item) -> None:
        self._notify(f"Reading all {format_size(item.size)} of it…")
        whole = await self._controller.pages.full_item(item)
        self._copy(await to_thread(copied_text, whole))

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        more = ", if your terminal takes so many" if len(text) > _MANY else ""
        self._notify(f"Copied {len(text):,} characters{more}.")

    async def action_quit(self) -> None:
        await self.app.action_quit()

    async def ask(self, dialog: Screen[T], answered: Callable[[T | None], None] | None = None) -> None:
        """Open a dialog, and let the keys wait that come before it stands: they are meant for it."""
        await self.app.push_screen(dialog, answered)
        if dialog.focused is None:
            dialog.focus_next()

    async def at_once(self, open_dialog: Callable[[], Awaitable[None]]) -> None:
        """Open a dialog by way of `ask`; not in a worker, which would let the keys go on."""
        try:
            await open_dialog()
        except ConvoError as error:
            self._tell_failure(f"{error} {error.hint}".strip())

    # How it is done

    def _take(self, view: View) -> None:
        self.view = view

    def _do(self, command: Callable[[], Awaitable[object]]) -> None:
        """Run a command of the controller, which knows itself when it was overtaken by another one."""

        async def told() -> None:
            try:
                await command()
            except ConvoError as error:
                self._tell_failure(f"{error} {error.hint}".strip())

        _: Worker[None] = self.run_worker(told)

    def _tell_failure(self, text: str) -> None:
        """Tell what went wrong, unless that is still on the screen: each key may meet with the same."""
        if text != self._failure or monotonic() > self._failure_until:
            self._failure, self._failure_until = text, monotonic() + self.app.NOTIFICATION_TIMEOUT
            self._notify(text, "error")

    def _then(self, command: Callable[[], Awaitable[object]]) -> None:
        """Run a command that starts from where the user is, once what the panes have sent before has arrived."""
        self.call_after_refresh(self._do, command)

    async def _look_for_changes(self) -> None:
        """Look whether others have written."""
        try:
            await self._controller.refresh()
        except ConvoError as error:
            if not self._lost_touch:
                self._notify(f"{error} Trying again.", "warning")
            self._lost_touch = True
        else:
            self._lost_touch = False

    def _click_turn(self, branch_id: str, turn: int) -> None:
        session = self.view.session
        if self.view.writable and session is not None and not session.plain and turn > 0:
            self._do(partial(self._controller.forks.begin, turn, branch_id))
        else:
            self._do(partial(self._controller.navigation.switch_branch, branch_id, turn))

    def _notify(self, text: str, severity: Severity = "information") -> None:
        self.notify(printable_line(text), severity=severity, markup=False)
