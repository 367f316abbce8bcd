"""An agent whose tool goes on when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib

from agents import Agent, function_tool


class Stubborn:
    """The tool, and how far it is."""

    def __init__(self) -> None:
        self.begun, self.let_go, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold_on(self) -> str:
        """Hold on until it is let go."""
        self.begun.set()
        while not self.let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.let_go.wait()
        self.done.set()
        return "held on"


made: list[Stubborn] = []


async def make() -> Agent[None]:
    """The agent, with a tool of its own."""
    made.append(Stubborn())
    return Agent(name="Stubborn", tools=[function_tool(made[-1].hold_on)])
