"""Keeping sessions and branches in order: names, pins, the archive, deleting, copies, and undoing all of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.errors import ReadOnlyError
from tui.explorer.base import ExplorerBase

if TYPE_CHECKING:
    from tui.screens.dialogs.delete import DeleteChoice

__all__ = ["Managing"]


class Managing(ExplorerBase):
    """What is done with a session where the tree's cursor is on its row, else with the branch that is shown."""

    async def action_rename(self) -> None:
        await self.at_once(self._rename)

    async def _rename(self) -> None:
        from tui.screens.dialogs.form import Field, Form

        session_id, branch_id = self._meant()
        self._may_write()
        what = self._tree.cursor_session if branch_id is None else self.view.tree.branches.get(branch_id)
        if what is None:
            return
        name = f"session {session_id}" if branch_id is None else f"branch {branch_id}"
        fields = (
            Field("Title", what.title, session_id if branch_id is None else branch_id),
            Field("Note", what.note, "what is to be remembered about it"),
        )

        async def save(said: Sequence[str]) -> None:
            await self._controller.management.rename(session_id, branch_id, *said)

        await self.ask(Form(f"Title and note of {name}", fields, "saves", save))

    def action_pin(self) -> None:
        self._then(lambda: self._controller.management.toggle_pin(*self._meant()))

    def action_archive(self) -> None:
        self._then(lambda: self._controller.management.toggle_archive(*self._meant()))

    def action_show_archived(self) -> None:
        self._then(self._controller.management.toggle_show_archived)

    def action_delete(self) -> None:
        self._then(self._delete)

    async def _delete(self) -> None:
        from tui.screens.dialogs.delete import DeleteChoice, DeleteDialog

        session_id, branch_id = self._meant()
        self._may_write()
        deletion_impact = await self._controller.management.deletion_impact(session_id, branch_id)

        def decided(way: DeleteChoice | None) -> None:
            if way is DeleteChoice.DELETE:
                self._do(partial(self._controller.management.delete, session_id, branch_id))
            elif way is DeleteChoice.ARCHIVE:
                self._do(partial(self._controller.management.toggle_archive, session_id, branch_id))

        self.app.clear_notifications()
        self.app.push_screen(DeleteDialog(deletion_impact), decided)

    async def action_copy_branch(self) -> None:
        await self.at_once(self._copy_branch)

    async def _copy_branch(self) -> None:
        from tui.screens.dialogs.form import Field, Form

        self._may_write()
        branch_id = self._meant()[1] or self.view.branch_id
        fields = (
            Field(
                "Session",
                self._controller.management.suggest_copy_name(branch_id),
                "what the new session is to be called",
            ),
            Field("File", "", "this one; or a new file"),
        )

        async def copy(said: Sequence[str]) -> None:
            name, file = said
            await self._controller.management.copy_branch(branch_id, name, _path(file))

        await self.ask(Form(f"Copy branch {branch_id} into a new session", fields, "copies", copy))

    def action_copy_marked(self) -> None:
        self._then(self._controller.management.copy_marked)

    def action_undo(self) -> None:
        self._then(self._controller.history.undo)

    def action_redo(self) -> None:
        self._then(self._controller.history.redo)

    def action_done(self) -> None:
        self._do(self._list_done)

    async def _list_done(self) -> None:
        from tui.screens.dialogs.undo_history import HistoryActions, UndoHistory

        controller = self._controller
        deeds = HistoryActions(
            controller.history.entries,
            controller.history.undo_or_redo,
            controller.history.make_permanent,
            controller.history.empty_trash,
        )
        # They would lie over the list.
        self.app.clear_notifications()
        self.app.push_screen(UndoHistory(await controller.history.entries(), deeds))

    def _meant(self) -> tuple[str, str | None]:
        """The session, and the branch unless it is the session that is meant."""
        open_id = self.view.session.session_id if self.view.session else ""
        if not self._tree.has_focus:
            return open_id, self.view.branch_id
        # The cursor is ahead of the view.
        session = self._tree.cursor_session
        return (
            (open_id, self._tree.cursor_branch or self.view.branch_id)
            if session is None
            else (session.session_id, None)
        )

    def _may_write(self) -> None:
        """Refuse before anything is typed."""
        if not self.view.writable:
            raise ReadOnlyError("This file is open read-only.", "Open it without --read-only to change it.")


def _path(typed: str) -> Path | None:
    """The file that was typed, if any; `~` is the user's folder."""
    return Path(typed.strip()).expanduser() if typed.strip() else None
