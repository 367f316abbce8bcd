"""An agent with two tools, one of which needs approval.

Talk to it in the explorer, with a model of OpenAI's, or with the offline model, which calls the tool that you name:

    convo-tui trips.sqlite --agent examples/travel_agent.py:agent
    convo-tui trips.sqlite --agent examples/travel_agent.py:agent --model offline
    > find_flight Oslo
    > book_flight {"city": "Oslo", "travellers": 2}
"""

from __future__ import annotations

from agents import Agent, function_tool

PRICES = {"oslo": 240, "lisbon": 180, "kyoto": 920}
"""Prices of return flights in euros."""


@function_tool
def find_flight(city: str) -> str:
    """Look up the price of a return flight.

    Args:
        city: The destination.
    """
    price = PRICES.get(city.lower())
    return f"A return flight to {city} costs {price} €." if price else f"There is no flight to {city}."


@function_tool(needs_approval=True)
def book_flight(city: str, travellers: int) -> str:
    """Book a return flight. This costs money, so it needs approval.

    Args:
        city: The destination.
        travellers: Number of travellers.
    """
    return f"Booked for {travellers}: {city}. Reference {city[:3].upper()}{travellers:03}."


agent = Agent(
    name="Travel agent",
    instructions="Help to plan a trip. Look up a flight before you book it, and give its price.",
    tools=[find_flight, book_flight],
)
