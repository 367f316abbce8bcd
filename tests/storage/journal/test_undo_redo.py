"""Any changes in any order: undoing restores the database as it was before each, and redoing as it was after each."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conversations import assistant_message, run_result, sent_request, turn
from tests.databases import Place, all_rows, editor_of, open_other, open_ours, rows
from tests.postgres_server import new_schema
from tests.storage.test_editor import as_sdk_reads
from tui.errors import ConvoError
from tui.storage.editor import Editor
from tui.storage.store import Store

Step: TypeAlias = tuple[str, int, int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fork", "fork", "delete", "delete", "label", "copy", "turns", "run", "session"]),
        st.integers(0, 5),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=9,
)


async def write(path: Place) -> None:
    """Write two sessions; the second has three branches, two of which differ only within a turn."""
    other = open_other(path, "other")
    await other.add_items(turn("other 1"))
    other.close()
    sdk = open_other(path, "chat")
    for number in range(1, 4):
        await sdk.add_items(turn(f"main {number}", tool="search"))
        await sdk.store_run_usage(run_result(100 * number))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("alt 3"))
    await sdk.store_run_usage(run_result(1000))
    sdk.close()
    async with open_ours(path, "chat") as ours:
        items: list[Any] = await ours.get_items()
        await ours.record_request(sent_request(300, items), first=True)
        await ours.record_request(sent_request(310, [{"role": "system", "content": "Only sent."}, *items]))
        await ours.switch_to_branch("alt")
        await ours.record_request(sent_request(320, items[:5], "Only alt."), first=True)
        await ours.fork(source="alt", branch_name="late")
        await ours.pop_item()
        await ours.add_items([assistant_message("Otherwise.")])  # type: ignore[list-item]
    # A time that no change would write.
    rows(path, "UPDATE agent_sessions SET updated_at = '2026-01-01 00:00:00'")


async def change(path: Place, editor: Editor, store: Store, number: int, step: Step) -> None:
    """Make a change, if it is possible."""
    kind, which, turn_number = step
    sessions = [session.session_id for session in await store.sessions()]
    if not sessions:
        return
    session_id = sessions[which % len(sessions)] if kind == "session" else "chat"
    session = next((known for known in await store.sessions() if known.session_id == session_id), None)
    if session is None:
        return
    branches = list((await store.tree(session)).branches)
    branch = branches[which % len(branches)]
    match kind:
        case "fork":
            await editor.fork("chat", branch, turn_number, f"fork {number}", 1)
        case "delete":
            await editor.delete_branch("chat", branch)
        case "session":
            await editor.delete_session(session_id)
        case "label":
            await editor.label("chat", branch, title=f"{number}", pinned=which % 2 == 0, description=f"Named {number}")
        case "copy":
            await editor.copy_branch("chat", branch, f"copy {number}")
        case "turns":
            await editor.copy_turns("chat", [(branch, turn_number)], branches[turn_number % len(branches)])
        case "run":
            checkpoint = await editor.take_checkpoint("chat", branch)
            async with open_ours(path, "chat") as ours:
                await ours.switch_to_branch(branch)
                await ours.add_items(turn(f"run {number}"))
                items: list[Any] = await ours.get_items()
                await ours.record_request(sent_request(number, items, f"Run {turn_number}."), first=True)
                await ours.store_run_usage(run_result(number))
            await editor.record_since(checkpoint, "run", f"Sent {number}")


async def undo_and_redo_all(path: Place, steps: Sequence[Step]) -> None:
    await write(path)
    editor, store = editor_of(path), Store(path)
    states = [await state_of(path, store)]
    for number, step in enumerate(steps):
        known = len(await store.journal())
        with suppress(ConvoError):
            await change(path, editor, store, number, step)
        await as_sdk_reads(path, "chat")
        if len(await store.journal()) > known:
            states.append(await state_of(path, store))
        else:
            assert await state_of(path, store) == states[-1]
    for before in reversed(states[:-1]):
        await editor.undo()
        assert await state_of(path, store) == before
    for after in states[1:]:
        await editor.redo()
        assert await state_of(path, store) == after
    entries = await store.journal()
    if entries:
        await editor.undo(back_to=entries[-1].id)
        assert await state_of(path, store) == states[0]
    store.close()


async def state_of(path: Place, store: Store) -> tuple[object, list[str]]:
    """Return all rows of a database, with the times when sessions were written last, and the order of the sessions."""
    return all_rows(path), [session.session_id for session in await store.sessions()]


@settings(max_examples=18, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_all_changes_are_undone_and_redone(steps: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(undo_and_redo_all(Path(folder) / "chat.sqlite", steps))


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_all_changes_are_undone_and_redone_on_a_server(postgres_server: str, steps: Sequence[Step]) -> None:
    asyncio.run(undo_and_redo_all(new_schema(postgres_server), steps))
