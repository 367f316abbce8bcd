"""The file on which most tests of the explorer work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import open_sdk, run_result, set_times, turn

LONG_TEXT = "A sentence of many, 데이터 and café.\n" * 40_000
"""More than a megabyte."""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Session support: main has turns 1 to 6, alt leaves it at turn 3 and ends at turn 4; session billing: one turn."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("Send me the invoice", "Sent."))
    other.close()
    sdk = open_sdk(path)
    words = ("Hello, can you help me?", "What is the weather in Oslo?", "And tomorrow?", "Plot it", "Thanks")
    for number, text in enumerate(words, 1):
        await sdk.add_items(turn(text, f"Answer **{number}** of main.", tool="get_weather" if number == 2 else None))
        await sdk.store_run_usage(
            run_result(1000 * number, cached=600 * (number - 1), reasoning=30, requests=number % 2 + 1)
        )
    await sdk.create_branch_from_turn(3, "alt")
    for text in ("In Fahrenheit, please", "Good"):
        await sdk.add_items(turn(text, f"Answer to {text}"))
        await sdk.store_run_usage(run_result(900))
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("One more thing", "Yes?"))
    sdk.close()
    set_times(path)
    return path


@pytest.fixture
async def long_path(tmp_path: Path) -> Path:
    """One turn of a long message, a call with a long output, and a long answer."""
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    asked, call, _, answer = turn(f"Read this. {LONG_TEXT}", f"Done. {LONG_TEXT}", tool="get_weather")
    await sdk.add_items([asked, call, {"type": "function_call_output", "call_id": "c1", "output": LONG_TEXT}, answer])
    sdk.close()
    return path
