"""What is done with sessions and branches as a whole: named, put away, deleted, copied; and all of it undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from tui.controller.base import ControllerBase
from tui.errors import ConvoError, NotFoundError
from tui.model import Branch, DeletionImpact, EntryState, JournalEntry, Session
from tui.storage.schema import MAIN

__all__ = ["Managing"]

P = ParamSpec("P")
S = TypeVar("S", bound="Managing")
T = TypeVar("T")


def _in_turn(
    command: Callable[Concatenate[S, P], Awaitable[None]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, None]]:
    """Have a command wait for those given before it: what it does depends on what they did."""

    @wraps(command)
    async def waiting(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        async with self._deeds:
            await command(self, *args, **kwargs)

    return waiting


class Managing(ControllerBase):
    """Sessions and branches as things to keep in order.

    Where a method takes a session and a branch, None for the branch means the session itself. All that change
    something raise ReadOnlyError where the file is open to look only, and ConvoError where they cannot be done.
    """

    async def _known(self, session_id: str, branch_id: str | None) -> Session | Branch:
        """A session of the file, or a branch of the open one.

        Raises:
            NotFoundError: There is no such session or branch.
        """
        if branch_id is None:
            return await self._session(session_id)
        branch = self.view.tree.branches.get(branch_id)
        if branch is None:
            raise NotFoundError(f"There is no branch '{branch_id}'.")
        return branch

    def name_for_copy(self, branch_id: str) -> str:
        """A session's name that is not taken, for a copy of a branch."""
        session = self._open_session()
        taken = {known.session_id for known in self.view.sessions}
        name = base = f"{session.session_id}-{branch_id}"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        return name

    @_in_turn
    async def rename(self, session_id: str, branch_id: str | None, title: str, note: str) -> None:
        """Give a title and a note; the id stays."""
        title, note = title.strip(), note.strip()
        what = await self._known(session_id, branch_id)
        if (title, note) == (what.title, what.note):
            return
        name = _called(session_id, branch_id)
        if title == what.title:
            words = f"Noted something of {name}" if note else f"Took the note of {name} away"
        else:
            words = f"Named {name} “{title}”" if title else f"Took the title of {name} away"
        await self._label(session_id, branch_id, words, title=title, note=note)

    @_in_turn
    async def toggle_pin(self, session_id: str, branch_id: str | None) -> None:
        """Keep at hand, or no longer."""
        pinned = not (await self._known(session_id, branch_id)).pinned
        words = f"{'Pinned' if pinned else 'Unpinned'} {_called(session_id, branch_id)}"
        await self._label(session_id, branch_id, words, pinned=pinned)

    @_in_turn
    async def toggle_archive(self, session_id: str, branch_id: str | None) -> None:
        """Put away, or bring back."""
        archived = not (await self._known(session_id, branch_id)).archived
        if (
            archived
            and branch_id is not None
            and all(branch.archived for name, branch in self.view.tree.branches.items() if name != branch_id)
        ):
            raise ConvoError("It is the only branch that is left.", "Archive the session: on its row in the tree, a.")
        words = f"{'Archived' if archived else 'Brought back'} {_called(session_id, branch_id)}"
        await self._label(session_id, branch_id, words, archived=archived)

    @_in_turn
    async def toggle_archived(self) -> None:
        """Show what is archived among the rest, or no longer."""
        self._show(show_archived=not self.view.show_archived)
        async with self._steps:
            await self._take_in()
        await self.load_usage()
        branches = any(branch.archived for branch in self.view.tree.branches.values())
        if self.view.show_archived and not branches and not any(found.archived for found in self.view.sessions):
            self._tell("Nothing is archived.")

    async def deletion_impact(self, session_id: str, branch_id: str | None) -> DeletionImpact:
        """What deleting would take away.

        Raises:
            NotFoundError: There is no such session or branch.
            ConvoError: It cannot be deleted, or not now.
        """
        if branch_id == MAIN:
            from tui.storage.editor import main_stays

            raise main_stays()
        self._check_idle(session_id, branch_id)
        return await self._store.deletion_impact(await self._session(session_id), branch_id)

    @_in_turn
    async def delete(self, session_id: str, branch_id: str | None) -> None:
        """Delete a branch, or a whole session."""
        self._check_writable()
        self._check_idle(session_id, branch_id)
        editor = await self._edit()
        if branch_id is None:
            await self._change(editor.delete_session(session_id))
        else:
            await self._change(editor.delete_branch(session_id, branch_id), [branch_id])
        self._tell(f"Deleted {_called(session_id, branch_id)}. z undoes it.")

    @_in_turn
    async def copy_branch(self, branch_id: str, new_session_id: str, path: Path | None = None) -> None:
        """Copy a branch into a new session of this file, or of a new file."""
        self._check_writable()
        session = self._open_session()
        if not new_session_id.strip():
            raise ConvoError("The new session needs a name.")
        editor = await self._edit()
        if path is None:
            copied = await self._change(editor.copy_branch(session.session_id, branch_id, new_session_id))
        else:
            await editor.copy_branch_to_file(session.session_id, branch_id, new_session_id, path)
            self._tell(f"Copied '{branch_id}'. To look at it: convo-tui {path}")
            return
        self._tell(f"Copied {copied.turns} turns into session '{new_session_id}'. z undoes it.")

    @_in_turn
    async def copy_marked(self) -> None:
        """Append copies of the marked turns to the shown branch, in the order in which they were marked."""
        self._check_writable()
        session, marks, branch_id = self._open_session(), self.view.marks, self._aim[0]
        if not marks:
            raise ConvoError("No turn is marked.", "v marks the selected turn.")
        self._check_idle(session.session_id, branch_id)
        editor = await self._edit()
        copied = await self._change(editor.copy_turns(session.session_id, marks, branch_id))
        self._show(marks=())
        await self.switch_branch(branch_id, self.view.tree.branches[branch_id].turns)
        self._tell(
            f"Copied {copied.turns} turn{'s' if copied.turns != 1 else ''} ({copied.items} items) to the end of"
            f" '{branch_id}'. z undoes it."
        )

    # What was done

    async def history(self) -> tuple[JournalEntry, ...]:
        """What was done to the file, the newest first."""
        return await self._store.journal()

    @_in_turn
    async def undo(self, back_to: int | None = None) -> None:
        """Undo what was done last, or all back to and with an entry."""
        self._tell(await self._turn_over(EntryState.DONE, back_to))

    @_in_turn
    async def redo(self, up_to: int | None = None) -> None:
        """Do again what was undone last, or all up to and with an entry."""
        self._tell(await self._turn_over(EntryState.UNDONE, up_to))

    @_in_turn
    async def undo_or_redo(self, entry: JournalEntry) -> None:
        """Undo all back to an entry, or do all up to it again, and say nothing of it."""
        await self._turn_over(entry.state, entry.id)

    @_in_turn
    async def keep(self, entry_id: int) -> None:
        """Let something that was done hold for good: undoing passes it over."""
        self._check_writable()
        await (await self._edit()).keep(entry_id)

    @_in_turn
    async def empty_trash(self) -> None:
        """Let all that was done hold for good, and give the space back to the file."""
        self._check_writable()
        await (await self._edit()).empty_trash()
        self._tell("The trash is empty: what was done holds for good.")

    async def _turn_over(self, state: EntryState, limit: int | None) -> str:
        self._check_writable()
        undoing = state is EntryState.DONE
        waiting = [entry for entry in await self._store.journal() if entry.state is state]
        if limit is None:
            meant = waiting[:1] if undoing else waiting[-1:]
        else:
            meant = [entry for entry in waiting if (entry.id >= limit if undoing else entry.id <= limit)]
        for entry in meant:
            if entry.op != "label":
                self._check_idle(entry.session_id, entry.branch_id)
        before, editor = self.view.tree, await self._edit()
        turned = await self._change(
            editor.undo(limit) if undoing else editor.redo(limit), [entry.branch_id for entry in meant]
        )
        last, session = turned[-1], self.view.session
        here = session is not None and session.session_id == last.session_id
        named = {entry.branch_id for entry in turned} if here else set()
        back = next((name for name in self.view.tree.branches if name in named and name not in before.branches), None)
        if back is not None:
            await self.switch_branch(back)
        what = last.words if len(turned) == 1 else f"{len(turned)} changes, the last: {last.words}"
        where = "" if here else f" (session '{last.session_id}')"
        return f"{'Undone' if undoing else 'Done again'}: {what}{where}. {'Z' if undoing else 'z'} takes it back."

    # How it is done

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
        self._check_writable()
        editor = await self._edit()
        label = editor.label(
            session_id, branch_id, title=title, note=note, pinned=pinned, archived=archived, words=words
        )
        await self._change(label, [branch_id] if archived else (), leave_session=bool(archived) and branch_id is None)
        self._tell(f"{words}. z undoes it." + (" . shows it." if archived else ""))

    async def _change(
        self, change: Awaitable[T], letting_go: Collection[str | None] = (), *, leave_session: bool = False
    ) -> T:
        """Change the file and show it.

        Args:
            change: Changes it.
            letting_go: Branches that need not be shown any longer.
            leave_session: Whether that is so of the open session too.
        """
        self._changing += 1
        try:
            result = await change
            async with self._steps:
                version = await self._store.changes()
                await self._take_in(letting_go, leave_session=leave_session)
                self._version = version
        finally:
            self._changing -= 1
        await self.load_usage()
        return result

    def _busy(self, session_id: str) -> Collection[str]:  # noqa: ARG002 nothing runs here
        """The branches of a session on which an agent answers."""
        return ()

    def _check_idle(self, session_id: str, branch_id: str | None) -> None:
        """Refuse to change what an agent is writing to.

        Raises:
            ConvoError: An answer is under way there.
        """
        busy = self._busy(session_id)
        if busy and (branch_id is None or branch_id in busy):
            raise ConvoError(
                f"An answer is under way on '{branch_id or next(iter(busy))}'.", "Stop it first, with Esc."
            )

    def _open_session(self) -> Session:
        session = self.view.session
        if session is None:
            raise ConvoError("No session is open.")
        if session.plain:
            raise ConvoError(f"'{session.session_id}' is a plain session.", "P adopts it.")
        return session

    async def _session(self, session_id: str) -> Session:
        session = await self._store.session(session_id)
        if session is None:
            raise NotFoundError(f"There is no session '{session_id}'.")
        return session


def _called(session_id: str, branch_id: str | None) -> str:
    return f"session '{session_id}'" if branch_id is None else f"'{branch_id}'"
