"""Runs that wait for approval, in one explorer and in another one that opens the file later or meanwhile."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.controller.views import agent_of, until
from tests.conversations import open_sdk, turn, write_turns
from tests.databases import Place, open_other, open_ours
from tests.paying_agent import paid, write_agent
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.model import ApprovalDecision, EntryState, RunState, View
from tui.storage.store import Store

APPROVE, REJECT = ApprovalDecision(approved=True), ApprovalDecision(approved=False, reason="Too much.")

Open = Callable[..., Awaitable[SessionController]]


on_every_engine = pytest.mark.parametrize("engine", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
async def path(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A database with one session, `support`, of one turn."""
    if engine == "sqlite":
        return await write_turns(tmp_path, turn("hello", "Hi."))
    url: str = request.getfixturevalue("postgres")
    async with open_ours(url) as session:
        await session.add_items(turn("hello", "Hi."))
    return url


@pytest.fixture
async def open_file(path: Place, tmp_path: Path) -> AsyncIterator[Open]:
    """Open the file in one more explorer, with an agent of a file, by default the clerk."""
    opened: list[SessionController] = []

    async def open_controller(agent: str = "clerk", file: Path | None = None) -> SessionController:
        file = write_agent(tmp_path) if file is None else file
        controller = SessionController(Store(path), AgentRunner(AgentSettings(agent=f"{file}:{agent}")))
        opened.append(controller)
        await controller.open()
        await agent_of(controller).prepare()
        return controller

    yield open_controller
    for controller in opened:
        await agent_of(controller).stop_all()
        controller.close()


def waiting(*branches: str) -> Callable[[View], bool]:
    """Return a condition: runs wait for approval on these branches, and no others exist."""
    states = dict.fromkeys(branches, RunState.WAITING)
    return lambda view: {name: run.state for name, run in view.runs.items()} == states


def asks_for(call_id: str) -> Callable[[View], bool]:
    """Return a condition: the run on `main` asks for this call alone."""
    return lambda view: "main" in view.runs and [call.call_id for call in view.runs["main"].approvals] == [call_id]


async def wait_for_approval(controller: SessionController, text: str) -> None:
    """Send a message for which the agent needs approval."""
    await agent_of(controller).send(text)
    await until(controller, lambda view: any(run.approvals for run in view.runs.values()))


async def decide(controller: SessionController, *decisions: ApprovalDecision) -> View:
    """Answer the run of the shown branch, and wait until it has ended."""
    agent_of(controller).decide(controller.view.branch_id, decisions)
    return await until(controller, waiting())


