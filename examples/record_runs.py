"""Record each request of your own runs: of `Runner.run`, of a stream, and of several agents.

Run it, then open its file, and press `m` on a turn; without an OPENAI_API_KEY the offline model answers:

    python examples/record_runs.py
    convo-tui record_runs.sqlite
"""

from __future__ import annotations

import asyncio
import os

from agents import Agent, Runner, function_tool, set_tracing_disabled

from tui.agent.offline import OfflineModel
from tui.session import AdvancedSQLiteSession, record

model = None if "OPENAI_API_KEY" in os.environ else OfflineModel()


@function_tool
def find_flight(city: str) -> str:
    """Look up the price of a return flight.

    Args:
        city: The destination.
    """
    return f"A return flight to {city} costs 240 €."


planner = Agent(name="Planner", instructions="Plan the days of a trip.", model=model)
summary = Agent(name="Summary", instructions="Sum up in one sentence.", model=model)


async def run(session: AdvancedSQLiteSession) -> None:
    agent = Agent(name="Guide", tools=[find_flight], model=model)
    result = await Runner.run(agent, "find_flight Oslo", session=session, hooks=record(session))
    print(result.final_output)


async def stream(session: AdvancedSQLiteSession) -> None:
    agent = Agent(name="Guide", tools=[find_flight], model=model)
    async with record(session) as hooks:
        result = Runner.run_streamed(agent, "And to Lisbon?", session=session, hooks=hooks)
        async for event in hooks.stream_events(result):
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                print(event.data.delta, end="", flush=True)
    print()


async def several_agents(session: AdvancedSQLiteSession) -> None:
    hooks = record(session)
    sum_up = summary.as_tool("sum_up", "Sum up a text.", hooks=hooks)
    triage = Agent(name="Triage", tools=[sum_up], handoffs=[planner], model=model)
    for message in ("sum_up Oslo is a city by the sea.", "transfer_to_planner"):
        result = await Runner.run(triage, message, session=session, hooks=hooks)
        print(f"{result.last_agent.name}: {result.final_output}")


async def main() -> None:
    set_tracing_disabled(True)
    async with AdvancedSQLiteSession(session_id="trip", db_path="record_runs.sqlite", create_tables=True) as session:
        await run(session)
        await stream(session)
        await several_agents(session)
        for usage in await session.get_turn_usage():
            print(usage)


if __name__ == "__main__":
    asyncio.run(main())
