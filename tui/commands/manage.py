"""Commands that rename, pin, archive, delete and copy sessions and branches, and undo.

They apply to a session if the tree has the focus and its cursor is on the row of a session, else to a branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.context import Explorer
from tui.commands.registry import Target, command

if TYPE_CHECKING:
    from tui.model import Branch, Session
    from tui.screens.dialogs.delete import DeleteChoice


def _target(explorer: Explorer) -> tuple[str, str | None]:
    """Return the session, and the branch unless the command applies to the session itself."""
    open_id = explorer.view.session.session_id if explorer.view.session else ""
    tree = explorer.panes.branch_tree
    if not tree.has_focus:
        return open_id, explorer.view.branch_id
    # The cursor moves before the view follows it.
    if tree.cursor_session is not None:
        return tree.cursor_session.session_id, None
    return open_id, tree.cursor_branch or explorer.view.branch_id


def _named(explorer: Explorer, branch_id: str | None) -> Session | Branch | None:
    """Return the target with its title: the session under the cursor if `branch_id` is None."""
    if branch_id is None:
        return explorer.panes.branch_tree.cursor_session
    return explorer.view.tree.branches.get(branch_id)


@command(
    "manage.name",
    keys="comma,f2",
    title="Rename",
    help="Title and note of this branch or session",
    on=(Target.BRANCH, Target.SESSION),
    synonyms=("name", "label", "describe"),
    writes=True,
    holds_keys=True,
)
async def rename(explorer: Explorer) -> None:
    from tui.screens.dialogs.form import Field, Form

    session_id, branch_id = _target(explorer)
    kind, name = ("session", session_id) if branch_id is None else ("branch", branch_id)
    target = _named(explorer, branch_id)
    if target is None:
        return
    fields = (Field("Title", target.title, name), Field("Note", target.note, "a reminder for later"))

    async def save(values: Sequence[str]) -> None:
        await explorer.controller.management.rename(session_id, branch_id, *values)

    await explorer.push_dialog(Form(f"Title and note of {kind} {name}", fields, "saves", save))


@command(
    "manage.pin",
    keys="asterisk",
    title="Pin",
    help="Pin / unpin this branch or session",
    on=(Target.BRANCH, Target.SESSION),
    synonyms=("star", "favourite", "bookmark"),
    writes=True,
)
async def toggle_pin(explorer: Explorer) -> None:
    await explorer.controller.management.toggle_pin(*_target(explorer))


@command(
    "manage.archive",
    keys="a",
    title="Archive",
    help="Archive / unarchive this branch or session",
    on=(Target.BRANCH, Target.SESSION),
    synonyms=("put away", "hide", "restore"),
    writes=True,
)
async def toggle_archive(explorer: Explorer) -> None:
    await explorer.controller.management.toggle_archive(*_target(explorer))


@command(
    "manage.archived",
    keys="full_stop",
    title="Archived",
    help="Show / hide archived branches and sessions",
    on=(Target.OPEN_SESSION,),
    synonyms=("hidden",),
)
async def toggle_show_archived(explorer: Explorer) -> None:
    await explorer.controller.management.toggle_show_archived()


@command(
    "manage.delete",
    keys="d",
    title="Delete",
    help="Delete this branch or session, after showing what would be lost",
    on=(Target.BRANCH, Target.SESSION),
    synonyms=("remove", "drop"),
    writes=True,
    holds_keys=True,
)
async def delete(explorer: Explorer) -> None:
    from tui.screens.dialogs.delete import DeleteChoice, DeleteDialog

    session_id, branch_id = _target(explorer)
    management = explorer.controller.management
    target = _named(explorer, branch_id)
    impact = await management.deletion_impact(session_id, branch_id)

    def chosen(choice: DeleteChoice | None) -> None:
        if choice is DeleteChoice.DELETE:
            explorer.run_holding_keys(partial(management.delete, session_id, branch_id))
        elif choice is DeleteChoice.ARCHIVE:
            explorer.run_holding_keys(partial(management.toggle_archive, session_id, branch_id))

    branch_name = explorer.panes.branch_tree.branch_name

    def kept_name(branch: Branch) -> str:
        return branch.title_and_id if branch.title else branch_name(branch)

    title = target.title if target else ""
    if branch_id is not None and (name := branch_name(branch_id)) != branch_id:
        title = name
    await explorer.push_dialog(DeleteDialog(impact, title, kept_name), chosen)


@command(
    "manage.copy",
    keys="Y",
    title="Copy branch",
    help="Copy this branch into a new session or file",
    on=(Target.BRANCH,),
    synonyms=("duplicate", "extract"),
    writes=True,
    holds_keys=True,
)
async def copy_branch(explorer: Explorer) -> None:
    from tui.screens.dialogs.form import Field, Form

    management = explorer.controller.management
    branch_id = _target(explorer)[1] or explorer.view.branch_id
    branch = explorer.panes.branch_tree.branch_name(branch_id)
    fields = (
        Field("Session", management.suggest_copy_name(branch_id), "name of the new session"),
        Field("File", "", "this one; or a new file"),
    )

    async def copy(values: Sequence[str]) -> None:
        name, file = (value.strip() for value in values)
        await management.copy_branch(branch_id, name, _path(file) if file else None)

    await explorer.push_dialog(Form(f"Copy branch {branch} into a new session", fields, "copies", copy))


@command(
    "manage.compact",
    title="Compact branch",
    help="Compact this branch: a model summarizes it, and its history is kept",
    on=(Target.BRANCH,),
    synonyms=("summarize", "shorten", "compress"),
    needs_agent=True,
    writes=True,
    holds_keys=True,
)
async def compact_branch(explorer: Explorer) -> None:
    from tui.screens.dialogs.compact import CompactDialog

    agent = explorer.controller.agent
    if agent is None:
        return
    branch_id = _target(explorer)[1] or explorer.view.branch_id

    def confirmed(answer: bool | None) -> None:
        if answer:
            explorer.run_command(partial(agent.compact, branch_id))

    preview, name = await agent.compaction_preview(branch_id), explorer.panes.branch_tree.branch_name(branch_id)
    await explorer.push_dialog(CompactDialog(preview, name), confirmed)


@command(
    "manage.turns",
    keys="greater_than_sign",
    title="Copy turns",
    help="Copy the marked turns to the end of this branch",
    on=(Target.BRANCH,),
    synonyms=("paste", "append", "cherry-pick"),
    writes=True,
)
async def copy_marked_turns(explorer: Explorer) -> None:
    await explorer.controller.management.copy_marked()


@command(
    "manage.undo",
    keys="z",
    title="Undo",
    help="Undo the last change",
    synonyms=("revert", "take back"),
    writes=True,
)
async def undo(explorer: Explorer) -> None:
    await explorer.controller.history.undo()


@command(
    "manage.redo",
    keys="Z",
    title="Redo",
    help="Redo the last change that was undone",
    synonyms=("do again",),
    writes=True,
)
async def redo(explorer: Explorer) -> None:
    await explorer.controller.history.redo()


@command(
    "manage.done",
    keys="at",
    title="Changes",
    help="Changes: undo back to a point, empty the trash",
    on=(Target.OPEN_SESSION,),
    synonyms=("history", "undo list", "journal", "log"),
    holds_keys=True,
)
async def show_changes(explorer: Explorer) -> None:
    from tui.screens.dialogs.undo_history import HistoryActions, UndoHistory

    history = explorer.controller.history
    actions = HistoryActions(history.entries, history.undo_or_redo, history.make_permanent, history.empty_trash)
    await explorer.push_dialog(UndoHistory(await history.entries(), actions))


def _path(typed: str) -> Path:
    return Path(typed).expanduser()
