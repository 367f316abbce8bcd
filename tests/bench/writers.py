"""Many writers that append to one file, or to one server: `python -m tests.bench.writers [--processes 8] [--rounds 5]`.

Each writer appends turns to sessions of its own, one after the other. On files, one more process reads as the explorer
does, whenever the file changed. Both classes are measured in turns, with the same processes, and with a new file or
schema for each round. `--server` compares a file with a PostgreSQL server, which waits for the disk as a file does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import psycopg
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tests.bench.session import turn
from tests.postgres_server import new_schema, run_server
from tui.errors import FileError
from tui.session import AdvancedPostgresSession, AdvancedSQLiteSession
from tui.storage.store import Store

__all__ = ["Load", "main", "run"]

AnySession: TypeAlias = SDKSession | AdvancedSQLiteSession | AdvancedPostgresSession
KINDS: Final[dict[str, Callable[[str, str], AnySession]]] = {
    "ours": lambda name, path: AdvancedSQLiteSession(session_id=name, db_path=path, create_tables=True),
    "SDK": lambda name, path: SDKSession(session_id=name, db_path=path, create_tables=True),
    "server": lambda name, url: AdvancedPostgresSession(session_id=name, url=url, create_tables=True),
}
Process: TypeAlias = subprocess.Popen[str]


class Result(NamedTuple):
    """The result of one process, or of all processes of a round.

    Attributes:
        turns: Number of appended turns.
        reads: How often the explorer's view was read.
        waits: Milliseconds that each append took.
    """

    turns: int
    reads: int
    waits: list[float]
    errors: list[str]


class Load(NamedTuple):
    """The writers of a measurement.

    Attributes:
        processes: Number of processes.
        writers: Writers in each process, which work at the same time.
        sessions: Sessions of each writer.
        seconds: Length of a round.
    """

    processes: int = 8
    writers: int = 1
    sessions: int = 1
    seconds: float = 3


def run(load: Load, rounds: int = 5, server: str = "") -> None:
    """Print the turns per second, and the time that a writer waits: our class and another one.

    Args:
        rounds: How often each is measured.
        server: URL of a server to compare a file with; empty to compare our class with the SDK's on files.
    """
    kinds = ["server", "ours"] if server else ["ours", "SDK"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        roles = [f"process {number}" for number in range(load.processes)] + ([] if server else [""])
        processes = [stack.enter_context(_start(role)) for role in roles]
        for process in processes:
            stack.callback(process.kill)
        found: dict[str, list[Result]] = {kind: [] for kind in kinds}
        for number in range(rounds):
            for kind in kinds[:: 1 if number % 2 else -1]:
                place = new_schema(server) if kind == "server" else str(folder / f"{kind} {number}.sqlite")
                found[kind].append(_round(processes, kind, place, load))
    _print(load, found)


def _print(load: Load, found: dict[str, list[Result]]) -> None:
    seconds = load.seconds
    columns = f"{'turns/s':>9} {'median ms':>10} {'99 % ms':>9} {'slowest ms':>11} {'reads/s':>9} {'errors':>7}"
    print(f"\n{f'{load.processes * load.writers} writers':<12} {columns}")
    for kind, results in found.items():
        waits = sorted(wait for result in results for wait in result.waits)
        errors = [error for result in results for error in result.errors]
        print(
            f"  {kind:<10} {statistics.median(result.turns for result in results) / seconds:9.0f}"
            f" {statistics.median(waits):10.1f} {waits[len(waits) * 99 // 100]:9.0f} {waits[-1]:11.0f}"
            f" {statistics.median(result.reads for result in results) / seconds:9.0f} {len(errors):7}"
            f"   {', '.join(sorted(set(errors)))}"
        )
    (name, first), (other, second) = found.items()
    ratios = [one.turns / two.turns for one, two in zip(first, second, strict=True)]
    rounds = ", ".join(f"{ratio:.1f}" for ratio in ratios)
    print(f"  {f'{name}/{other}':<10} {statistics.median(ratios):8.1f}x   ({rounds})")


def _start(role: str) -> Process:
    command = [sys.executable, "-m", "tests.bench.writers", "--role", role]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _round(processes: Sequence[Process], kind: str, place: str, load: Load) -> Result:
    _send(processes, [kind, place, load])
    results = [Result(*answer) for answer in _send(processes, "go")]
    written = sum(result.turns for result in results)
    with closing(psycopg.connect(place) if kind == "server" else sqlite3.connect(place)) as db:
        [(stored,)] = db.execute("SELECT COUNT(*) FROM agent_messages").fetchall()
    assert stored == written * len(turn(1)), f"{written} turns were written, {stored} items are stored"
    return _sum(results)


def _sum(results: Sequence[Result]) -> Result:
    """Return the results of processes, or of writers, as one."""
    return Result(
        sum(result.turns for result in results),
        sum(result.reads for result in results),
        [wait for result in results for wait in result.waits],
        [error for result in results for error in result.errors],
    )


def _send(processes: Sequence[Process], order: object) -> list[Any]:
    """Send an order to all processes, then wait for the answers of all."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    return [json.loads(process.stdout.readline()) for process in processes if process.stdout is not None]


