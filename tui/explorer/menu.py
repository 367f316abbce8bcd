"""The menu of what is under the cursor: the commands that apply to it, from the registry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from textual.geometry import Offset

from tui.commands import COMMANDS, Command, Target
from tui.commands.context import Explorer
from tui.commands.registry import has_key
from tui.explorer.actions import Action, screen_actions
from tui.screens.dialogs.menu import Menu, MenuEntry
from tui.widgets.key_bar import ordered_bindings
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.token_chart import TokenChart

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen
    from textual.widget import Widget

__all__ = ["open_menu", "open_screen_menu"]


class _Section(NamedTuple):
    """A part of the menu: its heading, and the target whose commands it lists."""

    heading: str
    targets: tuple[Target, ...]


class _Runnable(NamedTuple):
    entry: MenuEntry
    action: str
    node: DOMNode | None


class MenuScreen(Explorer, Protocol):
    """The explorer as its menu sees it."""

    @property
    def focused(self) -> Widget | None: ...
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None: ...


async def open_screen_menu(screen: Screen[Any], at: Offset | None = None) -> None:
    """Open the menu of a full screen: what its own keys do, and help and palette."""
    actions = [action for action in screen_actions(screen) if _is_in_screen_menu(action)]
    entries = [MenuEntry(action.group, action.title, action.key_names, action.keys, action.help) for action in actions]

    def closed(index: int | None) -> None:
        if index is not None:
            screen.app.call_later(actions[index].run)

    await screen.app.push_screen(Menu(entries, at or Offset(4, 2)), closed)


def _is_in_screen_menu(action: Action) -> bool:
    return action.id in _ALWAYS or (action.shown and action.id not in COMMANDS and not action.id.endswith(".menu"))


async def open_menu(explorer: MenuScreen, at: Offset | None = None, *, branch_id: str | None = None) -> None:
    """Open the menu of what is under the cursor of the focused pane, beside the cursor or a cell of the screen.

    If `branch_id` is given, it is the menu of that branch, which is shown then.
    """
    if isinstance(chart := explorer.focused, TokenChart):
        # Its cursor moves without selecting, and commands apply to the selected turn.
        chart.action_select()
    if branch_id is not None:
        await explorer.controller.navigation.switch_branch(branch_id)
    runnables = list(_runnables(explorer, branch_id))

    def closed(index: int | None) -> None:
        if index is not None:
            chosen = runnables[index]
            explorer.app.call_later(partial(explorer.app.run_action, chosen.action, chosen.node or explorer.app.screen))

    menu = Menu([runnable.entry for runnable in runnables], at or _beside_cursor(explorer))
    await explorer.push_dialog(menu, closed)


def _sections(explorer: MenuScreen) -> list[_Section]:
    """Return what is under the cursor, the nearest first."""
    panes, view = explorer.panes, explorer.view
    tree, focused = panes.branch_tree, explorer.focused
    branch_id, turn = view.branch_id, view.turn
    if focused is tree:
        if (session := tree.cursor_session) is not None:
            is_open = view.session is not None and session.session_id == view.session.session_id
            targets = (Target.SESSION, Target.OPEN_SESSION) if is_open else (Target.SESSION,)
            return [_Section(f"Session {session.name}", targets)]
        branch_id, turn = tree.cursor_turn or (branch_id, turn)
    sections = []
    if focused is panes.chat:
        sections.append(_Section("Item", (Target.ITEM,)))
    elif isinstance(focused, TokenChart):
        sections.append(_Section("Usage", (Target.BAR,)))
        turn = focused.cursor
    if turn > 0:
        sections.append(_Section(f"Turn {turn}", (Target.TURN,)))
    if branch_id in view.tree.branches:
        sections.append(_branch_section(explorer, branch_id))
    if view.session is not None and focused is not panes.chat:
        sections.append(_Section(f"Session {view.session.name}", (Target.OPEN_SESSION,)))
    return sections


def _branch_section(explorer: MenuScreen, branch_id: str) -> _Section:
    return _Section(f"Branch {explorer.panes.branch_tree.branch_name(branch_id)}", (Target.BRANCH,))


def _runnables(explorer: MenuScreen, branch_id: str | None) -> Iterator[_Runnable]:
    """Yield the entries: what Enter does in the pane, then the commands that apply to what is under the cursor."""
    bindings = ordered_bindings(explorer.app.screen)
    keys: dict[str, list[str]] = {}
    for active in bindings:
        if active.binding.id and has_key(active.binding):
            keys.setdefault(active.binding.id, []).append(active.binding.key)

    def label(names: list[str]) -> str:
        return " ".join(explorer.app.get_key_display(binding) for binding in shown if binding.key in names)

    shown = [active.binding for active in bindings]
    sections = _sections(explorer) if branch_id is None else [_branch_section(explorer, branch_id)]
    first = sections[0].heading if sections else ""
    seen = set()
    titles = explorer.panes.chat.key_titles if explorer.focused is explorer.panes.chat else {}
    for node, binding, _, tooltip in bindings:
        # What Enter does concerns the turn.
        is_own = node is explorer.focused and branch_id is None
        title = titles.get(binding.action, binding.description)
        if is_own and binding.show and binding.id and binding.id not in seen and title:
            seen.add(binding.id)
            names = keys[binding.id]
            help_text = tooltip or binding.description
            entry = MenuEntry(first, title, tuple(names), label(names), help_text)
            yield _Runnable(entry, binding.action, node)
    everywhere = _Section("Program", ())
    for section in (*sections, everywhere):
        for command in COMMANDS.values():
            applies = command.id in _ALWAYS if section is everywhere else set(command.on) & set(section.targets)
            if not applies or command.id in seen or not _can_run(explorer, command):
                continue
            seen.add(command.id)
            names = keys.get(command.id, [])
            entry = MenuEntry(section.heading, command.title, tuple(names), label(names), command.help)
            yield _Runnable(entry, command.action, None)


def _can_run(explorer: MenuScreen, command: Command) -> bool:
    available = explorer.check_action("command", (command.id,))
    return bool(available) and (explorer.view.writable or not command.writes)


def _beside_cursor(explorer: MenuScreen) -> Offset:
    """Return the cell of the screen in which the cursor of the focused pane is."""
    focused = explorer.focused
    if isinstance(focused, BranchTree | Transcript | TokenChart):
        return focused.content_region.offset + Offset(4, focused.cursor_y)
    return Offset(0, 0)


_ALWAYS = ("app.palette", "app.help")
"""Commands at the end of each menu, so that all others are reached with the mouse."""
