"""The explorer screen, which turns messages of the panes into calls of the controller, and keys into commands."""

from __future__ import annotations

from asyncio import gather, sleep
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize, ScreenResume
from textual.messages import Layout
from textual.reactive import Reactive, var
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from tui.commands import COMMANDS, Target, bindings
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.explorer.layout import Panes
from tui.explorer.search import ExplorerSearch
from tui.model import View
from tui.painting.stable_scroll import FixedSize
from tui.screens.command_screen import CommandScreen
from tui.widgets.composer.approval import ApprovalPrompt
from tui.widgets.composer.composer import Composer
from tui.widgets.composer.drafts import Destination
from tui.widgets.key_bar import KeyBar
from tui.widgets.message import MenuRequested
from tui.widgets.run_status import RunStatus
from tui.widgets.search_bar import SearchBar
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip

if TYPE_CHECKING:
    from tui.explorer.agent import ExplorerAgent

__all__ = ["Explorer"]

_POLL_INTERVAL: Final = 0.25
"""Seconds between two checks whether other programs have written to the file."""


class Explorer(CommandScreen[None], FixedSize):
    """Tree, chat and usage of one file; `agent` is None in an explorer without an agent."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings()

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The widget that has the focus. Widgets draw their own focus, so the screen is not drawn again."""

    view: var[View] = var(View(), init=False)
    """The state that all panes show; each new view reaches all of them at once."""

    def __init__(self, controller: SessionController) -> None:
        super().__init__()
        self.set_reactive(Explorer.view, controller.view)
        self.controller = controller
        self.panes = Panes(controller.view)
        self.status_line = StatusLine()
        self.search = ExplorerSearch(self, self.panes, controller)
        self.agent: ExplorerAgent | None = None
        if controller.agent is not None:
            from tui.explorer.agent import ExplorerAgent

            self.agent = ExplorerAgent(self, self.panes, controller, controller.agent)
        self._idle_actions = self._find_idle_actions()
        self._forking = False
        self._unreachable = False
        self._shown_before = False

    def compose(self) -> ComposeResult:
        self._first_pane = self.panes.start(self.app.size.width)
        yield self.panes.data_bind(Explorer.view)
        yield self.status_line
        yield KeyBar(COMMANDS["menu.open"].action, idle=self._find_idle_actions)

    def on_mount(self) -> None:
        self.panes.go_to(self._first_pane)
        if self.view.new_session:
            self.panes.focus_composer()
        self._unsubscribe = self.controller.subscribe(self._show_view)
        # A message would arrive after the frame in which the row changes.
        self.watch(self.panes.branch_tree, "description", self._show_description)
        self.run_command(self.controller.load_rest)
        if self.agent is not None:
            self.run_after_refresh(self.agent.prepare)
        # Textual starts no check before the last one has ended.
        self.set_interval(_POLL_INTERVAL, self._poll)

    def on_unmount(self) -> None:
        # A run that is stopped after the screen is gone has nothing to show it on.
        self._unsubscribe()
        if self.agent is not None:
            self.agent.close()

    def on_screen_resume(self, event: ScreenResume) -> None:
        # All widgets of a screen were styled when they were mounted, just before it is shown for the first time.
        event.refresh_styles, self._shown_before = event.refresh_styles and self._shown_before, True
        self.run_command(self.controller.follow.uncover)

    def on_screen_suspend(self) -> None:
        self.controller.follow.cover()

    def on_resize(self, event: Resize) -> None:
        # This runs before the screen lays itself out, which it then does once.
        self.panes.fit_width(event.size.width)

    def on_layout(self, event: Layout) -> None:
        # A scrollbar requests a layout of the screen whenever its view places it, which changes no other widget.
        if isinstance(event.widget, ScrollBar):
            event.stop().prevent_default()

    def watch_view(self, before: View, view: View) -> None:
        if view.notice is not None and view.notice != before.notice:
            self.show_notice(view.notice.text, view.notice.severity)
        if view.is_drafting and (view.fork, view.new_session) != (before.fork, before.new_session):
            self.panes.focus_composer()
        if self.agent is not None:
            self.agent.view_changed(before, view)
        self._update_footer()

    def _update_footer(self) -> None:
        """Draw the footer again if other keys do something now."""
        if (idle := self._find_idle_actions()) != self._idle_actions:
            self._idle_actions = idle
            self.refresh_bindings()

    @property
    def _is_on_session(self) -> bool:
        """True if the cursor is on the row of a session, where commands for turns do nothing."""
        return self.panes.branch_tree.has_focus and self.panes.branch_tree.cursor_session is not None

    def _find_idle_actions(self) -> frozenset[str]:
        """Return the actions that would do nothing now, which the footer leaves out."""
        view = self.view
        applies = {
            "send": bool(view.model),
            COMMANDS["branch.next"].action: len(view.tree.branches) > 1,
            COMMANDS["branch.back"].action: self.controller.navigation.previous is not None,
            COMMANDS["fork.here"].action: view.writable and view.session is not None and not self._is_on_session,
            COMMANDS["run.again"].action: view.writable and view.turn > 0 and not self._is_on_session,
        }
        return frozenset(action for action, does in applies.items() if not does)

    def _show_view(self, view: View) -> None:
        self.view = view

    async def _poll(self) -> None:
        """Show what other programs have written to the file."""
        try:
            await self.controller.refresh()
        except ConvoError as error:
            if not self._unreachable:
                self.show_notice(f"{error} Trying again.", "warning")
            self._unreachable = True
        else:
            if self._unreachable:
                self.show_notice(f"{self.controller.path} can be read again.")
            self._unreachable = False

    # Commands

    async def action_command(self, command_id: str) -> None:
        """Run a command of the registry."""
        command = COMMANDS[command_id]

        async def run() -> None:
            if command.writes:
                self.controller.require_writable()
            if Target.TURN in command.on and self._is_on_session:
                raise ConvoError("This is the row of a session.", f"Go to a turn first: {command.help}.")
            await command.run(self)

        if command.holds_keys:
            self.run_holding_keys(run)
        else:
            self.run_after_refresh(run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the commands that need an agent if there is none."""
        if action == "command" and self.agent is None:
            return not COMMANDS[str(parameters[0])].needs_agent
        return super().check_action(action, parameters)

    async def open_menu(self) -> None:
        """Open the menu of what is under the cursor."""
        from tui.explorer.menu import open_menu

        await open_menu(self)

    @on(MenuRequested)
    async def _open_menu_at_mouse(self, event: MenuRequested) -> None:
        from tui.explorer.menu import open_menu

        await open_menu(self, event.at, branch_id=event.branch_id)

    def run_after_refresh(self, command: Callable[[], Awaitable[object]]) -> None:
        """Run a command once the messages that the panes have already sent have arrived."""
        self.call_after_refresh(self.run_command, command)

    # The tree

    @on(BranchTree.TurnHighlighted)
    def _preview_turn(self, event: BranchTree.TurnHighlighted) -> None:
        self.run_command(partial(self.controller.navigation.preview, event.branch_id, event.turn))

    @on(BranchTree.SessionHighlighted)
    def _see_session(self) -> None:
        self.controller.management.session_seen()

    def _show_description(self, description: str) -> None:
        self.status_line.text = description
        # The cursor may have moved between the row of a session and the selected turn.
        self._update_footer()

    @on(BranchTree.TurnOpened)
    def _open_turn(self, event: BranchTree.TurnOpened) -> None:
        self.run_command(partial(self.controller.navigation.switch_branch, event.branch_id, event.turn))
        self.panes.go_to("chat")

    @on(BranchTree.TurnClicked)
    def _fork_from_tree(self, event: BranchTree.TurnClicked) -> None:
        self._fork_or_open(event.branch_id, event.turn)

    @on(BranchTree.BranchClicked)
    def _open_branch(self, event: BranchTree.BranchClicked) -> None:
        self.run_command(partial(self.controller.navigation.switch_branch, event.branch_id))

    @on(BranchTree.SessionOpened)
    def _open_session(self, event: BranchTree.SessionOpened) -> None:
        self.run_command(partial(self.controller.navigation.select_session, event.session_id))

    @on(BranchTree.TurnsNeeded)
    def _load_turns(self, event: BranchTree.TurnsNeeded) -> None:
        async def load() -> None:
            view = self.view
            loaded = await gather(*(self.controller.pages.turns(*page) for page in event.pages))
            if view.session == self.view.session and view.session and view.session.session_id == event.session_id:
                for page, turns in zip(event.pages, loaded, strict=True):
                    self.panes.branch_tree.receive_turns(page.branch_id, view.revision, turns)

        self.run_command(load)

    @on(BranchTree.SessionsNeeded)
    def _load_sessions(self, event: BranchTree.SessionsNeeded) -> None:
        async def load() -> None:
            revision = self.view.revision
            sessions = await self.controller.pages.sessions(event.start, event.end)
            self.panes.branch_tree.receive_sessions(event.start, revision, sessions)

        self.run_command(load)

    # The chat

    @on(Transcript.ItemsNeeded)
    def _load_items(self, event: Transcript.ItemsNeeded) -> None:
        async def load() -> None:
            self.panes.chat.receive(await self.controller.pages.items(event.branch_id, event.start, event.end))

        self.run_command(load)

    @on(Transcript.TurnSelected)
    async def _select_turn_in_chat(self, event: Transcript.TurnSelected) -> None:
        navigation = self.controller.navigation
        if event.position is None or not navigation.select_loaded_turn(event.turn, event.position):
            self.run_command(partial(navigation.select_turn, event.turn))
        # Meanwhile the other panes request to be drawn, so that they change in the same frame as the chat.
        await sleep(0)

    @on(Transcript.TurnClicked)
    def _fork_from_chat(self, event: Transcript.TurnClicked) -> None:
        self._fork_or_open(self.view.branch_id, event.turn)

    @on(Transcript.SiblingRequested)
    def _go_to_sibling(self, event: Transcript.SiblingRequested) -> None:
        self.run_command(partial(self.controller.navigation.go_to_sibling, event.step, event.turn))

    @on(Transcript.LinkOpened)
    def _open_link(self, event: Transcript.LinkOpened) -> None:
        self.app.open_url(event.url)

    def _fork_or_open(self, branch_id: str, turn: int) -> None:
        session = self.view.session
        if self.view.writable and session is not None and turn > 0:
            self.run_holding_keys(partial(self.controller.forks.begin, turn, branch_id))
        else:
            self.run_command(partial(self.controller.navigation.switch_branch, branch_id, turn))

    # The usage

    @on(TokenChart.TurnsNeeded)
    def _load_usages(self, event: TokenChart.TurnsNeeded) -> None:
        async def load() -> None:
            self.panes.usage.receive(event.generation, await self.controller.pages.turn_usages(event.first, event.last))

        self.run_command(load)

    @on(TokenStrip.RequestsWanted)
    def _show_requests(self, event: TokenStrip.RequestsWanted) -> None:
        self.panes.show_requests(event.turn)

    @on(TokenChart.TurnSelected)
    def _select_turn_in_chart(self, event: TokenChart.TurnSelected) -> None:
        self.run_command(partial(self.controller.navigation.select_turn, event.turn))

    # The composer

    @on(Composer.Submitted)
    def _submit(self, event: Composer.Submitted) -> None:
        if self.view.fork is not None:
            if not self._forking:
                self.run_command(partial(self._make_fork, event))
        elif self.view.new_session and self.agent is not None:
            self.agent.begin_session(event.text, event.name)
        elif self.agent is not None:
            self.agent.submit(event.text, event.destination)
        else:
            self.show_notice("No model is set, so nothing was sent. Your text stays here.", "warning")

    async def _make_fork(self, event: Composer.Submitted) -> None:
        self._forking = True
        try:
            branch_id = await self.controller.forks.make(event.name)
        finally:
            self._forking = False
        text, branch = event.text, Destination(event.destination.session_id, branch_id)
        self.panes.composer.move_draft(event.destination, text, branch)
        made = f"Made branch {branch_id}." if event.name else "Made a new branch."
        if self.agent is None:
            kept = "Your text is kept in the composer: no model is set." if text.strip() else "No model is set."
            self.show_notice(f"{made} {kept}")
        elif text.strip():
            await self.agent.send(text, branch)
        else:
            self.show_notice(f"{made} The next message is sent there.")

    @on(Composer.LeaveRequested)
    def _leave_composer(self) -> None:
        agent = self.agent
        if self.view.is_drafting or agent is None or not (agent.ask_for_approval() or agent.stop()):
            self.controller.forks.cancel()
            self.panes.go_to("chat")

    # The approval of tool calls

    @on(RunStatus.Clicked)
    def _ask_for_approval(self) -> None:
        if self.agent is not None:
            self.agent.ask_for_approval()

    @on(ApprovalPrompt.Answered)
    def _answer_approval(self, event: ApprovalPrompt.Answered) -> None:
        if self.agent is not None:
            self.agent.answer_approval(event.branch_id, event.decisions)

    @on(ApprovalPrompt.StopRequested)
    def _stop_instead(self) -> None:
        if self.agent is not None:
            self.agent.stop_instead()

    @on(ApprovalPrompt.Postponed)
    def _postpone_approval(self) -> None:
        if self.agent is not None:
            self.agent.postpone_approval()

    @on(ApprovalPrompt.Typed)
    def _type_for_composer(self, event: ApprovalPrompt.Typed) -> None:
        if self.agent is not None:
            self.agent.type_for_composer(event.text)

    # The search bar

    @on(SearchBar.Changed)
    def _search_typed(self, event: SearchBar.Changed) -> None:
        self.search.search_typed(event.text)

    @on(SearchBar.Submitted)
    def _submit_search(self, event: SearchBar.Submitted) -> None:
        self.search.submit(event.text)

    @on(SearchBar.Cancelled)
    def _cancel_search(self) -> None:
        self.search.cancel()

    @on(SearchBar.ScopeToggled)
    def _toggle_search_scope(self, event: SearchBar.ScopeToggled) -> None:
        self.search.toggle_scope(event.text)

    @on(SearchBar.StepRequested)
    def _step_while_typing(self, event: SearchBar.StepRequested) -> None:
        self.search.step_while_typing(event.step)

    @on(Transcript.MatchShown)
    def _show_match_state(self, event: Transcript.MatchShown) -> None:
        self.search.match_shown(event.number, event.count)
