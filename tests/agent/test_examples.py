"""The examples run unchanged."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.agent.conftest import MakeRunner
from tests.agent.recording_hooks import RecordingHooks
from tests.conftest import OpenSDK
from tests.fork_server import fork_server
from tests.recorded import read_recorded
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


def run_example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an example in a folder, without a key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(folder)
    process = fork_server().run(["-c", (EXAMPLES / name).read_text("utf-8")])
    assert process.returncode == 0, process.stderr


def test_the_drop_in_example_writes_two_branches(tmp_path: Path, sdk: OpenSDK, monkeypatch: pytest.MonkeyPatch) -> None:
    run_example("drop_in.py", tmp_path, monkeypatch)
    assert len(asyncio.run(sdk(tmp_path / "drop_in.sqlite", "trip").list_branches())) == 2


def test_the_example_of_recorded_runs_records_each_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_example("record_runs.py", tmp_path, monkeypatch)
    found = asyncio.run(read_recorded(tmp_path / "record_runs.sqlite", "trip"))
    agents = [(request.turn, request.agent) for request in found.requests]
    assert agents[:3] == [(1, "Guide"), (1, "Guide"), (2, "Guide")]
    assert agents[3:] == [(3, "Triage"), (3, "Summary"), (3, "Triage"), (4, "Triage"), (4, "Planner")]
    assert [run.outcome for run in found.runs] == [Outcome.DONE] * 4
    assert found.requests[2].first_token_seconds is not None


def test_the_documentation_of_recording_shows_the_example() -> None:
    example = (EXAMPLES / "record_runs.py").read_text("utf-8")
    document = (EXAMPLES.parent / "docs" / "recording.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", document, re.DOTALL):
        for line in block.splitlines():
            assert line in example, line
