"""The examples run unchanged."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.agent.conftest import MakeRunner
from tests.agent.recording_hooks import RecordingHooks
from tests.conftest import OpenSDK
from tui.items.text import item_text
from tui.model import ApprovalDecision, Outcome
from tui.session import AdvancedSQLiteSession

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_travel_agent_needs_approval_to_book(make_runner: MakeRunner, session: AdvancedSQLiteSession) -> None:
    runner = make_runner(agent=f"{EXAMPLES / 'travel_agent.py'}:agent", model="offline")
    hooks = RecordingHooks(ApprovalDecision(approved=True))
    found = await runner.run(session, "find_flight Oslo", RecordingHooks())
    booked = await runner.run(session, 'book_flight {"city": "Oslo", "travellers": 2}', hooks)

    assert (found.outcome, booked.outcome, booked.agent) == (Outcome.DONE, Outcome.DONE, "Travel agent")
    assert [approval.tool_name for approval in hooks.approvals[0]] == ["book_flight"]
    texts = "\n".join(item_text(item) for item in await session.get_items())
    assert "costs 240 €" in texts
    assert "Booked for 2" in texts


def test_the_drop_in_example_writes_two_branches(tmp_path: Path, sdk: OpenSDK) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    script = [sys.executable, str(EXAMPLES / "drop_in.py")]
    process = subprocess.run(
        script, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert process.returncode == 0, process.stderr
    assert len(asyncio.run(sdk(tmp_path / "drop_in.sqlite", "trip").list_branches())) == 2
