"""Writing to a file for its user: each change is one transaction, written down so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tui.errors import ConvoError
from tui.model import JournalEntry
from tui.storage.engine import Engine, Transaction, shielded
from tui.storage.journal import recording as journal
from tui.storage.journal import undo as undoing
from tui.storage.open import open_to_read, open_to_write, write_new_database
from tui.storage.queries.branches import claim_generation, delete_branch, fork_branch
from tui.storage.queries.items import clear_session
from tui.storage.queries.labels import Label, drop_label, read_label, write_label
from tui.storage.queries.turns import resolve_fork_turn
from tui.storage.schema import MAIN, Tables, create_other_tables, create_structure_tables, quoted
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

    async def change(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do some work in one write transaction, to its end even if the call is cancelled meanwhile.

        Args:
            work: Gets the transaction, and records what it does with `journal.recorded`.
            args: What else it gets.
            kwargs: The same, by name.
        """

        def write(engine: Engine) -> T:
            return engine.submit_write(lambda tx: work(tx, *args, **kwargs)).result()

        return await self._run(lambda: open_to_write(self.path, self.tables, self._timeout), write)

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        return await self._run(
            lambda: open_to_read(self.path, self._timeout), lambda engine: engine.submit_read(work).result()
        )

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

        def work(tx: Transaction) -> list[str]:
            with journal.recorded(tx, session_id, "fork") as deed:
                resolve_fork_turn(tx, session_id, source, turn)
                made = [fork_branch(tx, session_id, source, turn, name) for _ in range(times)]
                what = f"'{made[0]}'" if times == 1 else f"{times} branches"
                deed.description, deed.branch_id = f"Forked {what} at turn {turn} of '{source}'", made[0]
            return made

        return await self.change(work)

    async def delete_branch(self, session_id: str, branch_id: str) -> None:
        """Delete a branch, its usage, and the messages that no other branch holds."""
        if branch_id == MAIN:
            raise main_stays()

        def work(tx: Transaction) -> None:
            with journal.recorded(tx, session_id, "delete") as deed:
                gone = delete_branch(tx, session_id, branch_id)
                deed.description = f"Deleted '{branch_id}' ({_count(gone.messages, 'item')} of its own)"
                deed.branch_id = branch_id

        await self.change(work)

    async def delete_session(self, session_id: str) -> None:
        """Delete a session with all its branches."""

        def work(tx: Transaction) -> None:
            with journal.recorded(tx, session_id, "delete", f"Deleted session '{session_id}'"):
                if not tx.has_table("message_structure"):
                    raise ConvoError(f"'{session_id}' is a plain session.", "Archive it instead, with a.")
                clear_session(tx, session_id)
                drop_label(tx, session_id, None)

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

        def work(tx: Transaction) -> None:
            with journal.recorded(tx, session_id, "label", words) as deed:
                deed.branch_id = branch_id
                was = read_label(tx, session_id, branch_id)
                said = Label(
                    was.title if title is None else title,
                    was.note if note is None else note,
                    was.pinned if pinned is None else pinned,
                    was.archived if archived is None else archived,
                )
                write_label(tx, session_id, branch_id, said)

        await self.change(work)

    # Copies

    async def copy_branch(self, session_id: str, branch_id: str, new_session_id: str) -> copying.Copied:
        """Copy a branch into a new session of the same file."""

        def work(tx: Transaction) -> copying.Copied:
            words = f"Copied '{branch_id}' into session '{new_session_id}'"
            with journal.recorded(tx, session_id, "copy", words) as deed:
                deed.branch_id = branch_id
                return copying.copy_branch(tx, session_id, branch_id, tx, new_session_id)

        return await self.change(work)

    async def copy_branch_to_file(
        self, session_id: str, branch_id: str, new_session_id: str, path: Path
    ) -> copying.Copied:
        """Copy a branch as the only session of a new tx, which appears when it is whole.

        It is no change of this file, so it is not written down and cannot be undone.
        """

        def copy(source: Transaction, target: Transaction) -> copying.Copied:
            copied = copying.copy_branch(source, session_id, branch_id, target, new_session_id)
            claim_generation(target, new_session_id)
            return copied

        return await self._read(lambda source: write_new_database(path, lambda target: copy(source, target)))

    async def copy_turns(self, session_id: str, turns: Sequence[tuple[str, int]], branch_id: str) -> copying.Copied:
        """Append copies of turns, each a branch and the number of one of its turns, to a branch."""

        def work(tx: Transaction) -> copying.Copied:
            with journal.recorded(tx, session_id, "turns") as deed:
                copied = copying.copy_turns(tx, session_id, turns, branch_id)
                deed.description = f"Copied {_count(copied.turns, 'turn')} to the end of '{branch_id}'"
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

        def work(tx: Transaction) -> int:
            create_structure_tables(tx)
            create_other_tables(tx)
            if not importing.is_plain(tx, session_id):
                raise ConvoError(f"'{session_id}' is no plain session.", "It has branches already.")
            with journal.recorded(tx, session_id, "adopt", f"Adopted session '{session_id}'"):
                return importing.adopt(tx, session_id, counted)

        return await self.change(work)

    async def bring_in(self, incoming: Sequence[importing.Incoming]) -> None:
        """Write sessions that are not there yet, all of them or none."""

        def work(tx: Transaction) -> None:
            create_structure_tables(tx)
            create_other_tables(tx)
            what = f"session '{incoming[0].session_id}'" if len(incoming) == 1 else f"{len(incoming)} sessions"
            with journal.recorded(tx, incoming[0].session_id, "import", f"Imported {what}"):
                for session in incoming:
                    importing.bring_in(tx, session)

        await self.change(work)

    # What was done

    async def mark(self, session_id: str, branch_id: str) -> journal.BranchCheckpoint:
        """Remember how a branch stands before others write to it."""
        return await self._read(lambda tx: journal.mark(tx, session_id, branch_id))

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
        await self.change(journal.keep, entry_id)

    async def empty_trash(self) -> None:
        """Let all that was done hold for good."""
        await self.change(journal.empty_trash)

    async def _run(self, open_engine: Callable[[], Engine], work: Callable[[Engine], T]) -> T:
        def opened() -> T:
            engine = open_engine()
            try:
                return work(engine)
            except Exception as error:
                if (explained := engine.explain(error)) is None:
                    raise
                raise explained from error
            finally:
                engine.close()

        worker = ThreadPoolExecutor(max_workers=1)
        try:
            return await shielded(worker.submit(opened))
        except ValueError as error:
            raise ConvoError(str(error)) from error
        finally:
            worker.shutdown(wait=False)


def main_stays() -> ConvoError:
    """Why `main` is not deleted."""
    return ConvoError(
        "'main' cannot be deleted: every program opens a session there.", "Archive it with a, or delete the session."
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
