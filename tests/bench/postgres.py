"""The session class on a server and the SDK's `SQLAlchemySession`: `python -m tests.bench.postgres [--sizes 1000]`.

Both do the same in turns on the same PostgreSQL server, each on its own session of the same tables. The server waits
for the disk, as servers do. Times are medians; ratios are medians over the repetitions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import psycopg
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench import writers
from tests.bench.session import TURN, turn
from tests.postgres_server import new_schema, run_server
from tui.session import AdvancedPostgresSession

__all__ = ["main", "measure", "run"]

Ours: TypeAlias = AdvancedPostgresSession
Step: TypeAlias = Callable[[Ours, int], Awaitable[object]]
PlainStep: TypeAlias = Callable[[SQLAlchemySession], Awaitable[object]]

SERVER_LOAD: Final = writers.Load(processes=4, writers=4, sessions=4)
OURS: Final = "ours"
PLAIN: Final = "plain"


@dataclass(frozen=True)
class Case:
    """An operation to measure.

    Attributes:
        name: Its name in the table.
        step: Runs the operation once, given the session and the number of the repetition.
        plain: Runs the same operation of `SQLAlchemySession`; None if it has no such operation.
        repeats: Number of repetitions after the first.
    """

    name: str
    step: Step
    plain: PlainStep | None = None
    repeats: int = 30


def cases(size: int) -> Iterator[Case]:
    """Yield the operations; each leaves the session as the next operation needs it."""
    few = 10 if size <= 1000 else 3

    yield Case("append a turn", lambda s, n: s.add_items(turn(n)), lambda s: s.add_items(turn(1)))
    yield Case("read the last 20", lambda s, _: s.get_items(20), lambda s: s.get_items(20))
    yield Case("pop the last item", lambda s, _: s.pop_item(), lambda s: s.pop_item())
    yield Case("read all items", lambda s, _: s.get_items(), lambda s: s.get_items(), few)
    yield Case("user turns", lambda s, _: s.get_conversation_turns(), None, few)
    yield Case("first fork", lambda s, _: s.fork(branch_name="first", switch=False), None, 0)
    yield Case("fork", lambda s, n: s.fork(branch_name=f"fork {n}", switch=False), None, few)
    yield Case("switch", lambda s, n: s.switch_to_branch("main" if n % 2 else "first"), None)
    yield Case("append to a branch", lambda s, n: s.add_items(turn(n)), None)
    yield Case("last 20 of a branch", lambda s, _: s.get_items(20), None)
    yield Case("all items of a branch", lambda s, _: s.get_items(), None, few)


def fill(url: str, session_id: str, size: int) -> None:
    """Write the items of a session as a plain `SQLAlchemySession` stores them, a turn in a second."""
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO agent_sessions (session_id) VALUES (%s)", (session_id,))
        with db.cursor().copy("COPY agent_messages (session_id, message_data, created_at) FROM STDIN") as copy:
            for number in range(size // TURN):
                when = (
                    f"2026-01-{1 + number // 86400:02} {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
                )
                for item in turn(number):
                    copy.write_row((session_id, json.dumps(item, separators=(",", ":")), when))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("ANALYZE")


async def measure(url: str, size: int) -> None:
    """Print the table for sessions with `size` items."""
    schema = new_schema(url)
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={"server_settings": {"search_path": schema.rpartition("%3D")[2]}},
    )
    ours = AdvancedPostgresSession(session_id=OURS, url=schema, create_tables=True)
    plain = SQLAlchemySession(PLAIN, engine=engine)
    for session_id in (OURS, PLAIN):
        fill(schema, session_id, size)

    columns = f"{'ours ms':>9} {'SDK ms':>9} {'SDK/ours':>9}"
    print(f"\n{f'PostgreSQL, {size:,} items':<26} {columns}   first: ours, then the SDK", flush=True)
    for case in cases(size):
        times = await _times(case, ours, plain)
        # The first repetition opens connections and stores the types of the items, so it is printed separately.
        middle = {name: statistics.median(values[1:] or values) for name, values in times.items() if values}
        line = f"  {case.name:<24} {middle[OURS]:9.2f}"
        if case.plain is not None:
            ratios = [sdk / own for own, sdk in zip(times[OURS][1:], times[PLAIN][1:], strict=True)]
            line += f" {middle[PLAIN]:9.2f} {statistics.median(ratios):8.1f}x"
            line += f"   {times[OURS][0]:9.2f} {times[PLAIN][0]:9.2f}"
        print(line, flush=True)
    ours.close()
    await engine.dispose()


async def _times(case: Case, ours: Ours, plain: SQLAlchemySession) -> dict[str, list[float]]:
    """Return the milliseconds of each repetition."""
    times: dict[str, list[float]] = {OURS: [], PLAIN: []}
    for number in range(case.repeats + 1):
        times[OURS].append(await _timed(case.step(ours, number)))
        if case.plain is not None:
            times[PLAIN].append(await _timed(case.plain(plain)))
    return times


async def _timed(operation: Awaitable[object]) -> float:
    start = time.perf_counter()
    result = await operation
    seconds = time.perf_counter() - start
    # Freeing the result is not part of the operation.
    del result
    return seconds * 1000


def run(sizes: Iterable[int] = (1_000, 100_000)) -> None:
    """Print a table for each number of items, then the turns per second of many writers."""
    with run_server(durable=True) as server:
        for size in sizes:
            asyncio.run(measure(server.url, size))
        writers.run(SERVER_LOAD, server=server.url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1000,100000", help="items in the session (default: %(default)s)")
    run([int(size) for size in parser.parse_args().sizes.split(",")])


if __name__ == "__main__":
    main()
