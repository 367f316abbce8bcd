"""A session whose requests are recorded, with what the model was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import Agent, ModelSettings, RunConfig, Runner, Usage, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.testing.model import ModelCall
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from tests.conversations import turn
from tui.session import AdvancedSQLiteSession, record

__all__ = ["write_recorded_trip"]


@function_tool
def find_flight(city: str, month: str) -> str:
    """Look up the cheapest flights to a city.

    Args:
        city: The destination, in any script.
        month: Name of the month.
    """
    return f"TP 571 to {city} in {month}: 89 €"


@function_tool
def book(flight: str, seats: int = 1) -> str:
    """Book seats on a flight."""
    return f"{flight}, {seats} booked"


def _step(output: Any, tokens: int, cached: int = 0) -> ModelStep:
    usage = Usage(
        requests=1,
        input_tokens=tokens,
        output_tokens=tokens // 10,
        total_tokens=tokens + tokens // 10,
        input_tokens_details=InputTokensDetails(cached_tokens=cached, cache_write_tokens=0),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
    )
    return ModelStep([output], usage, f"resp_{tokens}")


def _says(text: str, tokens: int, cached: int = 0) -> ModelStep:
    return _step(assistant_message(text), tokens, cached)


def _calls(name: str, arguments: dict[str, Any], tokens: int, cached: int = 0) -> ModelStep:
    return _step(function_call(name, arguments, call_id=f"call_{tokens}"), tokens, cached)


async def write_recorded_trip(path: Path) -> list[ModelCall]:
    """Write the session `trip` to a new file, and return what the model was sent, request by request.

    Turn 1 of its branch main has two requests, turn 2 has three, and turn 3 was not recorded. The branch cheap forks
    from main at turn 2, where an agent with other instructions, tools and settings makes one request.
    """
    model = ScriptedModel(
        [
            _calls("find_flight", {"city": "Lisboa", "month": "May"}, 412),
            _says("TP 571 for **89 €**.", 520, 384),
            _calls("book", {"flight": "TP 571"}, 588, 512),
            _calls("book", {"flight": "TP 572", "seats": 2}, 640, 512),
            _says("Booked both.", 702, 640),
            _says("The bus: 40 €.", 560, 384),
        ]
    )
    agent = Agent(
        name="Travel agent",
        instructions="You book trips.\nAnswer in one sentence: “short”.",
        model=model,
        tools=[find_flight, book],
        model_settings=ModelSettings(temperature=0.2, parallel_tool_calls=False),
    )
    saver = Agent(
        name="Travel agent",
        instructions="You book cheap trips.\nAnswer in one sentence: “short”.",
        model=model,
        tools=[find_flight],
        model_settings=ModelSettings(temperature=0.7, parallel_tool_calls=False),
    )
    session = AdvancedSQLiteSession(session_id="trip", db_path=path, create_tables=True)

    async def run(agent: Agent[Any], text: str) -> None:
        config = RunConfig(tracing_disabled=True)
        await Runner.run(agent, text, session=session, hooks=record(session), run_config=config)

    await run(agent, "Find a flight to Lisboa in May")
    await run(agent, "Book the first two")
    await session.add_items(turn("Thank you"))
    await session.create_branch_from_turn(2, "cheap")
    await run(saver, "Is there a bus?")
    session.close()
    return list(model.calls)
