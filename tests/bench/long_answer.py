"""An agent that answers with 20,000 characters, and measures meanwhile how long the event loop is blocked.

The explorer loads it with `--agent`, so that it runs in the program that it measures. Some seconds after its answer it
writes its samples as JSON to the file that CONVO_BENCH_REPORT names. A sample has two numbers of milliseconds: how late
the event loop ran, and the processor time of its thread since the sample before.
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
"""Least number of characters that are streamed at once."""

_INTERVAL: Final = 0.005
"""Seconds between two samples."""

_SECONDS_AFTER_ANSWER: Final = 2.0
"""Seconds of samples after the answer, while it is stored and shown as stored."""


class LongAnswer(OfflineModel):
    """Answers every message with a long text in Markdown, some words at a time."""

    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[ResponseStreamEvent]:
        """Stream the answer, and write the samples of the event loop."""
        sampling = asyncio.create_task(_sample())
        text = Prose(random.Random(1), 0.0).markdown(CHARACTERS)
        try:
            async for event in stream_output([assistant_message(text)], Usage(), self.delay, _pieces):
                yield event
        finally:
            _reports.add(asyncio.create_task(_report(sampling)))


def _pieces(text: str) -> list[str]:
    """Split a text into pieces of some words, as a server sends them."""
    pieces = [""]
    for word in re.findall(r"\s*\S+|\s+$", text):
        if len(pieces[-1]) >= _PIECE:
            pieces.append("")
        pieces[-1] += word
    return pieces


async def _sample() -> None:
    """Sample how late the event loop resumes this task."""
    last, worked = time.perf_counter(), time.thread_time()
    while True:
        await asyncio.sleep(_INTERVAL)
        now, work = time.perf_counter(), time.thread_time()
        _samples.append((1000 * (now - last - _INTERVAL), 1000 * (work - worked)))
        last, worked = now, work


async def _report(sampling: asyncio.Task[None]) -> None:
    await asyncio.sleep(_SECONDS_AFTER_ANSWER)
    sampling.cancel()
    path = Path(os.environ["CONVO_BENCH_REPORT"])
    part = path.with_suffix(".part")
    part.write_text(json.dumps(_samples))
    part.rename(path)


_samples: list[tuple[float, float]] = []
_reports: set[asyncio.Task[None]] = set()

agent = Agent(name="Long answer", model=LongAnswer(delay=0.005))
