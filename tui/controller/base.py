"""What every controller is: one open file and one state, commands in, views out.

The controller knows no terminal. Each command reads what it needs, then replaces `view` with a new snapshot and tells
the listeners. When the user has moved on before an answer came, the answer is dropped; a command that starts from the
selected turn starts from the one that the user went to last, also before its answer has come. What others have
written is taken in between two commands and drops none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from tui.errors import NotFoundError, ReadOnlyError
from tui.model import (
    EMPTY_TREE,
    Notice,
    Scope,
    Session,
    Severity,
    TurnTree,
    View,
    usage_page,
)
from tui.storage.store import Store, Version

if TYPE_CHECKING:
    from tui.session import AdvancedSQLiteSession
    from tui.storage.editor import Editor

__all__ = ["ControllerBase", "Listener"]

Listener: TypeAlias = Callable[[View], None]

_NOTHING: Final[dict[str, Any]] = {
    "session": None,
    "session_index": None,
    "tree": EMPTY_TREE,
    "branch_id": "",
    "turn": 0,
    "items": 0,
    "position": 0,
    "page": None,
    "preview": False,
    "branch_usage": None,
    "resend_cost": None,
    "marks": (),
    "unseen": frozenset(),
    "fork": None,
}
"""What a view shows of a file without sessions."""


class ControllerBase:
    """The state of one explorer.

    Attributes:
        answers: Whether messages are answered here.
        view: What the panes show now.
        path: The open file.
    """

    answers: ClassVar[bool] = False

    def __init__(self, store: Store, *, read_only: bool = False) -> None:
        """Stand in front of an open file; `open` shows something of it."""
        self.path: Path = store.path
        self.view = View(file=str(store.path), writable=not read_only)
        self._store = store
        self._listeners: list[Listener] = []
        self._moves = 0
        self._changing = 0
        self._deeds = asyncio.Lock()
        self._version: Version | None = None
        self._steps = asyncio.Lock()
        self._sums = asyncio.Lock()
        self._summed: tuple[TurnTree, int] = EMPTY_TREE, -1
        self._last_session: int | None = None
        self._placed: tuple[str, int] = ("", 0)
        self._archived = False
        self._aim: tuple[str, int] = ("", 0)
        self._opened: tuple[str, int] = ("", 0)
        self._before: tuple[str, int] | None = None
        self._visited: dict[str, int] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with each new view; call what this returns to end it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    async def open(self, session_id: str | None = None, branch_id: str | None = None) -> None:
        """Show a session and branch of the file: by default those written last.

        What may take longer than a first screen should is left for `load_rest`.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
            ConvoError: The file cannot be read.
        """
        self._version = await self._store.changes()
        _, self._last_session = await self._store.sessions_since(None)
        self._show(**await self._newest())
        sessions = self.view.sessions
        if session_id is None and not sessions:
            return
        await self._select(sessions[0].session_id if session_id is None else session_id, branch_id)
        if self.view.session is not None:
            self._store.prefetch_usage(self.view.session, self.view.tree, self.view.branch_id)

    async def load_rest(self) -> None:
        """Work out what a first screen does not wait for: where the session stands, and what the branch cost."""
        await self._load_place()
        await self.load_usage()

    async def load_usage(self) -> None:
        """Work out what the shown branch cost, unless that is known."""
        async with self._sums:
            view = self.view
            if view.session is None or (view.branch_usage is not None and self._summed == (view.tree, view.revision)):
                return
            page = usage_page(max(view.turn, 1))
            branch_usage = await self._store.branch_usage(view.session, view.tree, view.branch_id, page)
            if self.view.tree is view.tree and self.view.branch_id == view.branch_id:
                self._summed = view.tree, view.revision
                self._show(branch_usage=branch_usage)
                await self._account(view.session, view.tree)

    async def _account(self, session: Session, tree: TurnTree) -> None:
        """Work out what else there is to say of the accounts that were just shown."""

    async def select_session(self, session_id: str, branch_id: str | None = None) -> None:
        """Open another session of the file, at the branch written last unless one is named.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
        """
        await self._select(session_id, branch_id)
        await self.load_rest()

    async def switch_branch(self, branch_id: str, turn: int | None = None) -> None:
        """Show another branch, at a turn of it: by default where the user left it, else its end.

        Raises:
            NotFoundError: The session has no such branch.
        """
        if branch_id not in self.view.tree.branches:
            raise NotFoundError(f"There is no branch '{branch_id}'.", f"There are: {_listed(self.view.tree.branches)}.")
        await self._go(self._move(), branch_id, self._visited.get(branch_id) if turn is None else turn, fork=None)

    async def switch_back(self) -> None:
        """Show the branch that was open before this one, if any."""
        if self._before is None or self._before[0] not in self.view.tree.branches:
            self._tell("There is no branch to go back to.")
            return
        await self.switch_branch(*self._before)

    async def preview(self, branch_id: str, turn: int) -> None:
        """Show a turn in passing: the opened branch stays the one that `leave_preview` comes back to."""
        if branch_id in self.view.tree.branches:
            await self._go(self._move(), branch_id, turn, preview=branch_id != self._opened[0])

    async def leave_preview(self) -> None:
        """Come back from `preview` to the opened branch."""
        if self.view.preview and self._opened[0] in self.view.tree.branches:
            await self._go(self._move(), *self._opened)

    async def select_turn(self, turn: int) -> None:
        """Select a turn of the branch that is shown; the nearest one where it has no such turn."""
        await self._go(self._move(), self._aim[0], turn, preview=self._aim[0] != self._opened[0])

    def select_loaded_turn(self, turn: int, position: int) -> bool:
        """Select a turn of the branch that is shown, at once: a pane shows its items already.

        Args:
            turn: Its number.
            position: Position in the branch of its first item.

        Returns:
            Whether it is selected; not while something else is on its way, for which `select_turn` waits.
        """
        view = self.view
        if self._steps.locked() or self._aim != (view.branch_id, view.turn):
            return False
        self._move()
        self._aim = view.branch_id, turn
        if not view.preview:
            self._enter(*self._aim)
        self._show(turn=turn, position=position)
        return True

    def set_scope(self, scope: Scope) -> None:
        """Choose which sum the usage pane shows."""
        self._show(scope=scope)

    def next_scope(self) -> None:
        """Go to the next sum: own, path, all."""
        scopes = list(Scope)
        self.set_scope(scopes[(scopes.index(self.view.scope) + 1) % len(scopes)])

    async def refresh(self) -> bool:
        """Take in what others have written to the file since; whether there was anything.

        Raises:
            FileError: The file cannot be read now; the next call takes in what this one could not.
        """
        async with self._steps:
            version = await self._store.changes()
            changed = version != self._version
            if changed:
                await self._take_in()
                self._version = version
        await self.load_rest()
        return changed

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    async def _edit(self) -> Editor:
        """What changes the file of that name, which may have become another one.

        Raises:
            FileError: It is gone.
        """
        from tui.storage.editor import Editor

        await self._store.changes()
        return Editor(self.path, self._store.sessions_table, self._store.messages_table)

    def _check_writable(self) -> None:
        """Refuse to change a file that is open to look only.

        Raises:
            ReadOnlyError: It is.
        """
        if not self.view.writable:
            raise ReadOnlyError("The file is open to look only.", "Open it without --read-only to change it.")

    def _writer(self, session_id: str) -> AdvancedSQLiteSession:
        from tui.session import AdvancedSQLiteSession

        return AdvancedSQLiteSession(
            session_id=session_id,
            db_path=self.path,
            sessions_table=self._store.sessions_table,
            messages_table=self._store.messages_table,
        )

    async def _select(self, session_id: str, branch_id: str | None) -> None:
        move = self._move()
        async with self._steps:
            session = await self._store.session(session_id)
            if session is None:
                names = [known.session_id for known in self.view.sessions]
                raise NotFoundError(
                    f"The file has no session '{session_id}'.",
                    f"It has: {_listed(names, self.view.sessions_remaining)}.",
                )
            tree = await self._tree(session, branch_id)
            if branch_id is not None and branch_id not in tree.branches:
                raise NotFoundError(
                    f"Session '{session_id}' has no branch '{branch_id}'.", f"It has: {_listed(tree.branches)}."
                )
            if move == self._moves:
                await self._begin(session, tree, branch_id)

    async def _begin(self, session: Session, tree: TurnTree, branch_id: str | None = None, **changes: Any) -> None:
        """Show a session at the end of a branch, by default the one written last; other moves come to nothing."""
        shown = await self._read(session, tree, branch_id or await self._last_branch(session, tree), None)
        self._move()
        self._opened, self._before, self._visited = ("", 0), None, {}
        self._enter(shown["branch_id"], shown["turn"])
        self._aim = self._opened
        self._show(
            **shown,
            session=session,
            tree=tree,
            session_index=None,
            preview=False,
            fork=None,
            marks=(),
            unseen=frozenset(),
            branch_usage=None,
            resend_cost=None,
            **changes,
        )

    async def _newest(self) -> dict[str, Any]:
        """What a view shows of the sessions of the file.

        Without those that are archived, unless these are shown or nothing else is there.
        """
        self._archived = self.view.show_archived or not await self._store.count_sessions(archived=False)
        sessions = await self._store.sessions(archived=self._archived)
        count = await self._store.count_sessions(archived=self._archived)
        return {"sessions": sessions, "sessions_remaining": max(0, count - len(sessions))}

    async def _load_place(self) -> None:
        """Find where the open session stands, unless it is among the newest."""
        session, revision = self.view.session, self.view.revision
        if session is None or any(known.session_id == session.session_id for known in self.view.sessions):
            if self.view.session_index is not None:
                self._show(session_index=None)
        elif self._placed != (session.session_id, revision):
            place = await self._store.place(session.session_id, archived=self._archived)
            if (self.view.session, self.view.revision) == (session, revision):
                self._placed = session.session_id, revision
                self._show(session_index=place)

    async def _take_in(self, letting_go: Collection[str | None] | None = None, *, leave_session: bool = False) -> None:
        """Show what the file holds now, with the user where they were as far as that is still there.

        Args:
            letting_go: Where the user has changed the file: the branches that are shown no longer than they must.
            leave_session: Whether that is so of the open session too.
        """
        view, by_others = self.view, letting_go is None and not self._changing
        changes = await self._newest()
        made, self._last_session = await self._store.sessions_since(self._last_session)
        if by_others and made:
            changes["unseen_sessions"] = view.unseen_sessions | made
        sessions, changes["revision"] = changes["sessions"], view.revision + 1
        session = await self._store.session(view.session.session_id) if view.session and not leave_session else None
        if session is None:
            if view.session is not None and by_others:
                self._tell(f"Session '{view.session.session_id}' is gone: another program cleared it.", "warning")
            if sessions:
                await self._begin(sessions[0], await self._tree(sessions[0]), **changes)
            else:
                self._aim = self._opened = ("", 0)
                self._show(**changes, **_NOTHING)
            return
        kept = {view.branch_id, self._opened[0]}.difference(letting_go or ())
        tree = await self._tree(session, *kept)
        branch_id, turn = view.branch_id, view.turn or None
        if self._follows(branch_id) and branch_id in view.tree.branches:
            turn = None if view.turn >= view.tree.branches[branch_id].turns else turn
        if branch_id not in tree.branches:
            if by_others:
                self._tell(f"Branch '{branch_id}' is gone: another program deleted it.", "warning")
            if self._opened[0] in tree.branches:
                branch_id, turn = self._opened
            else:
                branch_id = _next_of_kin(view.tree, branch_id, tree) or await self._last_branch(session, tree)
            changes["branch_usage"] = changes["resend_cost"] = None
        changes["marks"] = tuple(mark for mark in view.marks if tree.chain_at(*mark))
        came = tree.branches.keys() - view.tree.branches.keys() if by_others else set()
        came = {name for name in came if not tree.branches[name].archived}
        changes["unseen"] = frozenset(name for name in (*view.unseen, *came) if name in tree.branches)
        shown = await self._read(session, tree, branch_id, turn)
        if self._aim == (view.branch_id, view.turn):
            self._aim = shown["branch_id"], shown["turn"]
        preview = view.preview and branch_id != self._opened[0] and self._opened[0] in tree.branches
        if not preview:
            self._opened = shown["branch_id"], shown["turn"]
        self._show(**shown, **changes, session=session, tree=tree, preview=preview)

    async def _tree(self, session: Session, *kept: str | None) -> TurnTree:
        """The tree of a session; without branches that are archived, unless these are shown or nothing else is there.

        Args:
            session: The session.
            kept: Branches that are in it even so.
        """
        tree = await self._store.tree(session)
        hidden = [name for name, branch in tree.branches.items() if branch.archived and name not in kept]
        return tree if self.view.show_archived or len(hidden) == len(tree.branches) else tree.without(hidden)

    def _follows(self, branch_id: str) -> bool:  # noqa: ARG002 nothing runs here
        """Whether who is at the end of a branch is taken along as it grows."""
        return False

    async def _go(self, move: int, branch_id: str, turn: int | None, **changes: Any) -> None:
        """Show a branch and a turn of it, then what the branch cost."""
        await self._look(move, branch_id, turn, **changes)
        if move == self._moves:
            await self.load_usage()

    async def _look(
        self, move: int, branch_id: str, turn: int | None, *, preview: bool = False, **changes: Any
    ) -> None:
        """Show a branch and a turn of it, with whatever else changes, unless the user has moved on meanwhile."""
        if branch_id in self.view.tree.branches:
            self._aim = branch_id, _nearest(self.view.tree, branch_id, turn)
        async with self._steps:
            view = self.view
            try:
                if move != self._moves or view.session is None or branch_id not in view.tree.branches:
                    return
                shown = await self._read(view.session, view.tree, branch_id, turn)
                if move != self._moves:
                    return
                if not preview:
                    self._enter(branch_id, shown["turn"])
                if branch_id != view.branch_id:
                    changes["branch_usage"] = changes["resend_cost"] = None
                self._show(**shown, preview=preview, **changes)
            finally:
                if move == self._moves:
                    # Also where it could not be read: who goes on from here goes on from what is shown.
                    self._aim = self.view.branch_id, self.view.turn

    async def _last_branch(self, session: Session, tree: TurnTree) -> str:
        """The branch written last; while others write, it may be younger than the tree, which then gives its own."""
        branch_id = await self._store.last_branch(session)
        return branch_id if branch_id in tree.branches else list(tree.branches)[-1]

    async def _read(self, session: Session, tree: TurnTree, branch_id: str, turn: int | None) -> dict[str, Any]:
        """What a view shows of a branch and a turn of it."""
        turn = _nearest(tree, branch_id, turn)
        at_end = turn == tree.branches[branch_id].turns
        found = await self._store.around(session, branch_id, turn, at_end=at_end)
        return {"branch_id": branch_id, "turn": turn, **found._asdict()}

    def _enter(self, branch_id: str, turn: int) -> None:
        if self._opened[0] not in ("", branch_id) and self._opened[0] in self.view.tree.branches:
            self._before = self._opened
        self._opened = branch_id, turn
        self._visited.pop(branch_id, None)
        self._visited[branch_id] = turn

    def _move(self) -> int:
        self._moves += 1
        return self._moves

    def _tell(self, text: str, severity: Severity = "information") -> None:
        serial = self.view.notice.serial + 1 if self.view.notice else 1
        self._show(notice=Notice(text, severity, serial))

    def _show(self, **changes: Any) -> None:
        view = self.view._replace(**changes)
        if view.branch_id in view.unseen:
            view = view._replace(unseen=view.unseen - {view.branch_id})
        if view.session is not None and view.session.session_id in view.unseen_sessions:
            view = view._replace(unseen_sessions=view.unseen_sessions - {view.session.session_id})
        if view == self.view:
            return
        self.view = view
        for listener in tuple(self._listeners):
            listener(view)


def _nearest(tree: TurnTree, branch_id: str, turn: int | None) -> int:
    """The turn of a branch that is nearest to a number; its last one for None."""
    last = tree.branches[branch_id].turns
    first = min((chain.first for chain in tree.path(branch_id)[:1]), default=0)
    return last if turn is None else max(min(turn, last), min(first, last))


def _next_of_kin(before: TurnTree, branch_id: str, tree: TurnTree) -> str | None:
    """Of the branches of a tree the one that shared most turns with a branch that is gone from it."""
    if branch_id not in before.branches:
        return None
    shared = (name for chain in reversed(before.path(branch_id)) for name in chain.holders)
    return next((name for name in shared if name in tree.branches), None)


def _listed(names: Iterable[str], besides: int = 0, most: int = 8) -> str:
    known = list(names)
    more = len(known[most:]) + besides
    return ", ".join(known[:most]) + (f" and {more:,} more" if more else "")
