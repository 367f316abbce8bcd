"""Writing to a file for its user: each change is one transaction, written down so that it can be undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Concatenate, ParamSpec, TypeVar

from tui.errors import ConvoError
from tui.model import JournalEntry
from tui.storage.journal import recording as journal
from tui.storage.journal import undo as undoing
from tui.storage.queries import branches, labels
from tui.storage.queries import items as history
from tui.storage.queries import turns as queries
from tui.storage.schema import MAIN, Conversation, Tables, has_table
from tui.storage.sqlite.connection import Connection, Mode, settled
from tui.storage.sqlite.opening import file_error, quoted
from tui.storage.sqlite.transactions import write_lock, writing
from tui.storage.transfer import copy as copying
from tui.storage.transfer import imports as importing

__all__ = ["Editor", "main_stays"]

P = ParamSpec("P")
T = TypeVar("T")


class Editor:
    """Changes one file, which it opens for each change alone.

    Every method raises ConvoError where a change cannot be made, and FileError where the file cannot be written; then
    nothing of it is.

    Attributes:
        path: The file.
        tables: Its base tables.
    """

    def __init__(self, path: Path, sessions_table: str, messages_table: str, *, timeout: float = 5.0) -> None:
        """Make it; the file is not opened yet.

        Args:
            path: The file, which must be there.
            sessions_table: Name of the table of sessions.
            messages_table: Name of the table of messages.
            timeout: How long to wait for a program that has locked the file, in seconds.
        """
        self.path = path
        self.tables = Tables(quoted(sessions_table), quoted(messages_table))
        self._timeout = timeout

    async def change(
        self, work: Callable[Concatenate[sqlite3.Connection, Tables, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do some work in one write transaction, to its end even if the call is cancelled meanwhile.

        Args:
            work: Gets the connection and the base tables, and records what it does with `journal.recorded`.
            args: What else it gets.
            kwargs: The same, by name.
        """

        def transaction(db: sqlite3.Connection) -> T:
            with writing(db, write_lock(self.path)):
                return work(db, self.tables, *args, **kwargs)

        return await self._run("rw", transaction)

    # Branches

    async def fork(self, session_id: str, source: str, turn: int, name: str | None = None, times: int = 1) -> list[str]:
        """Make branches that share the turns of `source` before `turn`.

        Args:
            session_id: The session.
            source: The branch to fork from.
            turn: The first turn that is not shared; one more than the last to share all.
            name: Id of the branch, never used before in this session; made of turn and time if None.
            times: How many branches.

        Returns:
            Their ids.
        """

        def work(db: sqlite3.Connection, tables: Tables) -> list[str]:
            conversation = Conversation(session_id, tables)
            with journal.recorded(db, tables, session_id, "fork") as deed:
                queries.first_left_out(db, conversation, source, turn)
                made = [branches.fork(db, conversation, source, turn, name) for _ in range(times)]
                what = f"'{made[0]}'" if times == 1 else f"{times} branches"
                deed.words, deed.branch_id = f"Forked {what} at turn {turn} of '{source}'", made[0]
            return made

        return await self.change(work)

    async def delete_branch(self, session_id: str, branch_id: str) -> None:
        """Delete a branch, its usage, and the messages that no other branch holds."""
        if branch_id == MAIN:
            raise main_stays()

        def work(db: sqlite3.Connection, tables: Tables) -> None:
            with journal.recorded(db, tables, session_id, "delete") as deed:
                gone = branches.delete(db, Conversation(session_id, tables), branch_id)
                deed.words = f"Deleted '{branch_id}' ({_count(gone.messages, 'item')} of its own)"
                deed.branch_id = branch_id

        await self.change(work)

    async def delete_session(self, session_id: str) -> None:
        """Delete a session with all its branches."""

        def work(db: sqlite3.Connection, tables: Tables) -> None:
            with journal.recorded(db, tables, session_id, "delete", f"Deleted session '{session_id}'"):
                if not has_table(db, "message_structure"):
                    raise ConvoError(f"'{session_id}' is a plain session.", "Archive it instead, with a.")
                history.clear(db, Conversation(session_id, tables))
                labels.drop(db, session_id, None)

        await self.change(work)

    # Labels

    async def label(
        self,
        session_id: str,
        branch_id: str | None,
        *,
        title: str | None = None,
        note: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
        words: str,
    ) -> None:
        """Say something of a branch, or of a session where the branch is None; what is None stays as it is.

        Args:
            session_id: The session.
            branch_id: The branch.
            title: What it is to be called; empty for its id.
            note: What is to be remembered about it.
            pinned: Whether it is to be at hand.
            archived: Whether it is put away.
            words: What is done, for the list of what was done.
        """

        def work(db: sqlite3.Connection, tables: Tables) -> None:
            with journal.recorded(db, tables, session_id, "label", words) as deed:
                deed.branch_id = branch_id
                was = labels.read(db, session_id, branch_id)
                said = labels.Label(
                    was.title if title is None else title,
                    was.note if note is None else note,
                    was.pinned if pinned is None else pinned,
                    was.archived if archived is None else archived,
                )
                labels.write(db, session_id, branch_id, said)

        await self.change(work)

    # Copies

    async def copy_branch(self, session_id: str, branch_id: str, new_session_id: str) -> copying.Copied:
        """Copy a branch into a new session of the same file."""

        def work(db: sqlite3.Connection, tables: Tables) -> copying.Copied:
            words = f"Copied '{branch_id}' into session '{new_session_id}'"
            with journal.recorded(db, tables, session_id, "copy", words) as deed:
                deed.branch_id = branch_id
                source, target = Conversation(session_id, tables), Conversation(new_session_id, tables)
                return copying.copy_branch(db, source, branch_id, db, target)

        return await self.change(work)

    async def copy_branch_to_file(
        self, session_id: str, branch_id: str, new_session_id: str, path: Path
    ) -> copying.Copied:
        """Copy a branch as the only session of a new file, which appears when it is whole.

        It is no change of this file, so it is not written down and cannot be undone.
        """
        origin, copy = Conversation(session_id, self.tables), Conversation(new_session_id)
        return await self._run("ro", lambda source: _write_copy(source, origin, branch_id, copy, path))

    async def copy_turns(self, session_id: str, turns: Sequence[tuple[str, int]], branch_id: str) -> copying.Copied:
        """Append copies of turns, each a branch and the number of one of its turns, to a branch."""

        def work(db: sqlite3.Connection, tables: Tables) -> copying.Copied:
            with journal.recorded(db, tables, session_id, "turns") as deed:
                copied = copying.copy_turns(db, Conversation(session_id, tables), turns, branch_id)
                deed.words = f"Copied {_count(copied.turns, 'turn')} to the end of '{branch_id}'"
                deed.branch_id = branch_id
                return copied

        return await self.change(work)

    # What comes from elsewhere

    async def adopt(self, session_id: str, counted: importing.Counted = lambda batches, _: batches) -> int:
        """Work out the structure of a plain session and write it; tells how many items it has.

        Args:
            session_id: Its id.
            counted: Gets the batches of rows and about how many there will be, and hands them on; what it raises
                stops the work, and nothing is written.
        """

        def work(db: sqlite3.Connection, tables: Tables) -> int:
            conversation = Conversation(session_id, tables)
            tables.create_structure(db)
            tables.create_rest(db)
            if not importing.is_plain(db, conversation):
                raise ConvoError(f"'{session_id}' is no plain session.", "It has branches already.")
            with journal.recorded(db, tables, session_id, "adopt", f"Adopted session '{session_id}'"):
                return importing.adopt(db, conversation, counted)

        return await self.change(work)

    async def bring_in(self, incoming: Sequence[importing.Incoming]) -> None:
        """Write sessions that are not there yet, all of them or none."""

        def work(db: sqlite3.Connection, tables: Tables) -> None:
            tables.create_structure(db)
            tables.create_rest(db)
            what = f"session '{incoming[0].session_id}'" if len(incoming) == 1 else f"{len(incoming)} sessions"
            with journal.recorded(db, tables, incoming[0].session_id, "import", f"Imported {what}"):
                for session in incoming:
                    importing.bring_in(db, Conversation(session.session_id, tables), session)

        await self.change(work)

    # What was done

    async def mark(self, session_id: str, branch_id: str) -> journal.BranchCheckpoint:
        """Remember how a branch stands before others write to it."""
        return await self._run("ro", lambda db: journal.mark(db, self.tables, session_id, branch_id))

    async def note_since(self, before: journal.BranchCheckpoint, op: str, words: str) -> None:
        """Write down what others have written to the end of a branch since."""
        await self.change(journal.note_since, before, op, words)

    async def undo(self, back_to: int | None = None) -> tuple[JournalEntry, ...]:
        """Undo what was done last, or all back to and with an entry; tells what was undone."""
        return await self.change(undoing.undo, back_to)

    async def redo(self, up_to: int | None = None) -> tuple[JournalEntry, ...]:
        """Do again what was undone last, or all up to and with an entry; tells what was done again."""
        return await self.change(undoing.redo, up_to)

    async def keep(self, entry_id: int) -> None:
        """Let something that was done hold for good."""
        await self.change(lambda db, _: journal.keep(db, entry_id))

    async def empty_trash(self) -> None:
        """Let all that was done hold for good."""
        await self.change(lambda db, _: journal.empty_trash(db))

    async def _run(self, mode: Mode, work: Callable[[sqlite3.Connection], T]) -> T:
        def opened() -> T:
            connection = Connection(self.path, mode=mode, timeout=self._timeout)
            try:
                return connection.run_sync(work)
            finally:
                connection.close()

        worker = ThreadPoolExecutor(max_workers=1)
        try:
            return await settled(worker.submit(opened))
        except sqlite3.Error as error:
            raise file_error(self.path, error) from error
        except ValueError as error:
            raise ConvoError(str(error)) from error
        finally:
            worker.shutdown(wait=False)


def main_stays() -> ConvoError:
    """Why `main` is not deleted."""
    return ConvoError(
        "'main' cannot be deleted: every program opens a session there.", "Archive it with a, or delete the session."
    )


def _write_copy(
    source: sqlite3.Connection, origin: Conversation, branch_id: str, copy: Conversation, path: Path
) -> copying.Copied:
    """Write a branch to a file that does not exist yet; nobody sees it unfinished."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise ConvoError(f"{path} is there already.", "Name a file that does not exist yet.") from error
    except OSError as error:
        raise ConvoError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    try:
        with TemporaryDirectory(prefix=".convo-", dir=path.parent) as folder:
            unfinished = Path(folder) / path.name
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as target, target:
                target.execute("BEGIN IMMEDIATE")
                copy.tables.create_base(target)
                copy.tables.create_structure(target)
                copy.tables.create_rest(target)
                copied = copying.copy_branch(source, origin, branch_id, target, copy)
                branches.claim_generation(target, copy)
            unfinished.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return copied


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
