"""Commands that go to another branch, fork or session."""

from __future__ import annotations

from functools import partial

from tui.commands.context import Explorer
from tui.commands.registry import command
from tui.errors import ConvoError
from tui.model import SessionSort
from tui.widgets.lists.names import branch_choices, session_choices


@command(
    "branch.pick",
    keys="b",
    title="Branches",
    help="Pick a branch by typing part of its name",
    footer=True,
    synonyms=("switch", "checkout", "open branch"),
    holds_keys=True,
)
async def pick_branch(explorer: Explorer) -> None:
    from tui.screens.dialogs.picker import Picker

    def picked(branch_id: str | None) -> None:
        if branch_id is not None:
            explorer.run_command(partial(explorer.controller.navigation.switch_branch, branch_id))

    choices = branch_choices(explorer.view, await explorer.controller.pages.fork_words())
    await explorer.push_dialog(Picker("Branches", choices, current=explorer.view.branch_id), picked)


@command(
    "branch.previous",
    keys="left_square_bracket",
    title="Previous sibling",
    help="Previous alternative at this fork, the one above in the tree",
)
async def previous_sibling(explorer: Explorer) -> None:
    await explorer.controller.navigation.go_to_sibling(-1)


@command(
    "branch.next",
    keys="right_square_bracket",
    title="Sibling",
    help="Next alternative at this fork, the one below in the tree",
    footer=True,
    synonyms=("next sibling", "alternative"),
)
async def next_sibling(explorer: Explorer) -> None:
    await explorer.controller.navigation.go_to_sibling(1)


@command(
    "point.previous",
    keys="left_curly_bracket",
    title="Previous fork",
    help="Previous fork point on this path",
)
async def previous_fork_point(explorer: Explorer) -> None:
    await explorer.controller.navigation.go_to_fork_point(-1)


@command(
    "point.next",
    keys="right_curly_bracket",
    title="Next fork",
    help="Next fork point on this path",
)
async def next_fork_point(explorer: Explorer) -> None:
    await explorer.controller.navigation.go_to_fork_point(1)


@command(
    "branch.back",
    keys="minus",
    title="Back",
    help="Go back to the place before: a branch, a session, or where a search began",
    footer=True,
    synonyms=("last branch", "toggle branch", "return"),
)
async def switch_back(explorer: Explorer) -> None:
    await explorer.controller.navigation.switch_back()


@command(
    "session.pick",
    keys="s",
    title="Sessions",
    help="Pick another session of the file",
    footer=True,
    synonyms=("switch session", "open session"),
    holds_keys=True,
)
async def pick_session(explorer: Explorer) -> None:
    from tui.screens.dialogs.remote_picker import Matches, RemotePicker

    async def find(typed: str, limit: int, sort: str) -> Matches:
        try:
            sessions, total = await explorer.controller.pages.matching_sessions(typed, limit, SessionSort(sort))
        except ConvoError as error:
            explorer.report(error)
            return Matches((), 0)
        return Matches(session_choices(sessions), total)

    def picked(session_id: str | None) -> None:
        if session_id is not None:
            explorer.run_command(partial(explorer.controller.navigation.select_session, session_id))

    current = explorer.view.session.session_id if explorer.view.session else None
    await explorer.push_dialog(RemotePicker("Sessions", find, list(SessionSort), current=current), picked)
