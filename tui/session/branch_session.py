"""A session of the SDK with branches: copies of a conversation from its beginning, which go on separately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tui.session.item_session import ItemSession
from tui.storage.engine import Transaction
from tui.storage.queries.branches import DeletedRows, delete_branch, fork_branch, list_branches
from tui.storage.queries.turns import (
    find_turns,
    items_by_turn,
    list_turns,
    require_user_turn,
    resolve_fork_turn,
    tool_usage,
)
from tui.storage.schema import MAIN

__all__ = ["BranchSession"]


class BranchSession(ItemSession):
    """A conversation with branches, of which one is the current one, and turns."""

    async def create_branch_from_turn(self, turn_number: int, branch_name: str | None = None) -> str:
        """Make a branch that shares the current branch's turns before `turn_number`, and switch to it.

        Args:
            turn_number: The first turn that is not shared.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: There is no such turn, or the name is blank or was used before.
        """
        _check_name(branch_name)

        def chosen(tx: Transaction, branch: str) -> int:
            require_user_turn(tx, self.session_id, branch, turn_number)
            return turn_number

        return await self._create(chosen, branch_name)

    async def create_branch_from_content(self, search_term: str, branch_name: str | None = None) -> str:
        """Make a branch from the first turn whose user message contains `search_term`, and switch to it.

        Args:
            search_term: Text to look for, as `find_turns_by_content` does.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: No turn contains the text, or the name is blank or was used before.
        """

        def first_match(tx: Transaction, branch: str) -> int:
            matches = find_turns(tx, self.session_id, branch, search_term)
            if not matches:
                raise ValueError(f"No user turns found containing '{search_term}'")
            _check_name(branch_name)
            turn: int = matches[0]["turn"]
            require_user_turn(tx, self.session_id, branch, turn)
            return turn

        return await self._create(first_match, branch_name)

    async def fork(
        self,
        turn: int | None = None,
        branch_name: str | None = None,
        *,
        source: str | None = None,
        switch: bool = True,
    ) -> str:
        """Make a branch that shares the turns of `source` before `turn`.

        Args:
            turn: The first turn that is not shared; to share all turns, None or the number after the last.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.
            source: The branch to fork from; the current one if None.
            switch: Make the new branch the current one.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: There is no such branch or turn, or the name is blank or was used before.
        """
        _check_name(branch_name)
        return await self._create(
            lambda tx, branch: resolve_fork_turn(tx, self.session_id, branch, turn),
            branch_name,
            source=source,
            switch=switch,
        )

    async def switch_to_branch(self, branch_id: str) -> None:
        """Make a branch the current one; nothing is written.

        Raises:
            ValueError: There is no such branch.
        """
        previous = await self._access.move(branch_id)
        self._logger.info("Switched from branch '%s' to '%s'", previous, branch_id)

    async def delete_branch(self, branch_id: str, force: bool = False) -> None:
        """Delete a branch with its usage, and the messages that no other branch holds.

        Its id stays reserved.

        Args:
            branch_id: Id of the branch.
            force: Delete the current branch too, and switch to `main`.

        Raises:
            ValueError: There is no such branch, it is `main`, or it is the current one and `force` is not set.
        """
        if not branch_id or not branch_id.strip():
            raise ValueError("Branch ID cannot be empty")
        if branch_id == MAIN:
            raise ValueError("Cannot delete the 'main' branch")
        access = self._access

        def refuse_current(current: str) -> None:
            if branch_id == current and not force:
                raise ValueError(f"Cannot delete current branch '{branch_id}'. Use force=True or switch branches first")

        def work(tx: Transaction, current: str) -> DeletedRows:
            # A switch that was called earlier may have been made since the check below.
            refuse_current(current)
            deleted = delete_branch(tx, self.session_id, branch_id)
            if branch_id == current:
                access.current = access.current._replace(branch_id=MAIN)
            return deleted

        refuse_current(access.current.branch_id)
        deleted = await access.change(work)
        self._logger.info(
            "Deleted branch '%s': %s message entries, %s usage entries, %s orphaned messages", branch_id, *deleted
        )

    async def list_branches(self) -> list[dict[str, Any]]:
        """Return the branches that have items, oldest first.

        Returns:
            For each `branch_id`, `message_count`, `user_turns`, `is_current` and `created_at` (UTC, one second).
        """
        return await self._access.read(list_branches, None)

    # Turns and tools

    async def get_conversation_turns(self, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Return the user messages of a branch, the current one if None.

        Returns:
            For each turn `turn`, `content` (its first 100 characters), `full_content` (as stored), `timestamp` (UTC)
            and `can_branch` (always True).
        """
        return await self._access.read(list_turns, branch_id)

    async def find_turns_by_content(self, search_term: str, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Return the user messages that contain a text, ignoring the case of ASCII letters.

        Args:
            search_term: The text, taken literally.
            branch_id: The branch; the current one if None.

        Returns:
            As `get_conversation_turns`, with the full text in `content`.
        """
        return await self._access.read(find_turns, branch_id, search_term)

    async def get_conversation_by_turns(self, branch_id: str | None = None) -> dict[int, list[dict[str, str | None]]]:
        """Return the types of the items of a branch, the current one if None, by turn.

        Returns:
            For each turn's number the `type` and `tool_name` of its items; turn 0 is before the first user message.
        """
        return await self._access.read(items_by_turn, branch_id)

    async def get_tool_usage(self, branch_id: str | None = None) -> list[tuple[str, int, int]]:
        """Return the number of calls of each tool in a branch, the current one if None.

        Returns:
            Tool name, number of calls, turn.
        """
        return await self._access.read(tool_usage, branch_id)

    async def _create(
        self,
        choose_turn: Callable[[Transaction, str], int],
        name: str | None,
        *,
        source: str | None = None,
        switch: bool = True,
    ) -> str:
        access = self._access

        def work(tx: Transaction, current: str) -> tuple[str, int, str]:
            origin = current if source is None else source
            turn = choose_turn(tx, origin)
            branch_id = fork_branch(tx, self.session_id, origin, turn, name)
            if switch:
                access.current = access.current._replace(branch_id=branch_id)
            return branch_id, turn, origin

        created = await access.change(work)
        self._logger.debug("Created branch '%s' from turn %s in '%s'", *created)
        return created[0]


def _check_name(name: str | None) -> None:
    if name is not None and not name.strip():
        raise ValueError("Branch name cannot be empty")
