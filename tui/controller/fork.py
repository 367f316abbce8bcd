"""Forks: going from one branch to the next at them, and making them."""

from __future__ import annotations

from tui.controller.base import ControllerBase
from tui.errors import ConvoError, NotFoundError
from tui.model import Chain, ForkDraft

__all__ = ["Forking"]


class Forking(ControllerBase):
    """Makes branches, and goes about among those that part from the one shown."""

    async def sibling(self, step: int, turn: int | None = None) -> None:
        """Go to the next (`step` 1) or previous (-1) branch at the fork nearest to a turn, by default the selected."""
        tree, (here, selected) = self.view.tree, self._aim
        if here not in tree.branches:
            return
        tip, last = tree.tip(here), tree.branches[here].turns
        at = turn if turn is not None else selected
        if turn is None and at == last:
            # At its end a branch stands before the turn that its siblings have and it has not.
            at += 1
        chain = tree.chains[tip.children[0]] if at > last and tip.children else None
        forks = tree.forks(here)
        fork = chain or next((fork for fork in reversed(forks) if fork.first <= at), None) or next(iter(forks), None)
        if fork is None:
            self._tell("This branch has no fork.")
            return
        kin = tree.alternatives(fork)
        here_at = kin.index(tip if chain else fork)
        place = here_at + step
        if not 0 <= place < len(kin):
            self._tell(f"No further branch at turn {fork.first}: this is {here_at + 1} of {len(kin)}.")
            return
        await self.switch_branch(self._branch_at(fork, kin[place]), fork.first)

    async def fork_point(self, step: int) -> None:
        """Select the next (`step` 1) or previous (-1) turn of this branch at which branches part."""
        tree, (here, selected) = self.view.tree, self._aim
        if here not in tree.branches:
            return
        turns = [fork.first for fork in tree.forks(here) if fork.first <= tree.branches[here].turns]
        ahead = [turn for turn in turns if (turn > selected if step > 0 else turn < selected)]
        if not ahead:
            self._tell("No fork point " + ("after" if step > 0 else "before") + " this turn on this branch.")
            return
        await self.select_turn(min(ahead) if step > 0 else max(ahead))

    async def begin_fork(self, turn: int | None = None, branch_id: str | None = None, *, after: bool = False) -> None:
        """Open the fork editor: the new branch would share the turns before `turn`, by default the selected one.

        Nothing is written. With `after` it would share that turn too; after the last turn the branch goes on elsewhere.
        """
        session, branch_id = self.view.session, branch_id or self._aim[0]
        branch = self.view.tree.branches.get(branch_id)
        if session is None or branch is None:
            return
        turn = (self._aim[1] if turn is None else turn) + after
        if not self.view.writable:
            self._tell("The file is open to look only: no fork can be made.", "warning")
            return
        if session.plain:
            self._tell(f"'{session.session_id}' is a plain session: P adopts it.", "warning")
            return
        turn = min(max(turn, 1), branch.turns + 1)
        move, self._aim = self._move(), (branch_id, turn)
        text = ""
        if turn <= branch.turns:
            try:
                text = await self._store.user_text(session, branch_id, turn)
            except NotFoundError as error:
                self._tell(f"{error} Write one for the new branch.", "warning")
        if move == self._moves:
            await self._go(move, branch_id, turn, fork=ForkDraft(branch_id, turn, text))

    def cancel_fork(self) -> None:
        """Close the fork editor; nothing was written."""
        self._show(fork=None)

    async def make_fork(self, name: str = "") -> str:
        """Make the branch that the fork editor describes, and switch to it.

        Returns:
            The id of the new branch.

        Raises:
            ReadOnlyError: The file is open to look only.
            ConvoError: The branch cannot be made; the fork editor stays as it is.
        """
        draft, session = self.view.fork, self.view.session
        self._check_writable()
        if draft is None or session is None:
            raise ConvoError("No fork is being prepared.", "Select a turn and press f.")
        async with self._deeds:
            editor = await self._edit()
            [made] = await editor.fork(session.session_id, draft.branch_id, draft.turn, name.strip() or None)
        move = self._move()
        await self.refresh()
        await self._go(move, made, None, fork=None)
        return made

    def _branch_of(self, chain: Chain) -> str:
        """Which branch through a chain to show: the one visited last, else the oldest."""
        return next((name for name in reversed(self._visited) if name in chain.holders), chain.holders[0])

    def _branch_at(self, fork: Chain, other: Chain) -> str:
        """Which branch to show for another alternative of a fork."""
        # Where a branch ends at the fork, its end stands in for the turn it does not have.
        return other.ends if other.index == fork.parent and other.ends else self._branch_of(other)

    def _sibling_at(self, fork: Chain) -> str:
        """The branch beside the one that goes this way at a fork: the next, else the one before."""
        kin = self.view.tree.alternatives(fork)
        place = kin.index(fork)
        others = (*kin[place + 1 :], *reversed(kin[:place]))
        # One that goes on is worth more than one that merely ends here.
        going_on = (other for other in others if other.index != fork.parent and len(other))
        return self._branch_at(fork, next(going_on, others[0]))
