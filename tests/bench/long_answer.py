"""An agent that says 20,000 characters, and watches meanwhile how long the event loop is held.

The explorer loads it with `--agent`, so that it runs within the program that it watches. A while after its last word it
writes what it saw to the file that CONVO_BENCH_REPORT names: JSON, for each look at the clock the milliseconds that it
came too late, and the milliseconds of processor time that the loop's thread took since the look before.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from agents import Agent, Usage
from agents.testing import assistant_message
from openai.types.responses import ResponseStreamEvent

from tests.bench.prose import Prose
from tui.agent.offline import OfflineModel, stream_output

CHARACTERS: Final = 20_000

_PIECE: Final = 20
"""Characters of a piece, at least."""

_BEAT: Final = 0.005
"""Seconds between two looks at the clock."""

_AFTERWARDS: Final = 2.0
"""Seconds that are watched after the last word: what was said is stored and shown as stored then."""


class LongAnswer(OfflineModel):
    """Answers anything with a long text in Markdown, some words at a time."""

    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[ResponseStreamEvent]:
        """Answer, and report on the event loop."""
        watch = asyncio.create_task(_watch())
        text = Prose(random.Random(1), 0.0).markdown(CHARACTERS)
        try:
            async for event in stream_output([assistant_message(text)], Usage(), self.delay, _pieces):
                yield event
        finally:
            _reports.add(asyncio.create_task(_report(watch)))


def _pieces(text: str) -> list[str]:
    """The text some words at a time, as it arrives from a server."""
    pieces = [""]
    for word in re.findall(r"\s*\S+|\s+$", text):
        if len(pieces[-1]) >= _PIECE:
            pieces.append("")
        pieces[-1] += word
    return pieces


async def _watch() -> None:
    """Note whenever the event loop let this task wait for longer than it had asked to."""
    last, worked = time.perf_counter(), time.thread_time()
    while True:
        await asyncio.sleep(_BEAT)
        now, work = time.perf_counter(), time.thread_time()
        _held.append((1000 * (now - last - _BEAT), 1000 * (work - worked)))
        last, worked = now, work


async def _report(watch: asyncio.Task[None]) -> None:
    await asyncio.sleep(_AFTERWARDS)
    watch.cancel()
    path = Path(os.environ["CONVO_BENCH_REPORT"])
    part = path.with_suffix(".part")
    part.write_text(json.dumps(_held))
    part.rename(path)


_held: list[tuple[float, float]] = []
_reports: set[asyncio.Task[None]] = set()

agent = Agent(name="Long answer", model=LongAnswer(delay=0.005))
