"""An agent with a tool that ignores its cancellation."""

from __future__ import annotations

import asyncio
import contextlib

from agents import Agent, function_tool


class Uncancellable:
    """The tool, with events for its start and end; it ends after `release` is set."""

    def __init__(self) -> None:
        self.started, self.release, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold_on(self) -> str:
        """Wait until it is released."""
        self.started.set()
        while not self.release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.release.wait()
        self.done.set()
        return "held on"


tools: list[Uncancellable] = []


async def make_agent() -> Agent[None]:
    """Create the agent, with a tool of its own."""
    tools.append(Uncancellable())
    return Agent(name="Uncancellable", tools=[function_tool(tools[-1].hold_on)])
