"""Changes that the user makes to a database: each is one transaction, recorded so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from tui.errors import ConvoError
from tui.model import JournalEntry, Outcome, PausedRun
from tui.model.journal import describe_run
from tui.storage.engine import Engine, Transaction, shielded
from tui.storage.journal.recording import (
    BranchCheckpoint,
    empty_trash,
    make_permanent,
    record,
    record_since,
    take_checkpoint,
)
from tui.storage.journal.undo import Check, redo, undo
from tui.storage.open import Server, Target, open_to_read, open_to_write, write_new_database
from tui.storage.queries.branches import branch_exists, claim_generation, delete_branch, fork_branch
from tui.storage.queries.items import append_items, clear_session, encode_items
from tui.storage.queries.labels import drop_label, read_label, write_label
from tui.storage.queries.paused_runs import pause_run, take_paused_run
from tui.storage.queries.runs import EndedRun, record_run
from tui.storage.queries.sessions import drop_place, find_session, keep_place, read_seal
from tui.storage.queries.turns import resolve_fork_turn
from tui.storage.schema import MAIN, create_branch_tables, quoted
from tui.storage.tables import Tables
from tui.storage.transfer.adoption import Adoption, TrackProgress, added_to_branch, adopt_messages, adopt_plain_session
from tui.storage.transfer.copy import CopyCounts, copy_branch, copy_turns
from tui.storage.transfer.imports import ImportedSession, import_session, require_unused
from tui.storage.transfer.sessions import SessionCopy, write_copy
from tui.words import plural

__all__ = ["LOCK_SECONDS", "Editor", "cannot_delete_main", "checkpoint_of"]

P = ParamSpec("P")
T = TypeVar("T")


LOCK_SECONDS: Final = 5.0
"""Seconds that a change waits for the lock of its file."""


class Editor:
    """Makes changes to a file, which it opens anew for each change, or to a database on a server.

    Each method raises ConvoError if the change cannot be made, and FileError if the database cannot be written; then
    nothing is changed.

    Attributes:
        path: The file, or the database on a server.
        tables: Its base tables.
    """

    def __init__(
        self, path: Target, sessions_table: str, messages_table: str, *, timeout: float = LOCK_SECONDS
    ) -> None:
        """Create the editor of an existing database; `timeout` is how long to wait for a file's lock, in seconds."""
        self.path = path
        self.tables = Tables(quoted(sessions_table), quoted(messages_table))
        self._timeout = timeout

    async def change(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in one write transaction, which completes even if the call is cancelled.

        The function gets the transaction and the other arguments, and makes its changes inside `record`.
        """

        return await self._run(
            self._open, lambda engine: engine.submit_write(lambda tx: work(tx, *args, **kwargs)).result()
        )

    async def _change(self, work: Callable[[Transaction], T], *session_ids: str) -> T:
        """Run a function as `change` does, once nobody else changes the sessions."""

        def locked(tx: Transaction) -> T:
            for session_id in sorted(session_ids):
                tx.lock_session(session_id)
            return work(tx)

        return await self.change(locked)

    def _open(self) -> Engine:
        return open_to_write(self.path, self.tables, self._timeout)

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        return await self._run(self._open_to_read, lambda engine: engine.submit_read(work).result())

    def _open_to_read(self) -> Engine:
        return open_to_read(self.path, self._timeout, once=True)

    # Branches

    async def fork(self, session_id: str, source: str, turn: int, name: str | None = None, times: int = 1) -> list[str]:
        """Create branches that share the turns of `source` before `turn`.

        Args:
            session_id: The session.
            source: The branch to fork from.
            turn: The first turn that is not shared; to share all turns, the one after the last.
            name: Id of the branch, never used before in this session; if None, made of turn and time.
            times: Number of branches.

        Returns:
            The ids of the branches.
        """

        def work(tx: Transaction) -> list[str]:
            with record(tx, session_id, "fork") as entry:
                adopt_plain_session(tx, session_id)
                resolve_fork_turn(tx, session_id, source, turn)
                created = [fork_branch(tx, session_id, source, turn, name) for _ in range(times)]
                branches = f" {times} branches" if times > 1 else f" '{name}'" if name else ""
                entry.description, entry.branch_id = f"Forked{branches} at turn {turn} of '{source}'", created[0]
            return created

        return await self._change(work, session_id)

    async def delete_branch(self, session_id: str, branch_id: str) -> None:
        """Delete a branch, its usage, and the messages that no other branch holds."""
        if branch_id == MAIN:
            raise cannot_delete_main()

        def work(tx: Transaction) -> None:
            with record(tx, session_id, "delete") as entry, keep_place(tx, session_id):
                deleted = delete_branch(tx, session_id, branch_id)
                entry.description = f"Deleted '{branch_id}' ({plural(deleted.messages, 'item')} of its own)"
                entry.branch_id = branch_id

        await self._change(work, session_id)

    async def create_session(self, session_id: str) -> None:
        """Add a session without messages."""

        def work(tx: Transaction) -> None:
            create_branch_tables(tx)
            require_unused(tx, session_id)
            with record(tx, session_id, "session", f"Began session '{session_id}'"):
                tx.execute(
                    f"INSERT INTO {tx.tables.sessions} (session_id, created_at, updated_at)"
                    " VALUES (:session_id, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
                    session_id=session_id,
                )

        await self._change(work, session_id)

    async def delete_session(self, session_id: str) -> None:
        """Delete a session with all its branches."""

        def work(tx: Transaction) -> None:
            with record(tx, session_id, "delete", f"Deleted session '{session_id}'"):
                create_branch_tables(tx)
                clear_session(tx, session_id)
                drop_label(tx, session_id, None)
                drop_place(tx, session_id)

        await self._change(work, session_id)

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
        description: str,
    ) -> None:
        """Change the label of a branch, or of the session if `branch_id` is None; None keeps what is stored.

        A new title that is the id of another branch, or of another session, is refused: the id comes first where the
        user names one. `description` says for the journal what is changed.
        """

        def work(tx: Transaction) -> None:
            with record(tx, session_id, "label", description) as entry:
                entry.branch_id = branch_id
                fields: dict[str, Any] = {"title": title, "note": note, "pinned": pinned, "archived": archived}
                changed = {name: value for name, value in fields.items() if value is not None}
                before = read_label(tx, session_id, branch_id)
                if title and title != before.title:
                    _require_no_other_id(tx, session_id, branch_id, title)
                write_label(tx, session_id, branch_id, before._replace(**changed))

        await self._change(work, session_id)

    # Paused runs

    async def pause_run(self, run: PausedRun, state: str) -> int:
        """Store a run that waits for approval with the agent's `state`, and return its number."""
        return await self._change(lambda tx: pause_run(tx, run, state), run.session_id)

    async def take_paused_run(self, run_id: int) -> PausedRun | None:
        """Remove a paused run from the file and return it; None if others took or deleted it before."""
        return await self.change(take_paused_run, run_id)

    async def stop_paused_run(self, run_id: int) -> PausedRun | None:
        """Take a paused run and, unless its branch has changed, complete the branch as that of a stopped run."""

        def work(tx: Transaction) -> PausedRun | None:
            run = take_paused_run(tx, run_id)
            if run is not None and not run.is_outdated:
                seal = read_seal(tx, run.session_id)
                append_items(tx, run.session_id, run.branch_id, encode_items(run.stop_items, seal))
                ended = EndedRun(
                    Outcome.STOPPED,
                    run.model,
                    run.agent,
                    run.started_at,
                    run.seconds,
                    None,
                    run.estimated,
                    run.reported,
                )
                record_run(tx, run.session_id, run.branch_id, ended)
                description = describe_run(run.message if seal is None else None, run.branch_id)
                record_since(tx, checkpoint_of(run), "run", description)
            return run

        return await self.change(work)

    # Copies

    async def copy_branch(self, session_id: str, branch_id: str, new_session_id: str) -> CopyCounts:
        """Copy a branch to a new session of the same file."""

        def work(tx: Transaction) -> CopyCounts:
            description = f"Copied '{branch_id}' into session '{new_session_id}'"
            with record(tx, session_id, "copy", description) as entry:
                entry.branch_id = branch_id
                create_branch_tables(tx)
                return copy_branch(tx, session_id, branch_id, tx, new_session_id)

        return await self._change(work, session_id, new_session_id)

    async def copy_branch_to_file(self, session_id: str, branch_id: str, new_session_id: str, path: Path) -> CopyCounts:
        """Copy a branch to the only session of a new file, which appears when it is complete.

        The copy cannot be undone: this file is not changed.
        """

        def copy(source: Transaction, target: Transaction) -> CopyCounts:
            copied = copy_branch(source, session_id, branch_id, target, new_session_id)
            claim_generation(target, new_session_id)
            return copied

        return await self._read(lambda source: write_new_database(path, lambda target: copy(source, target)))

    async def copy_turns(self, session_id: str, turns: Sequence[tuple[str, int]], branch_id: str) -> CopyCounts:
        """Append copies of turns, each given as a branch and a number, to a branch."""

        def work(tx: Transaction) -> CopyCounts:
            with record(tx, session_id, "turns") as entry:
                adopt_plain_session(tx, session_id)
                copied = copy_turns(tx, session_id, turns, branch_id)
                entry.description = f"Copied {plural(copied.turns, 'turn')} to the end of '{branch_id}'"
                entry.branch_id = branch_id
                return copied

        return await self._change(work, session_id)

    # Imports

    async def adopt(self, session_id: str, track: TrackProgress | None = None) -> Adoption:
        """Add the messages of a session that have no branch to `main`, or to a new branch if it has branches.

        If `track` raises an error, nothing is written.
        """

        def work(tx: Transaction) -> Adoption:
            with record(tx, session_id, "adopt") as entry:
                adopted = adopt_messages(tx, session_id, track)
                if not adopted.items:
                    raise ConvoError(f"All messages of '{session_id}' are in branches.", "Fork from one of them.")
                entry.description, entry.branch_id = added_to_branch(session_id, adopted), adopted.branch_id
                return adopted

        return await self._change(work, session_id)

    async def import_sessions(self, sessions: Sequence[ImportedSession]) -> None:
        """Write new sessions, all of them or none."""

        def work(tx: Transaction) -> None:
            create_branch_tables(tx)
            first = sessions[0].session_id
            description = f"Imported session '{first}'" if len(sessions) == 1 else f"Imported {len(sessions)} sessions"
            with record(tx, first, "import", description):
                for session in sessions:
                    import_session(tx, session)

        await self._change(work, *(session.session_id for session in sessions))

    async def write_copy(self, copy: SessionCopy) -> None:
        """Write a copy of a session of another database, over a former one if that is unchanged."""

        def work(tx: Transaction) -> None:
            create_branch_tables(tx)
            description = f"Copied session '{copy.session.session_id}' from {copy.source}"
            with record(tx, copy.session.session_id, "copy", description):
                write_copy(tx, copy)

        await self._change(work, copy.session.session_id)

    # The journal

    async def take_checkpoint(self, session_id: str, branch_id: str) -> BranchCheckpoint:
        """Return the state of a branch before others write to it, for `record_since`."""
        # A reader of a server has other names for the tables.
        opened = self._open if isinstance(self.path, Server) else self._open_to_read
        return await self._run(
            opened, lambda engine: engine.submit_read(lambda tx: take_checkpoint(tx, session_id, branch_id)).result()
        )

    async def record_since(self, checkpoint: BranchCheckpoint, operation: str, description: str) -> None:
        """Record what others appended to a branch since a checkpoint."""
        await self._change(lambda tx: record_since(tx, checkpoint, operation, description), checkpoint.session_id)

    async def undo(self, back_to: int | None = None, *, check: Check | None = None) -> tuple[JournalEntry, ...]:
        """Undo the newest change that is in effect, or the entry `back_to` and all newer ones.

        `check` is called for each of these entries inside the transaction, on another thread, before anything is
        changed; it may raise ConvoError.

        Returns:
            The entries in the order in which they were undone.
        """
        return await self.change(undo, back_to, check=check)

    async def redo(self, up_to: int | None = None, *, check: Check | None = None) -> tuple[JournalEntry, ...]:
        """Redo the oldest change that was undone, or the entry `up_to` and all older ones that were undone.

        `check` and the result are as with `undo`.
        """
        return await self.change(redo, up_to, check=check)

    async def make_permanent(self, entry_id: int) -> None:
        """Make a change permanent, so that it cannot be undone any more."""
        await self.change(make_permanent, entry_id)

    async def empty_trash(self) -> None:
        """Make all changes permanent."""
        await self.change(empty_trash)

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


def _require_no_other_id(tx: Transaction, session_id: str, branch_id: str | None, title: str) -> None:
    """Raise ConvoError if a title is the id of another branch, or of another session if `branch_id` is None."""
    if branch_id is None:
        kind, taken = "session", title != session_id and find_session(tx, title) is not None
    else:
        kind, taken = "branch", title != branch_id and branch_exists(tx, session_id, title)
    if taken:
        raise ConvoError(f"'{title}' is the id of another {kind}.", "Choose another title.")


def checkpoint_of(run: PausedRun) -> BranchCheckpoint:
    """Return the state of the branch of a paused run before that run.

    Raises:
        ConvoError: It is not stored as this program stores it.
    """
    try:
        checkpoint = BranchCheckpoint(**run.checkpoint)
        empty_row, session_row = (None if row is None else tuple(row) for row in checkpoint[-2:])
        last_ids = {table: int(last) for table, last in checkpoint.last_ids.items()}
        if checkpoint.session_id != run.session_id:
            raise ValueError("It is the state of another session.")
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise ConvoError("The paused run is damaged.", "Delete its branch, or fork from an earlier turn.") from error
    # A compaction gives the branch of a waiting run another id.
    return checkpoint._replace(branch_id=run.branch_id, last_ids=last_ids, empty_row=empty_row, session_row=session_row)


def cannot_delete_main() -> ConvoError:
    """Return the error for an attempt to delete `main`."""
    return ConvoError(
        "'main' cannot be deleted: every program opens a session there.", "Archive it, or delete the session."
    )
