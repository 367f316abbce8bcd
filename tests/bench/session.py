"""The session class and the SDK's: `python -m tests.bench.session [--sizes 1000,10000,100000] [--branches 1,100]`.

For every size, both classes do the same in turns, each on its own copy of a file. They are compared with the floor:
plain sqlite3 in a worker thread, with the fewest statements, the same durability, and a file that is opened once. Times
are medians. Ratios are medians over the repetitions; each repetition runs all three one after the other, so that other
load on the machine slows them equally.
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
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, cast

import jiter
from agents import TResponseInputItem
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tests.conversations import run_result
from tui.session import AdvancedSQLiteSession

__all__ = ["main", "measure", "run", "turn"]

AnySession: TypeAlias = SDKSession | AdvancedSQLiteSession
Step: TypeAlias = Callable[[AnySession, int], Awaitable[object]]
Floor: TypeAlias = Callable[[sqlite3.Connection, int], object]

TURN = 4
MAX_SHARED_TURNS = 500
"""Most turns that a fork shares before the measurements begin; 100 branches then have some 100,000 additional rows."""

_COLUMNS = "message_id, message_type, user_turn_number, branch_turn_number, tool_name"
_MAIN = "s.session_id = 'chat' AND s.branch_id = 'main'"
_JOIN = f"message_structure s CROSS JOIN agent_messages m ON m.id = s.message_id WHERE {_MAIN}"


def turn(number: int) -> list[TResponseInputItem]:
    """Return a typical turn: a question, a tool call, its output, an answer; some 300 bytes each."""
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
    """An operation to measure.

    Attributes:
        name: Its name in the table.
        step: Runs the operation once, given the session and the number of the repetition.
        floor: Runs the same operation on plain sqlite3.
        before: Prepares the step; not measured.
        after: Undoes the step; not measured.
        repeats: Number of repetitions after the first at 1,000 items; larger files have fewer.
    """

    name: str
    step: Step
    floor: Floor
    before: Step | None = None
    after: Step | None = None
    repeats: int = 40

    @property
    def grows(self) -> bool:
        """Return whether its time and number of objects grow with the branch.

        Garbage is then collected before each repetition, so that no class pays for the garbage of another.
        """
        return self.repeats < 40


def cases(turns: int, branches: int) -> Iterator[Case]:
    """Yield the operations on a branch of `turns` turns; each leaves the file as the next operation needs it."""

    async def back_to_main(session: AnySession, _: int) -> None:
        await session.switch_to_branch("main")

    async def fork(session: AnySession, number: int) -> None:
        await session.create_branch_from_turn(turns, f"fork {number}")

    async def fork_text(session: AnySession, number: int) -> None:
        await session.create_branch_from_content(f"Question {turns // 2}:", f"fork at text {number}")

    async def drop(session: AnySession, number: int) -> None:
        await session.delete_branch(f"fork {number}", force=True)

    async def fork_away(session: AnySession, number: int) -> None:
        await session.create_branch_from_turn(turns, f"deleted {number}")
        await session.add_items(turn(turns))
        await session.switch_to_branch("main")

    yield Case("read all items", lambda s, _: s.get_items(), floor_read, repeats=20)
    yield Case("read the last 20", lambda s, _: s.get_items(20), floor_last)
    yield Case("user turns", lambda s, _: s.get_conversation_turns(), floor_turns, repeats=20)
    yield Case("items by turn", lambda s, _: s.get_conversation_by_turns(), floor_by_turns, repeats=20)
    yield Case("find a text", lambda s, _: s.find_turns_by_content("Question 17"), floor_find, repeats=20)
    yield Case("tools used", lambda s, _: s.get_tool_usage(), floor_tools, repeats=20)
    yield Case("usage by turn", lambda s, _: s.get_turn_usage(), floor_turn_usage, repeats=20)
    yield Case("usage of the session", lambda s, _: s.get_session_usage(), floor_session_usage)
    yield Case("list branches", lambda s, _: s.list_branches(), floor_list, repeats=20)
    yield Case("switch", lambda s, n: s.switch_to_branch(_branch(n % branches)), floor_switch)
    yield Case("store usage", lambda s, n: s.store_run_usage(run_result(n)), floor_usage, before=back_to_main)
    yield Case("append a turn", lambda s, n: s.add_items(turn(n)), floor_append)
    yield Case("fork at the last turn", fork, floor_fork, after=back_to_main, repeats=10)
    yield Case("fork at a text", fork_text, partial(floor_fork_text, turns // 2), after=back_to_main, repeats=10)
    yield Case("pop the last item", lambda s, _: s.pop_item(), floor_pop)
    yield Case("delete a branch", lambda s, n: s.delete_branch(f"deleted {n}"), floor_delete, fork_away, repeats=10)
    # The first pop or deletion creates an index on message_id, which a fork has to update from then on.
    yield Case(
        "fork, after a pop", lambda s, n: fork(s, 1000 + n), floor_fork, None, lambda s, n: drop(s, 1000 + n), 10
    )
    yield Case("clear the session", lambda s, _: s.clear_session(), floor_clear, repeats=0)


def _branch(number: int) -> str:
    return f"branch {number}" if number else "main"


def floor_read(db: sqlite3.Connection, _: int) -> object:
    rows = db.execute(f"SELECT m.message_data FROM {_JOIN} ORDER BY s.sequence_number")
    return [jiter.from_json(data.encode()) for (data,) in rows]


def floor_last(db: sqlite3.Connection, _: int) -> object:
    rows = db.execute(f"SELECT m.message_data FROM {_JOIN} ORDER BY s.sequence_number DESC LIMIT 20").fetchall()
    return [jiter.from_json(data.encode()) for (data,) in reversed(rows)]


def floor_turns(db: sqlite3.Connection, _: int) -> object:
    return _turns(db.execute(f"SELECT {_TURN} FROM {_JOIN} AND s.message_type = 'user' ORDER BY s.sequence_number"))


def floor_find(db: sqlite3.Connection, _: int) -> object:
    like = "s.message_type = 'user' AND m.message_data LIKE '%Question 17%' ESCAPE '\\'"
    return _turns(db.execute(f"SELECT {_TURN} FROM {_JOIN} AND {like} ORDER BY s.sequence_number"))


_TURN = "s.branch_turn_number, m.message_data, s.created_at"


def _turns(rows: Iterable[tuple[int, str, str]]) -> object:
    return [
        {"turn": number, "content": content[:100], "full_content": content, "timestamp": created, "can_branch": True}
        for number, data, created in rows
        for content in (jiter.from_json(data.encode())["content"],)
    ]


def floor_by_turns(db: sqlite3.Connection, _: int) -> object:
    turns: dict[int, list[dict[str, str | None]]] = {}
    for number, kind, tool in db.execute(
        "SELECT s.user_turn_number, s.message_type, s.tool_name FROM message_structure s"
        f" WHERE {_MAIN} ORDER BY s.sequence_number"
    ):
        turns.setdefault(number, []).append({"type": kind, "tool_name": tool})
    return turns


def floor_tools(db: sqlite3.Connection, _: int) -> object:
    return db.execute(
        "SELECT s.tool_name, COUNT(*), s.user_turn_number FROM message_structure s"
        f" WHERE {_MAIN} AND s.message_type IN ('function_call', 'custom_tool_call', 'mcp_call')"
        " GROUP BY s.user_turn_number, s.tool_name"
    ).fetchall()


def floor_turn_usage(db: sqlite3.Connection, _: int) -> object:
    rows = db.execute(
        "SELECT s.user_turn_number, s.requests, s.input_tokens, s.output_tokens, s.total_tokens,"
        f" s.input_tokens_details, s.output_tokens_details FROM turn_usage s WHERE {_MAIN} ORDER BY s.user_turn_number"
    )
    return [(*counts, json.loads(details), json.loads(more)) for *counts, details, more in rows]


def floor_session_usage(db: sqlite3.Connection, _: int) -> object:
    return db.execute(
        "SELECT SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), COUNT(*) FROM turn_usage"
        " WHERE session_id = 'chat'"
    ).fetchone()


def floor_list(db: sqlite3.Connection, _: int) -> object:
    return db.execute(
        "SELECT branch_id, COUNT(*), COUNT(*) FILTER (WHERE message_type = 'user'), MIN(created_at)"
        " FROM message_structure WHERE session_id = 'chat' GROUP BY branch_id ORDER BY 4"
    ).fetchall()


def floor_switch(db: sqlite3.Connection, _: int) -> object:
    return db.execute(f"SELECT 1 FROM message_structure s WHERE {_MAIN} LIMIT 1").fetchone()


def floor_usage(db: sqlite3.Connection, number: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "INSERT OR REPLACE INTO turn_usage (session_id, branch_id, user_turn_number, requests, input_tokens,"
            " output_tokens, total_tokens, input_tokens_details, output_tokens_details)"
            f" SELECT 'chat', 'main', MAX(s.user_turn_number), 1, ?, 0, ?, '{{}}', '{{}}'"
            f" FROM message_structure s WHERE {_MAIN}",
            (number, number),
        )


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
    _copy(db, f"floor {number}", "")


def floor_fork_text(turn_number: int, db: sqlite3.Connection, number: int) -> None:
    found = f"m.message_data LIKE '%Question {turn_number}:%' ESCAPE '\\'"
    (first,) = db.execute(
        f"SELECT MIN(s.user_turn_number) FROM {_JOIN} AND s.message_type = 'user' AND {found}"
    ).fetchone()
    _copy(db, f"floor at text {number}", f"AND user_turn_number < {first}")


def _copy(db: sqlite3.Connection, branch: str, condition: str) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            f"INSERT INTO message_structure (session_id, branch_id, sequence_number, {_COLUMNS})"
            " SELECT session_id, ?, sequence_number + (SELECT MAX(sequence_number) FROM message_structure),"
            f" {_COLUMNS} FROM message_structure s"
            f" WHERE {_MAIN} {condition} ORDER BY sequence_number",
            (branch,),
        )


def floor_pop(db: sqlite3.Connection, _: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        message_id = db.execute(
            "DELETE FROM message_structure WHERE id = (SELECT id FROM message_structure WHERE session_id = 'chat'"
            " AND branch_id = 'main' ORDER BY sequence_number DESC LIMIT 1) RETURNING message_id"
        ).fetchall()[0][0]
        db.execute("DELETE FROM agent_messages WHERE id = ?", (message_id,))


def floor_delete(db: sqlite3.Connection, _: int) -> None:
    db.execute("CREATE INDEX IF NOT EXISTS floor_message ON message_structure(message_id)")
    with db:
        db.execute("BEGIN IMMEDIATE")
        (branch,) = db.execute(
            "SELECT branch_id FROM message_structure WHERE id = (SELECT MAX(id) FROM message_structure)"
        )
        db.execute(
            "DELETE FROM agent_messages WHERE id IN (SELECT message_id FROM message_structure s WHERE branch_id = ?"
            " AND session_id = 'chat' AND NOT EXISTS (SELECT 1 FROM message_structure o"
            " WHERE o.message_id = s.message_id AND o.branch_id <> s.branch_id))",
            branch,
        )
        db.execute("DELETE FROM message_structure WHERE session_id = 'chat' AND branch_id = ?", branch)


def floor_clear(db: sqlite3.Connection, _: int) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        for table in ("message_structure", "agent_messages", "turn_usage"):
            db.execute(f"DELETE FROM {table} WHERE session_id = 'chat'")


async def fill(path: Path, size: int, branches: int = 1) -> None:
    """Write `size` items to `main`, the usage of each turn, and `branches - 1` forks of `main` at various turns."""
    turns = size // TURN
    session = SDKSession(session_id="chat", db_path=path, create_tables=True)
    for start in range(1, turns + 1, 2500):
        stop = min(start + 2500, turns + 1)
        await session.add_items([item for number in range(start, stop) for item in turn(number)])
    session.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO turn_usage (session_id, branch_id, user_turn_number, requests, input_tokens, output_tokens,"
            " total_tokens, input_tokens_details, output_tokens_details) VALUES ('chat', 'main', ?, 1, 900, 90, 990,"
            """ '{"cached_tokens": 500}', '{"reasoning_tokens": 20}')""",
            ((number,) for number in range(1, turns + 1)),
        )
    async with AdvancedSQLiteSession(session_id="chat", db_path=path) as ours:
        longest = min(turns, MAX_SHARED_TURNS)
        for number in range(1, branches):
            await ours.fork(max(2, number * longest // branches), branch_name=_branch(number), switch=False)


async def measure(folder: Path, size: int, branches: int = 1) -> None:
    """Print the table of a file with `size` items in `main`; its copies are written to a folder."""
    original = folder / f"{size}.sqlite"
    await fill(original, size, branches)
    paths = [Path(shutil.copy(original, folder / f"{size}-{name}.sqlite")) for name in ("sdk", "ours", "floor")]
    original.unlink()
    sdk = SDKSession(session_id="chat", db_path=paths[0], create_tables=True)
    ours = AdvancedSQLiteSession(session_id="chat", db_path=paths[1], create_tables=True)
    plain = sqlite3.connect(paths[2], isolation_level=None, check_same_thread=False)

    heading = f"{size:,} items, {branches} {'branch' if branches == 1 else 'branches'}"
    columns = f"{'ours ms':>9} {'SDK ms':>9} {'SDK/ours':>9} {'floor ms':>9} {'ours/floor':>10}"
    print(f"\n{heading:<26} {columns}   first: ours, then the SDK", flush=True)
    for case in cases(size // TURN, branches):
        times = await _times(case, sdk, ours, plain, case.repeats if size <= 1000 else case.repeats // 3)
        # The first repetition opens connections, compiles statements and creates indexes, so it is printed separately.
        middle = {name: statistics.median(values[1:] or values) for name, values in times.items()}
        print(
            f"  {case.name:<24} {middle['ours']:9.2f} {middle['sdk']:9.2f} {_ratio(times, 'sdk', 'ours'):8.1f}x"
            f" {middle['floor']:9.2f} {_ratio(times, 'ours', 'floor'):9.1f}x"
            f"   {times['ours'][0]:9.2f} {times['sdk'][0]:9.2f}",
            flush=True,
        )
    sdk.close()
    ours.close()
    plain.close()
    for path in paths:
        path.unlink()


async def _times(
    case: Case, sdk: SDKSession, ours: AdvancedSQLiteSession, plain: sqlite3.Connection, repeats: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each repetition."""
    times: dict[str, list[float]] = {"sdk": [], "ours": [], "floor": []}
    contestants: list[tuple[str, AnySession]] = [("sdk", sdk), ("ours", ours)]
    for number in range(repeats + 1):
        for name, session in contestants if number % 2 else contestants[::-1]:
            if case.before is not None:
                await case.before(session, number)
            times[name].append(await _timed(case, case.step(session, number)))
            if case.after is not None:
                await case.after(session, number)
        if case.floor is floor_delete:
            floor_fork(plain, number)
        times["floor"].append(await _timed(case, asyncio.to_thread(case.floor, plain, number)))
    return times


async def _timed(case: Case, operation: Awaitable[object]) -> float:
    if case.grows:
        gc.collect()
    start = time.perf_counter()
    result = await operation
    seconds = time.perf_counter() - start
    # Freeing the result is not part of the operation.
    del result
    return seconds * 1000


def _ratio(times: dict[str, list[float]], name: str, other: str) -> float:
    ratios = [one / two for one, two in zip(times[name], times[other], strict=True)]
    return statistics.median(ratios[1:] or ratios)


def run(sizes: Iterable[int] = (1_000, 10_000, 100_000), branches: Sequence[int] = (1, 100)) -> None:
    """Print a table for each number of items with each number of branches."""
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            for count in branches:
                asyncio.run(measure(Path(folder), size, count))


def main() -> None:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--sizes", type=numbers, default="1000,10000,100000", help="items in the branch (default: %(default)s)"
    )
    parser.add_argument("--branches", type=numbers, default="1,100", help="branches (default: %(default)s)")
    options = parser.parse_args()
    run(options.sizes, options.branches)


if __name__ == "__main__":
    main()
