"""Navigation between sessions, branches and turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tui.controller.loader import Loader, listed, nearest_turn
from tui.controller.siblings import branch_at, fork_at, own_alternative
from tui.controller.state import NO_DRAFT, NO_USAGE, State
from tui.controller.usage import UsageViews
from tui.errors import NotFoundError
from tui.model import EMPTY_TREE, Chain, Session, TurnTree
from tui.words import messages_without_branch_words, unreadable_runs_words

__all__ = ["Navigation", "Place"]


class _SiblingWalk(NamedTuple):
    """The last step to a sibling; the next one stays at its fork unless the user went elsewhere meanwhile.

    Attributes:
        fork: One of the chains that begin at the fork.
        announced: The step whose end was announced; 0 for none.
    """

    navigation_id: int
    tree: TurnTree
    fork: Chain | None
    announced: int = 0


class Place(NamedTuple):
    """A turn of a branch."""

    session_id: str
    branch_id: str
    turn: int


class Navigation:
    """Selects the session, branch and turn that the panes show."""

    def __init__(self, state: State, loader: Loader, usage: UsageViews) -> None:
        self._state = state
        self._loader = loader
        self._usage = usage
        self._previous: Place | None = None
        self._visited: dict[str, int] = {}
        self._indexed: tuple[str, int] = ("", 0)
        self._counted: dict[str, tuple[int, int]] = {}
        self._reported: set[str] = set()
        self._checked_encryption: set[str] = set()
        self._walk = _SiblingWalk(0, EMPTY_TREE, None)

    @property
    def visited(self) -> Sequence[str]:
        """The branches of the open session that were shown, the last one first."""
        return tuple(reversed(self._visited))

    @property
    def place(self) -> Place:
        """The opened branch and turn, also during a preview."""
        session = self._state.view.session
        return Place("" if session is None else session.session_id, *self._state.committed)

    @property
    def previous(self) -> Place | None:
        """The place to which `switch_back` goes; None if there is none."""
        return self._previous

    def go_back_to(self, place: Place | None) -> None:
        """Make a place the one to which `switch_back` goes, whatever was shown since."""
        if place is None or place.branch_id:
            self._previous = place

    async def select_session(self, session_id: str, branch_id: str | None = None) -> None:
        """Open another session of the file at the end of a branch, by default the branch written last.

        A session that is open already stays as it is if no branch is named.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
        """
        open_session = self._state.view.session
        if branch_id is None and open_session is not None and open_session.session_id == session_id:
            return
        await self.load_session(session_id, branch_id)
        await self.load_rest()

    async def switch_branch(self, branch_id: str, turn: int | None = None) -> None:
        """Show another branch, and select `turn`: by default the turn selected there last, else the last turn.

        Raises:
            NotFoundError: The session has no such branch.
        """
        branches = self._state.view.tree.branches
        if branch_id not in branches:
            raise NotFoundError(f"There is no branch '{branch_id}'.", f"There are: {listed(branches)}.")
        turn = self._visited.get(branch_id) if turn is None else turn
        await self.navigate(self._state.next_navigation(), branch_id, turn, **NO_DRAFT)

    async def switch_back(self) -> None:
        """Show the place before this one: another branch, maybe of another session, or where a search began."""
        previous, here = self._previous, self.place
        is_here = previous is not None and previous.session_id == here.session_id
        if previous is None or (is_here and previous.branch_id not in self._state.view.tree.branches):
            self._state.notify("There is no place to go back to.")
            return
        if is_here:
            await self.switch_branch(previous.branch_id, previous.turn)
        else:
            await self.load_session(*previous)
            await self.load_rest()
        self.go_back_to(here)

    async def preview(self, branch_id: str, turn: int) -> None:
        """Show a turn until `leave_preview` returns to the branch and turn shown before."""
        state = self._state
        if branch_id in state.view.tree.branches:
            await self.navigate(state.next_navigation(), branch_id, turn, preview=branch_id != state.committed[0])

    async def leave_preview(self) -> None:
        """Return to the branch and turn shown before `preview`."""
        state = self._state
        if state.view.preview and state.committed[0] in state.view.tree.branches:
            await self.navigate(state.next_navigation(), *state.committed)

    async def select_turn(self, turn: int) -> None:
        """Select a turn of the shown branch; the nearest one if it has no such turn."""
        state = self._state
        branch_id = state.target[0]
        await self.navigate(state.next_navigation(), branch_id, turn, preview=branch_id != state.committed[0])

    def select_loaded_turn(self, turn: int, position: int) -> bool:
        """Select a turn of the shown branch without reading it, because a pane shows its items already.

        `position` is that of its first item. Do nothing and return False while something else is loaded, for which
        `select_turn` waits.
        """
        state = self._state
        view = state.view
        if state.state_lock.locked() or state.target != (view.branch_id, view.turn):
            return False
        state.next_navigation()
        state.target = view.branch_id, turn
        if not view.preview:
            self._commit_selection(*state.target)
        state.publish(turn=turn, position=position)
        return True

    async def go_to_sibling(self, step: int, turn: int | None = None) -> None:
        """Show the next (`step` 1) or previous (-1) alternative at the fork of a turn, by default of the selected turn.

        After the last one comes the first, but only when asked again. Repeated steps stay at the same fork.
        """
        state = self._state
        tree, (branch_id, selected) = state.view.tree, state.target
        if branch_id not in tree.branches:
            return
        walk = self._walk
        if turn is not None or (walk.navigation_id, walk.tree) != (state.navigation_id, tree):
            at = selected if turn is None else turn
            walk = _SiblingWalk(state.navigation_id, tree, fork_at(tree, branch_id, at))
        fork = walk.fork
        if fork is None:
            state.notify("This branch has no fork.")
            return
        alternatives = tree.alternatives(fork)
        index = own_alternative(tree, fork, branch_id) + step
        if not 0 <= index < len(alternatives) and walk.announced != step:
            self._walk = walk._replace(announced=step)
            end, other = ("last", "first") if step > 0 else ("first", "last")
            state.notify(
                f"The {end} of {len(alternatives)} alternatives at turn {fork.first}. Once more goes to the {other}."
            )
            return
        navigation_id = state.next_navigation()
        self._walk = _SiblingWalk(navigation_id, tree, fork)
        branch = branch_at(fork, alternatives[index % len(alternatives)], self.visited)
        await self.navigate(navigation_id, branch, fork.first, **NO_DRAFT)

    async def go_to_fork_point(self, step: int) -> None:
        """Select the next (`step` 1) or previous (-1) turn of the shown branch at which other branches fork."""
        tree, (branch_id, selected) = self._state.view.tree, self._state.target
        if branch_id not in tree.branches:
            return
        turns = [fork.first for fork in tree.forks(branch_id) if fork.first <= tree.branches[branch_id].turns]
        ahead = [turn for turn in turns if (turn > selected if step > 0 else turn < selected)]
        if not ahead:
            self._state.notify(f"No fork point {'after' if step > 0 else 'before'} this turn on this branch.")
            return
        await self.select_turn(min(ahead) if step > 0 else max(ahead))

    # Parts of other commands

    async def navigate(self, navigation_id: int, branch_id: str, turn: int | None, **changes: Any) -> None:
        """Show a branch and one of its turns, then load its usage."""
        await self.load_selection(navigation_id, branch_id, turn, **changes)
        if navigation_id == self._state.navigation_id:
            await self._usage.load()

    async def load_selection(
        self, navigation_id: int, branch_id: str, turn: int | None, *, preview: bool = False, **changes: Any
    ) -> None:
        """Show a branch and one of its turns, by default the last, unless another navigation has begun.

        With `preview`, `leave_preview` returns to the branch shown before; `changes` are further fields of the view.
        """
        state = self._state
        if branch_id in state.view.tree.branches:
            state.target = branch_id, nearest_turn(state.view.tree, branch_id, turn)
        async with state.state_lock:
            view = state.view
            try:
                if navigation_id != state.navigation_id or view.session is None or branch_id not in view.tree.branches:
                    return
                selection = await self._loader.selection(view.session, view.tree, branch_id, turn)
                if navigation_id != state.navigation_id:
                    return
                if not preview:
                    self._commit_selection(branch_id, selection["turn"])
                if branch_id != view.branch_id:
                    changes.update(NO_USAGE)
                state.publish(**selection, preview=preview, **changes)
            finally:
                if navigation_id == state.navigation_id:
                    # If it could not be read, the next command starts from the turn that is shown.
                    state.target = state.view.branch_id, state.view.turn

    async def load_session(self, session_id: str, branch_id: str | None, turn: int | None = None) -> None:
        """Open a session at a turn of a branch, without its usage, unless another navigation begins meanwhile.

        The turn is by default the last.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
        """
        state = self._state
        navigation_id = state.next_navigation()
        async with state.state_lock:
            session = await state.store.session(session_id)
            if session is None:
                names = [known.title_and_id for known in state.view.sessions]
                raise NotFoundError(
                    f"The file has no session '{session_id}'.",
                    f"It has: {listed(names, state.view.sessions_remaining)}.",
                )
            tree = await self._loader.tree(session, branch_id)
            if branch_id is not None and branch_id not in tree.branches:
                names = [known.title_and_id for known in tree.branches.values()]
                raise NotFoundError(f"Session '{session_id}' has no branch '{branch_id}'.", f"It has: {listed(names)}.")
            if navigation_id == state.navigation_id:
                await self.show_session(session, tree, branch_id, turn)

    async def show_session(
        self,
        session: Session,
        tree: TurnTree,
        branch_id: str | None = None,
        turn: int | None = None,
        **changes: Any,
    ) -> None:
        """Show a session at a turn, by default the last of the branch written last; cancel other navigations."""
        branch_id = branch_id or await self._loader.last_branch(session, tree)
        selection = await self._loader.selection(session, tree, branch_id, turn)
        state = self._state
        state.next_navigation()
        if self.place.session_id != session.session_id:
            self.go_back_to(self.place)
        state.committed, self._visited = ("", 0), {}
        self._commit_selection(selection["branch_id"], selection["turn"])
        state.target = state.committed
        state.publish(
            **selection,
            session=session,
            tree=tree,
            session_index=None,
            messages_without_branch=0,
            preview=False,
            **NO_DRAFT,
            marks=(),
            unseen=frozenset(),
            **NO_USAGE,
            **changes,
        )

    async def load_rest(self) -> None:
        """Load the index of the session and the usage of the branch, which the first screen does not wait for."""
        await self._load_session_index()
        await self._usage.load()
        await self._count_messages_without_branch()
        await self._report_encryption()
        await self._report_paused_runs()

    async def _load_session_index(self) -> None:
        """Find the index of the open session unless it is among the listed ones."""
        state = self._state
        session, revision = state.view.session, state.view.revision
        if session is None or any(known.session_id == session.session_id for known in state.view.sessions):
            if state.view.session_index is not None:
                state.publish(session_index=None)
        elif self._indexed != (session.session_id, revision):
            index = await state.store.session_index(session.session_id, archived=self._loader.lists_archived)
            if (state.view.session, state.view.revision) == (session, revision):
                self._indexed = session.session_id, revision
                state.publish(session_index=index)

    async def _count_messages_without_branch(self) -> None:
        """Count the messages that no branch shows: once for each session, and after changes if there were any."""
        state = self._state
        session, revision = state.view.session, state.view.revision
        if session is None:
            return
        count, counted_at = self._counted.get(session.session_id, (None, 0))
        if count is None or (count and counted_at != revision):
            is_new = count is None
            count = await state.store.count_messages_without_branch(session)
            self._counted[session.session_id] = count, revision
            if count and is_new:
                words = messages_without_branch_words(session.session_id, count)
                state.notify(f"{words} P adds a branch for them.", "warning")
        if state.view.session == session and state.view.messages_without_branch != count:
            state.publish(messages_without_branch=count)

    async def _report_encryption(self) -> None:
        """Tell the user once for each session why it cannot be decrypted."""
        session = self._state.view.session
        if session is not None and session.session_id not in self._checked_encryption:
            self._checked_encryption.add(session.session_id)
            if (problem := await self._state.store.seal_problem(session)) is not None:
                self._state.notify(problem.full_message, "warning")

    async def _report_paused_runs(self) -> None:
        """Tell the user once for each session which runs wait for approval, if they cannot be answered here."""
        state = self._state
        session = state.view.session
        if session is None or session.session_id in self._reported:
            return
        self._reported.add(session.session_id)
        if count := await state.store.unreadable_runs(session.session_id):
            state.notify(unreadable_runs_words(count), "warning")
        if state.view.model and state.view.writable:
            return
        if paused := await state.store.paused_runs(session.session_id):
            names = listed(state.view.quoted_branch(run.branch_id, run.session_id) for run in paused)
            words = f"A run on {names} waits for approval."
            how = "with its agent (--agent)" if state.view.writable else "without --read-only"
            state.notify(f"{words} To answer it, open the file {how}, or use convo-tui approve.")

    def remember_turn(self, branch_id: str, turn: int) -> None:
        """Remember the turn that `switch_branch` selects in a branch, which becomes the one shown last."""
        self._visited.pop(branch_id, None)
        self._visited[branch_id] = turn

    def _commit_selection(self, branch_id: str, turn: int) -> None:
        state = self._state
        if state.committed[0] not in ("", branch_id) and state.committed[0] in state.view.tree.branches:
            self._previous = self.place
        state.committed = branch_id, turn
        self.remember_turn(branch_id, turn)
