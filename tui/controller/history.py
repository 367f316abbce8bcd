"""Undo and redo."""

from __future__ import annotations

from typing import Final

from tui.controller.navigation import Navigation
from tui.controller.reload import Reloader
from tui.controller.state import State
from tui.model import EntryState, JournalEntry, Origin
from tui.words import plural

__all__ = ["History"]

_MAKES_SESSION: Final = frozenset({"session", "import", "copy"})
"""The operations that add a session, in which no branch is named."""


class History:
    """Undoes and redoes the changes that were made to the file.

    All methods that change something raise ReadOnlyError if the file is open read-only, and ConvoError if the change
    cannot be made.
    """

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader

    async def entries(self) -> tuple[JournalEntry, ...]:
        """Return the changes that were made to the file, the newest first."""
        return await self._state.store.journal()

    async def undo(self, back_to: int | None = None) -> None:
        """Undo the last change, or all changes back to and including an entry."""
        async with self._state.write_lock:
            self._state.notify(await self._undo_or_redo(EntryState.DONE, back_to))

    async def redo(self, up_to: int | None = None) -> None:
        """Redo the change that was undone last, or all changes up to and including an entry."""
        async with self._state.write_lock:
            self._state.notify(await self._undo_or_redo(EntryState.UNDONE, up_to))

    async def undo_or_redo(self, entry: JournalEntry) -> None:
        """Undo all changes back to an entry, or redo all changes up to it, without showing a notice."""
        async with self._state.write_lock:
            await self._undo_or_redo(entry.state, entry.id)

    async def make_permanent(self, entry_id: int) -> None:
        """Make a change permanent, so that undo skips it."""
        async with self._state.write_lock:
            self._state.require_writable()
            await (await self._state.editor()).make_permanent(entry_id)

    async def empty_trash(self) -> None:
        """Make all changes permanent, and free the space in the file that undoing them would need."""
        async with self._state.write_lock:
            self._state.require_writable()
            await (await self._state.editor()).empty_trash()
            self._state.notify("Emptied the trash: the changes so far are permanent.")

    async def _undo_or_redo(self, entry_state: EntryState, limit: int | None) -> str:
        """Undo or redo changes, and return a notice about it."""
        state, undoing = self._state, entry_state is EntryState.DONE
        state.require_writable()

        def require_idle(entry: JournalEntry) -> None:
            # A change of a label does not conflict with an answer.
            if entry.operation != "label":
                state.require_idle(entry.session_id, entry.branch_id)

        before, editor = state.view.tree, await state.editor()
        changed = await self._reloader.apply(
            editor.undo(limit, check=require_idle) if undoing else editor.redo(limit, check=require_idle),
            lambda changed: [entry.branch_id for entry in changed],
            go_back=undoing,
        )
        last = changed[-1]
        restores = last.operation == "delete" if undoing else last.operation in _MAKES_SESSION
        if restores and last.branch_id is None and await state.store.session(last.session_id) is not None:
            await self._navigation.select_session(last.session_id)
        session = state.view.session
        here = session is not None and session.session_id == last.session_id
        named = {entry.branch_id for entry in changed} if here else set()
        turns = {name: branch.turns for name, branch in state.view.tree.branches.items() if name in named}
        touched = [name for name in turns if name not in before.branches or before.branches[name].turns != turns[name]]
        if touched:
            branch_id = touched[0] if last.branch_id not in touched else last.branch_id
            await self._navigation.switch_branch(branch_id, turns[branch_id] if branch_id in before.branches else None)
        what = f"{plural(len(changed), 'change')}, the last: " if len(changed) > 1 else ""
        where = "" if here else f" (session '{state.view.session_name(last.session_id)}')"
        done, reverse = ("Undone", "Z redoes it") if undoing else ("Redone", "z undoes it")
        origins = {entry.origin for entry in changed} - {Origin.HERE}
        maker = f", made {' and '.join(sorted(origins))}" if origins else ""
        return f"{done}: {what}{last.readable_description}{where}{maker}. {reverse}."
