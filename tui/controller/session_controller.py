"""The controller of one open file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.controller.comparison import Comparisons
from tui.controller.exports import Exports
from tui.controller.follow import Follow
from tui.controller.forks import Forks
from tui.controller.history import History
from tui.controller.imports import Imports
from tui.controller.loader import Loader
from tui.controller.management import Management
from tui.controller.marks import Marks
from tui.controller.model_input import ModelInputs
from tui.controller.navigation import Navigation
from tui.controller.pages import Pages
from tui.controller.pricing import Pricing
from tui.controller.reload import Reloader
from tui.controller.search import Searches
from tui.controller.state import Listener, State
from tui.controller.usage import UsageViews
from tui.model import Price, View
from tui.model.names import find_branch
from tui.storage.open import Target
from tui.storage.store import Store

if TYPE_CHECKING:
    from tui.controller.agent import AgentRuns
    from tui.runs.protocol import Runner

__all__ = ["SessionController"]


class SessionController:
    """The state of one explorer; each attribute is a part for some of its commands, and `agent` is None without one."""

    def __init__(
        self,
        store: Store,
        runner: Runner | None = None,
        *,
        read_only: bool = False,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        """Create the controller of a file, without a view yet.

        Args:
            runner: Runs the agent that answers messages.
            prices: The user's own prices, by model.
        """
        state = self._state = State(store, read_only=read_only)
        loader = Loader(state)
        pricing = Pricing(state, prices or {})
        self.usage = UsageViews(state, loader, pricing)
        self.navigation = Navigation(state, loader, self.usage)
        self.follow = Follow(state, loader, self.navigation)
        self._reloader = reloader = Reloader(state, loader, self.navigation, self.follow)
        self.pages = Pages(state, loader, pricing)
        self.forks = Forks(state, self.navigation, reloader)
        self.search = Searches(state, self.navigation)
        self.marks = Marks(state)
        self.comparison = Comparisons(state, pricing)
        self.model_input = ModelInputs(state, self.navigation)
        self.management = Management(state, self.navigation, reloader)
        self.history = History(state, self.navigation, reloader)
        self.exports = Exports(state)
        self.imports = Imports(state, self.navigation, reloader)
        self.agent: AgentRuns | None = None
        if runner is not None:
            from tui.controller.agent import AgentRuns

            self.agent = AgentRuns(state, self.navigation, reloader, runner)

    @property
    def view(self) -> View:
        """The state that the panes show."""
        return self._state.view

    @property
    def path(self) -> Target:
        """The open file, or the database on a server."""
        return self._state.path

    def require_writable(self) -> None:
        """Raise ReadOnlyError if nothing can be changed."""
        self._state.require_writable()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each new view, until the returned function is called."""
        return self._state.subscribe(listener)

    async def open(self, session: str | None = None, branch: str | None = None) -> None:
        """Show a session and branch of the file by their ids or titles, by default the ones written last.

        `load_rest` loads what the first screen does not wait for.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch, or several have the title.
            ConvoError: The file cannot be read.
        """
        await self._reloader.load_sessions()
        sessions, store = self.view.sessions, self._state.store
        if store.is_missing or (session is None and not sessions):
            if self.agent is not None and self.view.writable:
                await self.agent.prepare_session(session or "")
            return
        found = sessions[0] if session is None else await store.session_by_name(session)
        if found is not None and branch is not None:
            named = find_branch(await store.tree(found), found.session_id, branch)
            branch = branch if named is None else named.branch_id
        await self.navigation.load_session((session or "") if found is None else found.session_id, branch)
        if self.view.session is not None:
            self._state.store.prefetch_usage(self.view.session, self.view.tree, self.view.branch_id)

    async def load_rest(self) -> None:
        """Load the index of the session and the usage of the branch."""
        await self.navigation.load_rest()

    async def refresh(self) -> bool:
        """Show changes made by other programs, and return whether there were any.

        Raises:
            FileError: The file cannot be read now; the next call tries again.
        """
        return await self._reloader.refresh()

    def close(self) -> None:
        """Close the file."""
        self._state.store.close()
