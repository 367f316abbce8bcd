"""An agent with two tools, one of which asks for leave before it is called.

Talk to it in the explorer, with a model of OpenAI's, or offline:

    convo-tui trips.sqlite --agent examples/travel_agent.py:agent
    convo-tui trips.sqlite --agent examples/travel_agent.py:agent --model offline
"""

from __future__ import annotations

from agents import Agent, function_tool

PRICES = {"oslo": 240, "lisbon": 180, "kyoto": 920}
"""Price of a return flight, in euros."""


@function_tool
def find_flight(city: str) -> str:
    """Look up the price of a return flight.

    Args:
        city: Where to go.
    """
    price = PRICES.get(city.lower())
    return f"A return flight to {city} costs {price} €." if price else f"There is no flight to {city}."


@function_tool(needs_approval=True)
def book_flight(city: str, travellers: int) -> str:
    """Book a return flight: this costs money, so the user is asked first.

    Args:
        city: Where to go.
        travellers: How many fly.
    """
    return f"Booked for {travellers}: {city}. Reference {city[:3].upper()}{travellers:03}."


agent = Agent(
    name="Travel agent",
    instructions="Help to plan a trip. Look a flight up before you book it, and say what it costs.",
    tools=[find_flight, book_flight],
)
