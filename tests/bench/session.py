"""The session class beside the SDK's: `python -m tests.bench.session [--sizes 1000,10000,100000]`.

For every size both classes get a file of their own with the same conversation in one branch, and do the same by
turns. Beside them stands the floor: plain sqlite3 with the fewest statements and the same durability, its file opened
once. Medians; the ratio is the SDK's time by ours.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import jiter
from agents import TResponseInputItem
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tui.session import AdvancedSQLiteSession

AnySession: TypeAlias = SDKSession | AdvancedSQLiteSession
Step: TypeAlias = Callable[[AnySession, int], Awaitable[object]]
Floor: TypeAlias = Callable[[sqlite3.Connection, int], object]

TURN = 4
_COLUMNS = "message_id, message_type, user_turn_number, branch_turn_number, tool_name"


def turn(number: int) -> list[TResponseInputItem]:
    """A turn as agents make them: a question, a tool call, its output, an answer; some 300 bytes each."""
    call = f"call_{number}"
    items = [
        {
            "role": "user",
            "content": f"Question {number}: where in the repository is file {number} read and written? " * 2,
        },
        {
            "type": "function_call",
            "call_id": call,
            "name": "search",
            "arguments": json.dumps({"query": f"file {number}"}),
        },
        {
            "type": "function_call_output",
            "call_id": call,
            "output": f"src/file_{number}.py: a line of the result\n" * 8,
        },
        {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "It is read here and written there. " * 12, "annotations": []}],
        },
    ]
    return cast(list[TResponseInputItem], items)


@dataclass(frozen=True)
class Case:
    """One operation to measure.

    Attributes:
        name: What the table calls it.
        step: Does it once; gets the session and the number of the repetition.
        floor: The same on plain sqlite3; None where the floor is not the point.
        after: Undoes what the step left, unmeasured.
        before: Prepares what the step needs, unmeasured.
        repeats: How often at 1,000 items; larger files get fewer.
    """

    name: str
    step: Step
    floor: Floor | None = None
    before: Step | None = None
    after: Step | None = None
    repeats: int = 40

    @property
    def grows(self) -> bool:
        """Whether it makes objects by the size of the branch: each repetition then starts with no garbage about.

        Otherwise a collection of what one class left would be counted against the other.
        """
        return self.repeats < 40


def cases(turns: int) -> Iterator[Case]:
    """The operations on a branch of `turns` turns, in an order that leaves the file as the next one needs it."""

    async def back_to_main(session: AnySession, _: int) -> None:
        await session.switch_to_branch("main")

    async def fork(session: AnySession, number: int) -> None:
        await session.create_branch_from_turn(turns, f"fork {number}")

    async def drop(session: AnySession, number: int) -> None:
        await session.delete_branch(f"fork {number}", force=True)

    async def fork_away(session: AnySession, number: int) -> None:
        await session.create_branch_from_turn(turns, f"deleted {number}")
        await session.add_items(turn(turns))
        await session.switch_to_branch("main")

    yield Case("read all items", lambda s, _: s.get_items(), floor_read, repeats=20)
    yield Case("read the last 20", lambda s, _: s.get_items(20), floor_last)
    yield Case("user turns", lambda s, _: s.get_conversation_turns(), repeats=10)
    yield Case("items by turn", lambda s, _: s.get_conversation_by_turns(), repeats=10)
    yield Case("find a text", lambda s, _: s.find_turns_by_content("Question 17"), repeats=10)
    yield Case("tools used", lambda s, _: s.get_tool_usage(), repeats=10)
    yield Case("usage by turn", lambda s, _: s.get_turn_usage(), repeats=10)
    yield Case("append a turn", lambda s, n: s.add_items(turn(n)), floor_append)
    yield Case("fork at the last turn", fork, floor_fork, after=back_to_main, repeats=10)
    yield Case("list branches", lambda s, _: s.list_branches(), repeats=10)
    yield Case("switch", lambda s, n: s.switch_to_branch("fork 1" if n % 2 else "main"))
    yield Case("pop the last item", lambda s, _: s.pop_item(), floor_pop, before=back_to_main)
    yield Case("delete a branch", lambda s, n: s.delete_branch(f"deleted {n}"), before=fork_away, repeats=10)
    yield Case("fork, index kept", lambda s, n: fork(s, 1000 + n), after=lambda s, n: drop(s, 1000 + n), repeats=10)


def floor_read(db: sqlite3.Connection, _: int) -> object:
    rows = db.execute(
        "SELECT m.message_data FROM message_structure s CROSS JOIN agent_messages m ON m.id = s.message_id"
        " WHERE s.session_id = 'chat' AND s.branch_id = 'main' ORDER BY s.sequence_number"
    )
    return [jiter.from_json(data.encode()) for (data,) in rows]


def floor_last(db: sqlite3.Connection, _: int) -> object:
    rows = db.execute(
        "SELECT m.message_data FROM message_structure s CROSS JOIN agent_messages m ON m.id = s.message_id"
        " WHERE s.session_id = 'chat' AND s.branch_id = 'main' ORDER BY s.sequence_number DESC LIMIT 20"
    )
    return [jiter.from_json(data.encode()) for (data,) in rows]


def floor_append(db: sqlite3.Connection, number: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        for item in turn(number):
            message_id = db.execute(
                "INSERT INTO agent_messages (session_id, message_data) VALUES ('chat', ?)", (json.dumps(item),)
            ).lastrowid
            db.execute(
                "INSERT INTO message_structure (session_id, message_id, branch_id, message_type, sequence_number,"
                " user_turn_number, branch_turn_number, tool_name)"
                " VALUES ('chat', ?, 'main', 'user', ?, ?, ?, NULL)",
                (message_id, 10_000_000 + number, 10_000_000 + number, 10_000_000 + number),
            )


def floor_fork(db: sqlite3.Connection, number: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            f"INSERT INTO message_structure (session_id, branch_id, sequence_number, {_COLUMNS})"
            f" SELECT session_id, ?, ? + sequence_number, {_COLUMNS} FROM message_structure"
            " WHERE session_id = 'chat' AND branch_id = 'main' ORDER BY sequence_number",
            (f"floor {number}", 20_000_000 * (number + 1)),
        )


def floor_pop(db: sqlite3.Connection, _: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        message_id = db.execute(
            "DELETE FROM message_structure WHERE id = (SELECT id FROM message_structure WHERE session_id = 'chat'"
            " AND branch_id = 'main' ORDER BY sequence_number DESC LIMIT 1) RETURNING message_id"
        ).fetchall()[0][0]
        db.execute("DELETE FROM agent_messages WHERE id = ?", (message_id,))


async def fill(path: Path, size: int) -> None:
    session = SDKSession(session_id="chat", db_path=path, create_tables=True)
    numbers = range(1, size // TURN + 1)
    for start in range(0, len(numbers), 2500):
        await session.add_items([item for number in numbers[start : start + 2500] for item in turn(number)])
    session.close()


async def timed(operation: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    kept = await operation()
    spent = time.perf_counter() - start
    del kept
    return spent * 1000


async def measure(folder: Path, size: int) -> None:
    """Print the table of one size."""
    original = folder / f"{size}.sqlite"
    await fill(original, size)
    paths = [Path(shutil.copy(original, folder / f"{size}-{name}.sqlite")) for name in ("sdk", "ours", "floor")]
    original.unlink()
    sdk = SDKSession(session_id="chat", db_path=paths[0], create_tables=True)
    ours = AdvancedSQLiteSession(session_id="chat", db_path=paths[1], create_tables=True)
    plain = sqlite3.connect(paths[2], isolation_level=None)

    heading = f"{size:,} items in the branch"
    columns = f"{'ours ms':>9} {'SDK ms':>9} {'ratio':>8} {'floor ms':>9}   first: ours, then the SDK"
    print(f"\n{heading:<36} {columns}")
    for case in cases(size // TURN):
        repeats = case.repeats if size <= 1000 else max(5, case.repeats // 3)
        times: dict[str, list[float]] = {"sdk": [], "ours": [], "floor": []}
        contestants: list[tuple[str, AnySession]] = [("sdk", sdk), ("ours", ours)]
        for number in range(repeats + 1):
            for name, session in contestants if number % 2 else contestants[::-1]:
                if case.before is not None:
                    await case.before(session, number)
                if case.grows:
                    gc.collect()
                times[name].append(await timed(lambda: case.step(session, number)))  # noqa: B023
                if case.after is not None:
                    await case.after(session, number)
            if case.floor is not None:
                if case.grows:
                    gc.collect()
                start = time.perf_counter()
                kept: Any = case.floor(plain, number)
                times["floor"].append((time.perf_counter() - start) * 1000)
                del kept
        # The first repetition opens connections, compiles statements, makes indexes: told apart, never averaged in.
        middle = {name: statistics.median(values[1:]) for name, values in times.items() if values}
        floor = f"{middle['floor']:9.2f}" if "floor" in middle else " " * 9
        ratio = middle["sdk"] / middle["ours"]
        print(
            f"  {case.name:<34} {middle['ours']:9.2f} {middle['sdk']:9.2f} {ratio:7.1f}x {floor}"
            f"   {times['ours'][0]:9.2f} {times['sdk'][0]:9.2f}",
            flush=True,
        )
    sdk.close()
    ours.close()
    plain.close()
    for path in paths:
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1000,10000,100000", help="items in the branch (default: %(default)s)")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            asyncio.run(measure(Path(folder), size))


if __name__ == "__main__":
    main()
