"""A file whose branches are compared, and whose model inputs are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conversations import assistant_message, open_sdk, run_result, turn

__all__ = ["BOOKED", "write_trip"]

BOOKED: list[Any] = [
    {"role": "user", "content": "Book the second one"},
    {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "The second is Casa do Cais."}]},
    {"type": "function_call", "call_id": "c7", "name": "book", "arguments": '{"hotel": 23}'},
    {"type": "function_call", "call_id": "c8", "name": "pay", "arguments": '{"card": 4421}'},
    {"type": "function_call_output", "call_id": "c7", "output": "booked"},
    {"type": "function_call_output", "call_id": "c8", "output": "declined"},
    {"type": "function_call", "call_id": "c9", "name": "pay", "arguments": '{"card": 9027}'},
    {"type": "function_call_output", "call_id": "c9", "output": "paid"},
    assistant_message("Booked and paid."),
]


async def write_trip(folder: Path) -> Path:
    """Write the session `trip` to a new file.

    Its branch main has turns 1 to 4. The branch alt forks from it at turn 3, where it has a question more, and goes on
    with the same messages.
    """
    path = folder / "trip.sqlite"
    sdk = open_sdk(path, "trip")
    await sdk.add_items(turn("Hello"))
    await sdk.store_run_usage(run_result(100))
    await sdk.add_items(turn("Find a hotel", tool="search"))
    await sdk.store_run_usage(run_result(200, cached=100))
    await sdk.add_items(BOOKED)
    await sdk.store_run_usage(run_result(1000, cached=600, requests=3))
    await sdk.add_items(turn("Thank you"))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("Is there a hostel?", "Two of them.", tool="search"))
    await sdk.store_run_usage(run_result(300, cached=150))
    await sdk.add_items(turn("Book the second one, please", "Done.", tool="book"))
    await sdk.store_run_usage(run_result(400, cached=200))
    await sdk.add_items(turn("Thank you"))
    await sdk.store_run_usage(run_result(500, cached=250))
    sdk.close()
    return path