async def stored(path: Place, branch_id: str = "main") -> list[tuple[str, str]]:
    """Return kind and text of the items of a branch after its first turn, as another program reads them."""
    sdk = open_other(path)
    found: Sequence[Any] = await sdk.get_items(branch_id=branch_id)
    sdk.close()
    texts = []
    for item in found[2:]:
        content = item.get("output") or item.get("arguments") or item["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        texts.append((item.get("role") or item["type"], text))
    return texts


async def restart(controller: SessionController, open_file: Open, agent: str = "clerk") -> SessionController:
    """Quit the explorer, and open the file again."""
    await agent_of(controller).stop_all()
    return await open_file(agent)


async def test_an_explorer_without_an_agent_says_that_a_run_waits(path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    before = path.read_bytes()
    for read_only, how in ((False, "with its agent (--agent)"), (True, "without --read-only")):
        controller = SessionController(Store(path), read_only=read_only)
        await controller.open()
        await controller.load_rest()
        assert controller.view.notice is not None
        assert controller.view.notice.text == (
            f"A run on 'main' waits for approval. To answer it, open the file {how}, or use convo-tui approve."
        )
        controller.close()
    assert path.read_bytes() == before


@on_every_engine
@pytest.mark.parametrize("agent", ["clerk", "guarded", "desk"])
async def test_a_run_goes_on_after_a_restart_as_if_there_had_been_none(
    path: Place, tmp_path: Path, open_file: Open, agent: str
) -> None:
    first = await open_file(agent)
    await wait_for_approval(first, "Pay 1")
    view = await until(second := await restart(first, open_file, agent), waiting("main"))
    assert [call.arguments for call in view.runs["main"].approvals] == ['{"amount":1}']
    assert paid(tmp_path) == []
    await agent_of(second).send("Thanks")
    assert second.view.runs["main"].queued == ("Thanks",)

    await decide(second, APPROVE)
    assert paid(tmp_path) == ["1"]
    assert [item for item in await stored(path) if "Clerk" not in item[1] and item[1] != "{}"] == [
        ("user", "Pay 1"),
        ("function_call", '{"amount":1}'),
        ("function_call_output", "paid 1"),
        ("assistant", "paid 1"),
        ("user", "Thanks"),
        ("assistant", "Hello."),
    ]
    assert [entry.description for entry in await second.history.entries()] == [
        "Sent “Thanks” on 'main'",
        "Sent “Pay 1” on 'main'",
    ]
    (usage,) = await second.pages.turn_usages(2, 2)
    assert usage.run is not None
    assert usage.run.outcome == "done"
    count = 3 if agent == "desk" else 2
    assert usage.usage is not None
    assert (usage.usage.requests, usage.usage.total_tokens) == (count, 15 * count)
    assert second.view.session is not None
    requests = await Store(path).requests(second.view.session, second.view.tree, "main", 2, 2)
    assert [request.has_input for request in requests[2]] == [True] * count
    assert [request.usage and request.usage.input_tokens for request in requests[2]] == [10] * count


async def test_an_agent_that_is_a_tool_asks_again_after_a_restart(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file("boss")
    await wait_for_approval(first, "Pay 1")
    second = await restart(first, open_file, "boss")
    view = await until(second, waiting("main"))
    assert [(call.tool_name, call.agent) for call in view.runs["main"].approvals] == [("pay", "Clerk")]
    await decide(second, APPROVE)
    assert paid(tmp_path) == ["1"]
    assert (await stored(path))[-1] == ("assistant", "paid 1")


async def test_each_call_of_a_paused_run_gets_its_answer(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1 2 3 then 4")
    second = await restart(first, open_file)
    await until(second, waiting("main"))
    agent_of(second).decide("main", [APPROVE, REJECT, APPROVE])
    await until(second, asks_for("call-4"))
    assert sorted(paid(tmp_path)) == ["1", "3"]
    third = await restart(second, open_file)
    await until(third, waiting("main"))
    await decide(third, REJECT)
    assert sorted(paid(tmp_path)) == ["1", "3"]
    assert (await stored(path))[-1] == ("assistant", "paid 1; Too much.; paid 3; Too much.")


@on_every_engine
async def test_of_two_answers_at_the_same_time_one_is_taken_up(path: Place, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    second = await open_file()
    await until(second, waiting("main"))
    for explorer in (first, second):
        agent_of(explorer).decide("main", [APPROVE])
    for explorer in (first, second):
        await until(explorer, waiting())
    assert paid(tmp_path) == ["1"]
    assert [kind for kind, _ in await stored(path)].count("function_call_output") == 1
    notices = [explorer.view.notice.text for explorer in (first, second) if explorer.view.notice]
    assert notices == ["It was answered in another program, or its branch or file is gone."]


async def test_the_other_explorer_follows_a_run_that_was_answered(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1 then 2")
    second = await open_file()
    await until(second, waiting("main"))
    agent_of(second).decide("main", [APPROVE])
    for explorer in (second, first):
        await explorer.refresh()
        await until(explorer, asks_for("call-2"))
    await decide(first, APPROVE)
    await second.refresh()
    view = await until(second, waiting())
    assert view.notice is not None
    assert view.notice.text == "The run on 'main' does not wait any more: it was answered in another program."
    assert view.failure is None
    assert view.page is not None
    assert view.page.items[-1].type == "assistant"
    assert paid(tmp_path) == ["1", "2"]


async def test_it_is_said_what_became_of_a_run_whose_session_is_gone(path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("convo_paused_runs", "message_structure", "agent_messages", "agent_sessions"):
            db.execute(f"DELETE FROM {table}")
    await first.refresh()
    seen = [view.notice.text for view in [await until(first, waiting())] if view.notice]
    assert "is gone" in seen[-1]


async def test_it_is_said_that_a_file_without_the_run_was_put_in_the_place_of_the_file(
    path: Path, open_file: Open
) -> None:
    backup = Path(shutil.copy(path, path.with_name("backup.sqlite")))
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    # What is still to be read of the old file is not read while its log is missing.
    await first.refresh()
    if (reading := agent_of(first)._following) is not None:
        await reading
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink()
    backup.replace(path)
    await first.refresh()
    view = await until(first, waiting())
    assert view.notice is not None
    assert view.notice.text == "The run on 'main' does not wait any more: the file was replaced."


async def test_a_paused_run_that_cannot_be_read_is_mentioned(path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    await agent_of(first).stop_all()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE convo_paused_runs SET approvals = 'garbage'")
    second = await open_file()
    await second.load_rest()
    words = "1 more run waits for approval, but cannot be read: damaged, or of a newer version."
    assert second.view.notice is not None
    assert second.view.notice.text == words


async def test_runs_wait_on_several_branches(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    await first.forks.begin(2)
    await first.forks.make("alt")
    await agent_of(first).send("Pay 2")
    await until(first, waiting("main", "alt"))
    second = await restart(first, open_file)
    await until(second, waiting("main", "alt"))
    await second.navigation.switch_branch("main")
    agent_of(second).decide("main", [APPROVE])
    await until(second, waiting("alt"))
    await second.navigation.switch_branch("alt")
    await decide(second, REJECT)
    assert paid(tmp_path) == ["1"]
    assert (await stored(path, "alt"))[-1] == ("assistant", "Too much.")


@on_every_engine
async def test_a_stopped_run_is_rejected_and_its_branch_repaired(path: Place, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1 2")
    second = await restart(first, open_file)
    await until(second, waiting("main"))
    assert agent_of(second).stop()
    await until(second, waiting())
    outputs = [text for kind, text in await stored(path) if kind == "function_call_output"]
    assert outputs == ["Stopped before it finished."] * 2
    assert paid(tmp_path) == []
    (record,) = [usage.run for usage in await second.pages.turn_usages(2, 2)]
    assert record is not None
    assert record.outcome == "stopped"
    assert await Store(path).paused_runs() == ()
    await second.history.undo()
    assert await stored(path) == []


CHANGES = {
    "the tool 'pay' of 'Clerk' has other parameters": ("amount: int", "amount: int, currency: str = 'EUR'"),
    "'Clerk' has a new tool 'refund'; 'Clerk' has no tool 'pay' any more": ("def pay", "def refund"),
    "there is a new agent 'Cashier'; there is no agent 'Clerk' any more": ("Clerk", "Cashier"),
    "the model of 'Clerk' is gpt-9, not ScriptedModel": ("clerk = Agent", "model.model = 'gpt-9'\nclerk = Agent"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_another_agent_does_not_go_on(path: Path, tmp_path: Path, open_file: Open, change: str) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    await agent_of(first).stop_all()
    old, new = CHANGES[change]
    changes = [(old, new), *([("tools=[pay]", "tools=[refund]")] if "refund" in new else [])]
    second = await open_file(file=write_agent(path.parent, *changes, name="changed.py"))
    await until(second, waiting("main"))
    agent_of(second).decide("main", [APPROVE])
    view = await until(second, lambda view: view.failure is not None)
    assert view.failure is not None
    assert view.failure.error == f"The agent has changed since the run paused: {change}."
    await until(second, waiting("main"))
    assert paid(tmp_path) == []
    third = await restart(second, open_file)
    await until(third, waiting("main"))
    await decide(third, APPROVE)
    assert paid(tmp_path) == ["1"]


@on_every_engine
async def test_a_run_does_not_go_on_after_others_wrote_to_its_branch(
    path: Place, tmp_path: Path, open_file: Open
) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    second = await open_file()
    await until(second, waiting("main"))
    sdk = open_other(path)
    await sdk.add_items(turn("And more"))
    sdk.close()
    # The other explorer has not read the file again.
    for explorer in (first, second):
        view = await decide(explorer, APPROVE)
        assert view.notice is not None
    assert second.view.notice is not None
    assert first.view.notice is not None
    assert first.view.notice.text == "The run cannot go on: branch 'main' has changed since it paused."
    assert paid(tmp_path) == []
    assert [text for _, text in await stored(path)] == ["Pay 1", '{"amount":1}', "And more", "Yes."]


async def test_an_explorer_says_that_a_run_cannot_go_on(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1")
    await agent_of(first).stop_all()
    sdk = open_sdk(path)
    await sdk.add_items(turn("And more"))
    sdk.close()
    second = await open_file()
    view = await until(second, lambda view: view.notice is not None)
    assert view.notice is not None
    assert view.notice.text == "A run on 'main' waited for approval, and cannot go on: the branch has changed."
    assert waiting()(view)
    # The next run on the branch removes it.
    await agent_of(second).send("Hello")
    await until(second, waiting())
    assert await Store(path).paused_runs() == ()


@on_every_engine
async def test_a_run_is_deleted_and_restored_with_its_branch(path: Place, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await first.forks.begin(2)
    await first.forks.make("alt")
    await wait_for_approval(first, "Pay 1")
    second = await open_file()
    await until(second, waiting("alt"))
    await second.management.delete("support", "alt")
    await until(second, waiting())
    agent_of(first).decide("alt", [APPROVE])
    await until(first, waiting())
    assert await Store(path).paused_runs() == ()
    await second.history.undo()
    await until(second, waiting("alt"))
    await second.management.delete("support", None)
    # The explorer notices by itself that the run is gone with its session, which is not shown any more.
    async with asyncio.timeout(30):
        while (await second.history.entries())[0].state is EntryState.DONE:
            with suppress(ConvoError):
                await second.history.undo()
    await second.navigation.select_session("support", "alt")
    await until(second, waiting("alt"))
    assert paid(tmp_path) == []
    await decide(second, APPROVE)
    assert paid(tmp_path) == ["1"]


async def test_a_file_cannot_approve_calls_for_its_reader(path: Path, tmp_path: Path, open_file: Open) -> None:
    first = await open_file()
    await wait_for_approval(first, "Pay 1 then 2")
    await agent_of(first).stop_all()
    with closing(sqlite3.connect(path)) as db, db:
        ((text,),) = db.execute("SELECT state FROM convo_paused_runs").fetchall()
        state = json.loads(text)
        always = {"agent": {"name": "Clerk"}, "tool_key": "pay", "decision": {"approved": True, "rejected": False}}
        state["state"]["context"]["function_tool_approvals"] = [always]
        db.execute("UPDATE convo_paused_runs SET state = ?", (json.dumps(state),))
    second = await open_file()
    await until(second, waiting("main"))
    agent_of(second).decide("main", [APPROVE])
    await until(second, asks_for("call-2"))
    assert paid(tmp_path) == ["1"]
    await agent_of(second).stop_all()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE convo_paused_runs SET approvals = replace(approvals, '2', '1')")
    third = await open_file()
    await until(third, waiting("main"))
    agent_of(third).decide("main", [APPROVE])
    view = await until(third, lambda view: view.failure is not None)
    assert view.failure is not None
    assert view.failure.error == "The paused run is damaged: it asks for other calls than it shows."
    assert paid(tmp_path) == ["1"]
