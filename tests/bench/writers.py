"""Many processes that append to one file: `python -m tests.bench.writers [--writers 8] [--seconds 3] [--rounds 5]`.

Each process appends turns to its own session. One more process reads as the explorer does, whenever the file changed.
Both classes are measured in turns, with the same processes, and with a new file for each round.
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
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tests.bench.session import turn
from tui.errors import FileError
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

__all__ = ["main", "run"]

KINDS: Final = {"ours": AdvancedSQLiteSession, "SDK": SDKSession}
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


def run(writers: int = 8, seconds: float = 3, rounds: int = 5) -> None:
    """Print the turns per second with each class, and the time that a writer waits."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        roles = [*(f"session {number}" for number in range(writers)), ""]
        processes = [stack.enter_context(_start(role)) for role in roles]
        for process in processes:
            stack.callback(process.kill)
        found: dict[str, list[Result]] = {kind: [] for kind in KINDS}
        for number in range(rounds):
            for kind in list(KINDS)[:: 1 if number % 2 else -1]:
                found[kind].append(_round(processes, kind, folder / f"{kind} {number}.sqlite", seconds))
    columns = f"{'turns/s':>9} {'median ms':>10} {'99 % ms':>9} {'slowest ms':>11} {'reads/s':>9} {'errors':>7}"
    print(f"\n{f'{writers} writers':<12} {columns}")
    for kind, results in found.items():
        waits = sorted(wait for result in results for wait in result.waits)
        errors = [error for result in results for error in result.errors]
        print(
            f"  {kind:<10} {statistics.median(result.turns for result in results) / seconds:9.0f}"
            f" {statistics.median(waits):10.1f} {waits[len(waits) * 99 // 100]:9.0f} {waits[-1]:11.0f}"
            f" {statistics.median(result.reads for result in results) / seconds:9.0f} {len(errors):7}"
            f"   {', '.join(sorted(set(errors)))}"
        )
    ratios = [ours.turns / sdk.turns for ours, sdk in zip(found["ours"], found["SDK"], strict=True)]
    print(f"  ours/SDK   {statistics.median(ratios):8.1f}x   ({', '.join(f'{ratio:.1f}' for ratio in ratios)})")


def _start(role: str) -> Process:
    command = [sys.executable, "-m", "tests.bench.writers", "--role", role]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _round(processes: Sequence[Process], kind: str, path: Path, seconds: float) -> Result:
    _send(processes, [kind, str(path), seconds])
    results = [Result(*answer) for answer in _send(processes, "go")]
    written = sum(result.turns for result in results)
    with closing(sqlite3.connect(path)) as db:
        stored = db.execute("SELECT COUNT(DISTINCT message_id) FROM message_structure").fetchone()[0]
    assert stored == written * len(turn(1)), f"{written} turns were written, {stored} items are stored"
    return Result(
        written,
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
        kind, path, seconds = json.loads(order)
        if role:
            session = KINDS[kind](session_id=role, db_path=path, create_tables=True)
            _answer(None)
            _answer(await _write(session, seconds))
            session.close()
        else:
            _answer(None)
            _answer(await _read(Path(path), seconds))


def _answer(result: Result | None) -> None:
    """Answer an order; without a result, wait for the order to begin."""
    print(json.dumps(result), flush=True)
    if result is None:
        sys.stdin.readline()


async def _write(session: SDKSession | AdvancedSQLiteSession, seconds: float) -> Result:
    turns, waits, errors = 0, [], []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        try:
            await session.add_items(turn(turns))
            turns += 1
        except sqlite3.Error as error:
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
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3, help="length of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each class (default: %(default)s)")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role is None:
        run(options.writers, options.seconds, options.rounds)
    else:
        asyncio.run(_serve(options.role))


if __name__ == "__main__":
    main()
