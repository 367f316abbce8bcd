"""The state that all parts of a controller share: the view and its listeners, the file, the locks, the target."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from tui.errors import ConvoError, FileError, NotFoundError, ReadOnlyError
from tui.model import Notice, Run, RunState, Session, Severity, View
from tui.storage.open import Target
from tui.storage.store import Store

if TYPE_CHECKING:
    from tui.storage.editor import Editor

__all__ = ["NO_DRAFT", "NO_USAGE", "Listener", "State", "add_listener"]

Listener: TypeAlias = Callable[[View], None]

T = TypeVar("T")

NO_USAGE: Final[Mapping[str, None]] = dict.fromkeys(("branch_usage", "resend_cost", "text_sizes", "largest_cost"))
"""The fields of the view about the usage of a branch, as they are until it is read."""

NO_DRAFT: Final[Mapping[str, Any]] = {"fork": None, "new_session": ""}
"""The fields of the view about a branch or session that the user prepares, while there is none."""


def add_listener(listeners: list[T], listener: T) -> Callable[[], None]:
    """Add a listener, and return a function that removes it."""
    listeners.append(listener)

    def remove() -> None:
        with suppress(ValueError):
            listeners.remove(listener)

    return remove


class State:
    """The state of one explorer.

    Attributes:
        view: The state that the panes show.
        runs_in: Returns the active runs of a session, by branch; `AgentRuns` sets it.
        target: The branch and turn that the user asked for last; shown unless they are being loaded.
        committed: The branch and turn that a preview returns to.
        navigation_id: Number of the last navigation. A command shows what it loaded only if no later one has begun.
        state_lock: Held while the view is read from the file and replaced.
        write_lock: Held by a command that changes the file, as it depends on the commands before it.
        usage_lock: Held while usage is computed.
    """

    def __init__(self, store: Store, *, read_only: bool = False) -> None:
        self.store = store
        self.path: Target = store.path
        self._read_only = read_only
        self.view = View(file=str(store.path), writable=self.is_writable)
        self.runs_in: Callable[[str], Mapping[str, Run]] = lambda _session_id: {}
        self.target: tuple[str, int] = ("", 0)
        self.committed: tuple[str, int] = ("", 0)
        self.navigation_id = 0
        self.state_lock = asyncio.Lock()
        self.write_lock = asyncio.Lock()
        self.usage_lock = asyncio.Lock()
        self._listeners: list[Listener] = []

    @property
    def is_writable(self) -> bool:
        """True if neither the user nor the database forbids changes; tables that others make may allow them."""
        return not self._read_only and self.store.can_be_changed

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each new view, until the returned function is called."""
        return add_listener(self._listeners, listener)

    def publish(self, **changes: Any) -> None:
        """Replace fields of the view, and pass it to the listeners if it has changed."""
        view = self.view._replace(**changes)
        if view.branch_id in view.unseen:
            view = view._replace(unseen=view.unseen - {view.branch_id})
        if view.session is not None and view.session.session_id in view.unseen_sessions:
            view = view._replace(unseen_sessions=view.unseen_sessions - {view.session.session_id})
        view = view._replace(runs=self.runs_in(view.session.session_id) if view.session is not None else {})
        if view == self.view:
            return
        self.view = view
        for listener in tuple(self._listeners):
            listener(view)

    def notify(self, text: str, severity: Severity = "information") -> None:
        """Show a notice to the user."""
        serial = self.view.notice.serial + 1 if self.view.notice else 1
        self.publish(notice=Notice(text, severity, serial))

    def notify_adopted(self, session: Session) -> None:
        """Tell the user that a change gave the session branches, if it had none before."""
        if session.plain:
            self.notify(f"'{session.name}' has branches now. z undoes it.")

    def next_navigation(self) -> int:
        """Begin a navigation, which stops following, and return its number."""
        if self.view.following:
            self.publish(following=False)
        self.navigation_id += 1
        return self.navigation_id

    def require_writable(self) -> None:
        """Raise ReadOnlyError if the file is open read-only, or shown otherwise than it is stored."""
        self.store.require_changeable()
        if not self.view.writable:
            raise ReadOnlyError("This file is open read-only.", "Open it without --read-only to change it.")

    def require_idle(self, session_id: str, branch_id: str | None, *, may_pause: bool = False) -> None:
        """Raise ConvoError if an answer is under way on a branch; None means any branch of the session.

        `may_pause` allows runs that wait for approval and are stored with their branch.
        """
        for name, run in self.runs_in(session_id).items():
            if branch_id not in (None, name) or (may_pause and run.paused_id is not None):
                continue
            quoted = self.view.quoted_branch(name, session_id)
            if run.state is RunState.WAITING:
                raise ConvoError(f"A run on {quoted} waits for approval.", "Answer or stop it first, with w.")
            raise ConvoError(f"An answer is under way on {quoted}.", "Stop it first, with Esc.")

    def require_session(self) -> Session:
        """Return the open session.

        Raises:
            ConvoError: No session is open.
        """
        session = self.view.session
        if session is None:
            raise ConvoError("No session is open.")
        return session

    async def find_session(self, session_id: str) -> Session:
        """Return a session of the file.

        Raises:
            NotFoundError: The file has no such session.
        """
        session = await self.store.session(session_id)
        if session is None:
            raise NotFoundError(f"There is no session '{session_id}'.")
        return session

    async def editor(self, *, create: bool = False) -> Editor:
        """Return an editor of the file that is at `path` now; it may have been replaced since it was opened.

        `create` makes a file that does not exist yet.

        Raises:
            FileError: There is no file at `path`.
        """
        from tui.storage.editor import Editor

        if create:
            await self.store.create()
        elif self.store.is_missing:
            raise FileError(f"{self.path} does not exist yet.", "The first message creates it.")
        await self.store.version()
        return Editor(self.store.path, self.store.sessions_table, self.store.messages_table)