async def _serve(role: str) -> None:
    """Run one of the processes, which gets two orders in a round: to prepare, and to begin."""
    for order in sys.stdin:
        kind, place, numbers = json.loads(order)
        load = Load(*numbers)
        if role:
            names = [[f"{role}, {writer}, {n}" for n in range(load.sessions)] for writer in range(load.writers)]
            sessions = [[KINDS[kind](name, place) for name in group] for group in names]
            _answer(None)
            results = await asyncio.gather(*(_write(group, load.seconds) for group in sessions))
            _answer(_sum(results))
            for session in chain.from_iterable(sessions):
                session.close()
        else:
            _answer(None)
            _answer(await _read(Path(place), load.seconds))


def _answer(result: Result | None) -> None:
    """Answer an order; without a result, wait for the order to begin."""
    print(json.dumps(result), flush=True)
    if result is None:
        sys.stdin.readline()


async def _write(sessions: Sequence[AnySession], seconds: float) -> Result:
    turns, waits, errors = 0, [], []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        try:
            await sessions[turns % len(sessions)].add_items(turn(turns))
            turns += 1
        except (sqlite3.Error, psycopg.Error) as error:
            errors.append(str(error))
        waits.append((time.perf_counter() - start) * 1000)
    return Result(turns, 0, waits, errors)


async def _read(path: Path, seconds: float) -> Result:
    reads, errors, seen = 0, [], None
    end = time.perf_counter() + seconds
    with closing(Store(path)) as store:
        while time.perf_counter() < end:
            try:
                if (version := await store.version()) != seen:
                    for session in (await store.sessions())[:1]:
                        branch = (await store.tree(session)).branches["main"]
                        await store.page_around(session, "main", branch.turns, at_end=True)
                    reads, seen = reads + 1, version
            except FileError as error:
                errors.append(str(error))
            # As often as a busy explorer reads.
            await asyncio.sleep(0.05)
    return Result(0, reads, [], errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--writers", type=int, default=1, help="writers in a process (default: %(default)s)")
    parser.add_argument("--sessions", type=int, default=1, help="sessions of a writer (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each class (default: %(default)s)")
    parser.add_argument("--server", action="store_true", help="compare a PostgreSQL server with a file")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    options = parser.parse_args()
    load = Load(options.processes, options.writers, options.sessions, options.seconds)
    if options.role is not None:
        asyncio.run(_serve(options.role))
    elif options.server:
        with run_server(durable=True) as server:
            run(load, options.rounds, server.url)
    else:
        run(load, options.rounds)


if __name__ == "__main__":
    main()
