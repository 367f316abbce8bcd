"""Files of any size and shape: `python -m tests.bench.generate NAME PATH [--scale 0.01] [--writer ours|sdk]`.

They are written with the public methods of a session class, ours or the SDK's. Both classes write the same content,
except for times and the tables that only ours has. Every turn contains its number, so that reading can be checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.prose import Prose
from tests.conversations import SdkSession, run_result
from tui.session import AdvancedSQLiteSession

__all__ = ["SHAPES", "AnySession", "Shape", "Writer", "generate", "open_session"]

AnySession: TypeAlias = SdkSession | AdvancedSQLiteSession
Writer: TypeAlias = Literal["ours", "sdk"]

_BATCH_ITEMS: Final = 2000
_BATCH_BYTES: Final = 30_000_000


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The content of a file; each session has the same shape with other words.

    Attributes:
        turns: Turns of `main`.
        branches: Branches of a session, including `main`.
        fork_turns: Turns that each fork adds to its shared turns.
        depth: Depth of nested forks; 1 if all are forks of `main`. One chain of forks is as deep as this; the other
            forks start from any branch.
        items_per_turn: A question, calls with their outputs, reasoning if the number is odd, an answer.
        item_bytes: Approximate stored size of each item.
        large_outputs: Number of tool outputs, spread over `main`, with `large_bytes` instead.
        cjk: Share of Chinese, Japanese and Korean characters in the text, 0 to about 0.8.
        usage_every: Usage is stored for every n-th turn; 0 for none.
        seed: Seed for the words and the places of forks.
    """

    sessions: int = 1
    turns: int = 10
    branches: int = 1
    fork_turns: int = 2
    depth: int = 1
    items_per_turn: int = 4
    item_bytes: int = 400
    large_outputs: int = 0
    large_bytes: int = 10_000_000
    cjk: float = 0.1
    usage_every: int = 1
    seed: int = 1

    @property
    def turns_written(self) -> int:
        """Number of turns in all sessions, with shared turns once."""
        return self.sessions * (self.turns + (self.branches - 1) * self.fork_turns)

    @property
    def items(self) -> int:
        """Number of items in all sessions, with shared items once."""
        return self.turns_written * self.items_per_turn

    def scaled(self, factor: float) -> Shape:
        """Return a shape with fewer sessions, branches, turns and bytes, where there are many of them."""

        def less(value: int, least: int, many: int) -> int:
            return max(least, math.ceil(value * factor)) if value > many else value

        branches = less(self.branches, 20, 100)
        return replace(
            self,
            sessions=less(self.sessions, 3, 100),
            turns=less(self.turns, 10, 1000),
            branches=branches,
            depth=min(self.depth, branches // 2) if branches < self.branches else self.depth,
            item_bytes=less(self.item_bytes, 10_000, 100_000),
            large_bytes=less(self.large_bytes, 10_000, 100_000),
        )


SHAPES: Final = {
    "wide": Shape(sessions=10_000, turns=23, branches=2, usage_every=23),
    "long": Shape(turns=25_000, branches=3),
    "bushy": Shape(turns=40, branches=2_000, fork_turns=4, depth=50),
    "heavy": Shape(turns=46, branches=3, item_bytes=5_000_000),
}
"""10,000 sessions with a million items; a branch of 100,000 items and two forks of it; a session of 2,000 branches;
200 items of 5 MB."""


class _Branch(NamedTuple):
    """A branch; `first` to `last` are its own turns."""

    name: str
    depth: int
    first: int
    last: int


def open_session(path: Path, session_id: str, writer: Writer = "ours") -> AnySession:
    """Open a session with our class or the SDK's; a missing file is created."""
    make: type[SdkSession | AdvancedSQLiteSession] = AdvancedSQLiteSession if writer == "ours" else SdkSession
    return make(session_id=session_id, db_path=path, create_tables=True)


def session_ids(shape: Shape) -> list[str]:
    """Return the ids of a file's sessions, in the order in which they are written."""
    return [f"chat-{number:05}" for number in range(1, shape.sessions + 1)]


async def generate(
    path: Path, shape: Shape, writer: Writer = "ours", report_items: Callable[[int], object] | None = None
) -> None:
    """Write a file completely or not at all.

    Args:
        path: The file; an existing one is replaced.
        shape: The content of the file.
        writer: The class that writes it.
        report_items: Called after each batch with its number of items.
    """
    part = path.with_name(f"{path.name}.part")
    for old in (part, *_beside(part)):
        old.unlink(missing_ok=True)
    for number, session_id in enumerate(session_ids(shape)):
        session = open_session(part, session_id, writer)
        try:
            conversation_seed = shape.seed * 1_000_003 + number
            await _Conversation(session, shape, conversation_seed, report_items or (lambda _: None)).write()
        finally:
            session.close()
    with closing(sqlite3.connect(part)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for old in (path, *_beside(path)):
        old.unlink(missing_ok=True)
    part.rename(path)


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-wal", "-shm")]


class _Conversation:
    """Writes one session."""

    def __init__(self, session: AnySession, shape: Shape, seed: int, report_items: Callable[[int], object]) -> None:
        self._session = session
        self._shape = shape
        self._random = random.Random(seed)
        self._prose = Prose(self._random, shape.cjk)
        self._report_items = report_items
        self._turns = 0

    async def write(self) -> None:
        shape = self._shape
        large = {round((n + 0.5) * shape.turns / shape.large_outputs) + 1 for n in range(shape.large_outputs)}
        await self._add_turns("main", 1, shape.turns, large)
        branches = [_Branch("main", 0, 1, shape.turns)]
        for number in range(1, shape.branches):
            branches.append(await self._fork(number, branches))

    async def _fork(self, number: int, branches: Sequence[_Branch]) -> _Branch:
        # Each of the first forks starts from the one before, until `depth` is reached. A fork is nested in its parent
        # only if it shares a turn of the parent's own, so it starts at the parent's second own turn or later.
        if number <= self._shape.depth:
            parent = branches[-1]
        else:
            parent = self._random.choice([branch for branch in branches if branch.depth < self._shape.depth])
        turn = self._random.randint(min(parent.first + 1, parent.last), parent.last)
        await self._session.switch_to_branch(parent.name)
        name = await self._session.create_branch_from_turn(turn, f"try-{number:04}")
        last = turn + self._shape.fork_turns - 1
        await self._add_turns(name, turn, last, frozenset())
        return _Branch(name, parent.depth + 1, turn, last)

    async def _add_turns(self, branch: str, first: int, last: int, large: set[int] | frozenset[int]) -> None:
        batch: list[Any] = []
        batch_bytes = 0
        for number in range(first, last + 1):
            items = list(self._turn(branch, number, number in large))
            batch += items
            batch_bytes += len(items) * self._shape.item_bytes + (number in large) * self._shape.large_bytes
            self._turns += 1
            used = self._shape.usage_every and self._turns % self._shape.usage_every == 0
            if used or number == last or len(batch) >= _BATCH_ITEMS or batch_bytes >= _BATCH_BYTES:
                await self._session.add_items(batch)
                self._report_items(len(batch))
                batch, batch_bytes = [], 0
            if used:
                tokens = 800 + 40 * number + self._random.randrange(400)
                await self._session.store_run_usage(run_result(tokens, tokens // 2, tokens // 40, self._turns % 3 + 1))

    def _turn(self, branch: str, number: int, large: bool) -> Iterator[dict[str, Any]]:
        """Yield the items of a turn in the form of the Responses API."""
        shape, prose, size = self._shape, self._prose, self._shape.item_bytes
        yield {"role": "user", "content": f"Question {number} in {branch}. {prose.plain(size)}"}
        calls, rest = divmod(max(shape.items_per_turn - 2, 0), 2)
        for place in range(calls):
            call = f"call_{branch}_{number}_{place}"
            form = (number + place) % len(_FORMS)
            arguments = json.dumps({"query": f"question {number}", "note": prose.plain(size - 200)})
            yield {"type": "function_call", "call_id": call, "name": f"{_FORMS[form]}_search", "arguments": arguments}
            output = _outputs(prose)[form](shape.large_bytes if large and place == 0 else size)
            yield {"type": "function_call_output", "call_id": call, "output": output}
        if rest:
            summary = [{"type": "summary_text", "text": prose.plain(size)}]
            yield {"type": "reasoning", "id": f"rs_{branch}_{number}", "summary": summary}
        if shape.items_per_turn > 1:
            text = f"Answer {number} in {branch}. {prose.markdown(size)}\n\nEnd of answer {number} in {branch}."
            part = {"type": "output_text", "text": text, "annotations": []}
            answer = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
            yield {"id": f"msg_{branch}_{number}", **answer}


_FORMS: Final = ("json", "log", "minified", "mixed")


def _outputs(prose: Prose) -> tuple[Callable[[int], str], ...]:
    """Return the functions that write tool outputs, in the order of `_FORMS`."""
    return partial(prose.records, indent=2), prose.log, prose.records, prose.markdown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate", description=__doc__)
    parser.add_argument("name", choices=SHAPES)
    parser.add_argument("path", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the file, 0 to 1 (default: %(default)s)")
    parser.add_argument("--writer", choices=["ours", "sdk"], default="ours", help="the class that writes")
    arguments = parser.parse_args()
    write(arguments.name, arguments.path, arguments.scale, arguments.writer)


def write(name: str, path: Path, scale: float = 1.0, writer: Writer = "ours") -> None:
    """Write a file of one of the shapes, and show the progress."""
    shape = SHAPES[name].scaled(scale)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TextColumn("items"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"writing {path.name}", total=shape.items)
        asyncio.run(generate(path, shape, writer, partial(progress.advance, task)))


if __name__ == "__main__":
    main()
