"""The explorer in a browser, served by textual-serve."""

from __future__ import annotations

from pathlib import Path

from tests.browser import Browser
from tests.conftest import OpenSDK


async def test_a_user_clicks_a_turn_forks_and_reads_the_answer(page: Browser, conversation: Path, sdk: OpenSDK) -> None:
    page.until("q Quit")
    page.click("weather in Oslo")
    page.until("Fork from turn 1")
    page.type(", please\n")
    page.until("no server was asked")
    page.until("Enter to send")
    assert len(await sdk(conversation, "support").list_branches()) == 2
