"""The management of sessions and branches: titles, notes, pins, the archive, deletion, copies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tui.controller.navigation import Navigation
from tui.controller.reload import Reloader
from tui.controller.state import State
from tui.errors import ConvoError, NotFoundError
from tui.model import Branch, DeletionImpact, Session
from tui.storage.schema import MAIN
from tui.words import plural

__all__ = ["Management"]


class Management:
    """Renames, pins, archives, deletes and copies sessions and branches.

    If a method takes a session and a branch, None for the branch means the session itself. All methods that change
    something raise ReadOnlyError if the file is open read-only, and ConvoError if the change cannot be made.
    """

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader
        self._hidden: tuple[tuple[str, str | None], int] | None = None

    async def rename(self, session_id: str, branch_id: str | None, title: str, note: str) -> None:
        """Set the title and the note of a session or branch; its id remains."""
        async with self._state.write_lock:
            title, note = title.strip(), note.strip()
            target = await self._find(session_id, branch_id)
            if (title, note) == (target.title, target.note):
                return
            name = self._display_name(session_id, branch_id)
            if title == target.title:
                words = f"Note saved for {name}" if note else f"Note removed from {name}"
            else:
                words = f"Renamed {name} to “{title}”" if title else f"Title removed from {name}"
            await self._label(session_id, branch_id, words, title=title, note=note)

    async def toggle_pin(self, session_id: str, branch_id: str | None) -> None:
        """Pin or unpin a session or branch."""
        async with self._state.write_lock:
            if self._asks_again("pin", session_id, branch_id):
                return
            pinned = not (await self._find(session_id, branch_id)).pinned
            words = f"{'Pinned' if pinned else 'Unpinned'} {self._display_name(session_id, branch_id)}"
            await self._label(session_id, branch_id, words, pinned=pinned)

    async def toggle_archive(self, session_id: str, branch_id: str | None) -> None:
        """Archive or unarchive a session or branch."""
        async with self._state.write_lock:
            archived = not (await self._find(session_id, branch_id)).archived
            if archived and branch_id is not None and self._is_only_branch(branch_id):
                raise ConvoError(
                    "The only branch cannot be archived.", "Archive the session: press a on its row in the tree."
                )
            if self._asks_again("archive" if archived else "unarchive", session_id, branch_id):
                return
            words = f"{'Archived' if archived else 'Unarchived'} {self._display_name(session_id, branch_id)}"
            await self._label(session_id, branch_id, words, archived=archived)

    async def toggle_show_archived(self) -> None:
        """Show or hide archived sessions and branches."""
        state = self._state
        async with state.write_lock:
            state.publish(show_archived=not state.view.show_archived)
            await self._reloader.reload()
            labelled: Iterable[Session | Branch] = (*state.view.tree.branches.values(), *state.view.sessions)
            if state.view.show_archived and not any(one.archived for one in labelled):
                state.notify("Nothing is archived.")

    async def deletion_impact(self, session_id: str, branch_id: str | None) -> DeletionImpact:
        """Return what would be lost if a session or branch was deleted.

        Raises:
            NotFoundError: There is no such session or branch.
            ConvoError: It cannot be deleted, or an answer is under way on it.
        """
        if branch_id == MAIN:
            from tui.storage.editor import cannot_delete_main

            raise cannot_delete_main()
        self._state.require_idle(session_id, branch_id, may_pause=True)
        return await self._state.store.deletion_impact(await self._state.find_session(session_id), branch_id)

    async def delete(self, session_id: str, branch_id: str | None) -> None:
        """Delete a branch, or a session with all its branches."""
        state = self._state
        async with state.write_lock:
            state.require_writable()
            state.require_idle(session_id, branch_id, may_pause=True)
            editor, place, name = await state.editor(), self._place, self._display_name(session_id, branch_id)
            if branch_id is None:
                await self._reloader.apply(editor.delete_session(session_id))
            else:
                await self._reloader.apply(editor.delete_branch(session_id, branch_id))
            self._hide(session_id, branch_id, place)
            state.notify(f"Deleted {name}{self._arrived(place)}. z undoes it.")

    def suggest_copy_name(self, branch_id: str) -> str:
        """Return an unused session id for a copy of a branch."""
        session_id = self._state.require_session().session_id
        used = {session.session_id for session in self._state.view.sessions}
        name = base = f"{session_id}-{branch_id}"
        number = 1
        while name in used:
            number += 1
            name = f"{base}-{number}"
        return name

    async def copy_branch(self, branch_id: str, new_session_id: str, path: Path | None = None) -> None:
        """Copy a branch into a new session of this file, or of a new file at `path`."""
        state = self._state
        async with state.write_lock:
            state.require_writable()
            session = state.require_session()
            if not new_session_id.strip():
                raise ConvoError("The new session needs a name.")
            editor = await state.editor()
            if path is not None:
                await editor.copy_branch_to_file(session.session_id, branch_id, new_session_id, path)
                state.notify(f"Copied {state.view.quoted_branch(branch_id)}. To open the copy: convo-tui {path}")
                return
            copied = await self._reloader.apply(editor.copy_branch(session.session_id, branch_id, new_session_id))
            state.notify(f"Copied {plural(copied.turns, 'turn')} into session '{new_session_id}'. z undoes it.")

    async def copy_marked(self) -> None:
        """Append copies of the marked turns to the shown branch, in the order in which they were marked."""
        state = self._state
        async with state.write_lock:
            state.require_writable()
            session, marks, branch_id = state.require_session(), state.view.marks, state.target[0]
            if not marks:
                raise ConvoError("No turn is marked.", "v marks the selected turn.")
            state.require_idle(session.session_id, branch_id)
            editor = await state.editor()
            copied = await self._reloader.apply(editor.copy_turns(session.session_id, marks, branch_id))
            state.publish(marks=())
            await self._navigation.switch_branch(branch_id, state.view.tree.branches[branch_id].turns)
            what = f"{plural(copied.turns, 'turn')} ({plural(copied.items, 'item')})"
            state.notify(f"Copied {what} to the end of {state.view.quoted_branch(branch_id)}. z undoes it.")

    async def _label(
        self,
        session_id: str,
        branch_id: str | None,
        words: str,
        *,
        title: str | None = None,
        note: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
    ) -> None:
        """Change the labels that are not None; `words` describe the change."""
        self._state.require_writable()
        editor = await self._state.editor()
        label = editor.label(
            session_id, branch_id, title=title, note=note, pinned=pinned, archived=archived, description=words
        )
        place = self._place
        leave_session = bool(archived) and branch_id is None and session_id == place[0]
        await self._reloader.apply(label, lambda _: [branch_id] if archived else [], leave_session=leave_session)
        if archived:
            self._hide(session_id, branch_id, place)
        self._state.notify(f"{words}{self._arrived(place)}. z undoes it{', . shows it' if archived else ''}.")

    def session_seen(self) -> None:
        """Take note that the user went to the row of a session, which the next change may be for."""
        self._hidden = None

    @property
    def _place(self) -> tuple[str, str]:
        """The session and branch that are shown."""
        view = self._state.view
        return view.session.session_id if view.session is not None else "", view.branch_id

    def _arrived(self, before: tuple[str, str]) -> str:
        """Return words for the place that is shown because the one before is gone; empty if it is shown still."""
        place = self._place
        if place == before:
            return ""
        if place[0] != before[0]:
            return f"; now in session '{self._state.view.session_name(place[0])}'"
        branch = self._state.view.tree.branches.get(place[1])
        name = self._state.view.quoted_branch(place[1])
        return f"; now on {name}{', which is archived' if branch is not None and branch.archived else ''}"

    def _hide(self, session_id: str, branch_id: str | None, before: tuple[str, str]) -> None:
        """Remember what a change hid: in its place may be what the user has not looked at."""
        if branch_id is None or self._place != before:
            self._hidden = (session_id, branch_id), self._state.navigation_id

    def _asks_again(self, verb: str, session_id: str, branch_id: str | None) -> bool:
        """Ask, instead of changing at once what took the place of what the last change hid, unless the user moved."""
        target, hidden, self._hidden = (session_id, branch_id), self._hidden, None
        if hidden is None or hidden[0] == target or hidden[1] != self._state.navigation_id:
            return False
        if branch_id is None and hidden[0][1] is not None:
            # In the place of a branch is another branch, never a session.
            return False
        name = self._display_name(session_id, branch_id)
        self._state.notify(f"This is {name} now. The same key again would {verb} it.")
        return True

    async def _find(self, session_id: str, branch_id: str | None) -> Session | Branch:
        """Return a session of the file, or a branch of the open session; raise NotFoundError if there is none."""
        if branch_id is None:
            return await self._state.find_session(session_id)
        branch = self._state.view.tree.branches.get(branch_id)
        if branch is None:
            raise NotFoundError(f"There is no branch '{branch_id}'.")
        return branch

    def _is_only_branch(self, branch_id: str) -> bool:
        return all(branch.archived for name, branch in self._state.view.tree.branches.items() if name != branch_id)

    def _display_name(self, session_id: str, branch_id: str | None) -> str:
        view = self._state.view
        return f"session '{view.session_name(session_id)}'" if branch_id is None else view.quoted_branch(branch_id)
