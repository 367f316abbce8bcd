"""The examples run as they are."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.agent.recording_hooks import Watch
from tests.conversations import open_sdk
from tui.agent import AgentRunner
from tui.items.text import item_text
from tui.model import Decision, Outcome
from tui.session import AdvancedSQLiteSession

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_travel_agent_asks_before_it_books(
    runner: Callable[..., AgentRunner], session: AdvancedSQLiteSession
) -> None:
    travel = runner(agent=f"{EXAMPLES / 'travel_agent.py'}:agent", model="offline")
    watch = Watch(Decision(approved=True))
    looked = await travel.run(session, "find_flight to Oslo", Watch())
    booked = await travel.run(session, "book_flight to Oslo 2", watch)

    assert (looked.outcome, booked.outcome, booked.agent) == (Outcome.DONE, Outcome.DONE, "Travel agent")
    assert [approval.tool_name for approval in watch.asked[0]] == ["book_flight"]
    said = "\n".join(item_text(item) for item in await session.get_items())
    assert "costs 240 €" in said
    assert "Booked for 2" in said


def test_the_drop_in_class_in_a_script(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    script = [sys.executable, str(EXAMPLES / "drop_in.py")]
    done = subprocess.run(
        script, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    sdk = open_sdk(tmp_path / "drop_in.sqlite", "trip")
    assert len(asyncio.run(sdk.list_branches())) == 2
    sdk.close()
