"""Sending messages with the offline model, through the SDK's own runner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.controller.views import agent_of, quiet, until, user_texts
from tests.conversations import open_sdk, turn, write_turns
from tests.recorded import read_recorded
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.controller.agent import AgentRuns
from tui.errors import ConvoError, ReadOnlyError
from tui.model import ApprovalDecision, Item, Outcome, PausedRun, Progress, RunState, Session, View
from tui.runs.manager import BranchRef
from tui.runs.protocol import Hooks, Runner, RunResult
from tui.session.advanced import AdvancedSession
from tui.storage.store import PageAround, Store

if TYPE_CHECKING:
    from agents import TResponseInputItem


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_turns(tmp_path, turn("hello", "Hi."), turn("weather in Oslo", "Rain."))


@pytest.fixture
def runner() -> Runner:
    return AgentRunner(AgentSettings(model="offline"))


@pytest.fixture
def agent(controller: SessionController) -> AgentRuns:
    return agent_of(controller)


async def test_an_answer_is_streamed_and_stored_once(
    controller: SessionController, agent: AgentRuns, path: Path
) -> None:
    views: list[View] = []
    controller.subscribe(views.append)
    await agent.send("count to three")
    await until(controller, quiet)
    assert (controller.view.branch_id, controller.view.turn) == ("main", 3)
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "count to three"]
    assert controller.view.page is not None
    assert controller.view.page.items[-1].type == "assistant"
    # Every view has the message at most once, live or stored, and the live items begin at or before the stored end.
    for view in views:
        assert user_texts(view).count("count to three") <= 1
        run = view.runs.get("main")
        if run is not None:
            assert run.progress.start <= view.items
    texts = [
        len(str(run.progress.live[-1].data))
        for view in views
        if (run := view.runs.get("main")) and run.progress.live and run.progress.live[-1].type == "assistant"
    ]
    assert len(texts) > 1
    assert texts == sorted(texts)
    sdk = open_sdk(path)
    assert [item["role"] for item in await sdk.get_items() if "role" in item][-2:] == ["user", "assistant"]  # type: ignore[typeddict-item]
    sdk.close()


async def test_a_message_is_sent_on_another_branch_than_the_shown_one(
    controller: SessionController, agent: AgentRuns
) -> None:
    await controller.forks.begin(2)
    await controller.forks.make("alt")
    await agent.send("count to three", BranchRef("support", "main"))
    await until(controller, quiet)
    assert controller.view.branch_id == "alt"
    assert {name: branch.turns for name, branch in controller.view.tree.branches.items()} == {"main": 3, "alt": 1}


@pytest.mark.parametrize("to", [BranchRef("elsewhere", "main"), BranchRef("support", "gone")])
async def test_a_message_to_a_branch_that_is_not_there_is_refused(
    controller: SessionController, agent: AgentRuns, to: BranchRef
) -> None:
    with pytest.raises(ConvoError):
        await agent.send("count to three", to)
    assert quiet(controller.view)


class SlowStore(Store):
    """A file whose pages are returned once `gate` is open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate, self.has_read = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def page_around(self, session: Session, branch_id: str, turn: int, *, at_end: bool = False) -> PageAround:
        found = await super().page_around(session, branch_id, turn, at_end=at_end)
        self.has_read.set()
        await self.gate.wait()
        return found


class Echo:
    """Reports the message, stores it once `may_store` is set, and ends once `may_end` is set."""

    name = "echo"

    def __init__(self) -> None:
        self.may_store, self.has_stored, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        """Load nothing."""

    async def run(self, session: AdvancedSession, text: str, hooks: Hooks) -> RunResult:
        data = {"role": "user", "content": text}
        progress = Progress("", (Item(message_id=-1, position=0, turn=0, type="user", tool_name=None, data=data),))
        hooks.progress(progress)
        await self.may_store.wait()
        hooks.progress(progress._replace(activity="storing"))
        if text == "stored":
            await session.add_items(cast("list[TResponseInputItem]", [data]))
            hooks.stored()
            hooks.progress(Progress(start=1))
            self.has_stored.set()
        await self.may_end.wait()
        return RunResult(Outcome.DONE)

    async def compaction_model(self) -> str:
        raise NotImplementedError

    async def compact(self, session: AdvancedSession) -> None:
        raise NotImplementedError

    async def restore(self, session: AdvancedSession, run: PausedRun, state: str) -> None:
        raise NotImplementedError

    async def resume(
        self,
        session: AdvancedSession,
        run: PausedRun,
        restored: object,
        decisions: Sequence[ApprovalDecision | None],
        hooks: Hooks,
    ) -> RunResult:
        raise NotImplementedError


async def test_a_message_is_shown_once_while_it_is_stored(path: Path) -> None:
    store, echo = SlowStore(path), Echo()
    controller = SessionController(store, echo)
    agent = agent_of(controller)
    await controller.open()
    await controller.forks.begin(2)
    await controller.forks.make("alt")
    await agent.send("stored")
    await controller.navigation.switch_branch("main")
    await agent.send("never stored")
    await controller.navigation.switch_branch("alt")
    await until(controller, lambda view: user_texts(view)[-1:] == ["stored"])
    counts: list[int] = []
    controller.subscribe(lambda view: counts.append(user_texts(view).count("stored")))
    # A refresh reads the branch before the message is stored, and shows it afterwards.
    sdk = open_sdk(path)
    await sdk.create_branch_from_turn(2, "theirs")
    sdk.close()
    store.has_read.clear()
    store.gate.clear()
    refreshing = asyncio.create_task(controller.refresh())
    await store.has_read.wait()
    echo.may_store.set()
    await echo.has_stored.wait()
    # The frame of the other run, which began later, has passed by then.
    await until(controller, lambda view: view.runs["main"].progress.activity == "storing")
    store.gate.set()
    await refreshing
    echo.may_end.set()
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "stored"]
    assert set(counts) == {1}
    await agent.stop_all()
    controller.close()


async def test_the_usage_of_a_run_is_stored(controller: SessionController, agent: AgentRuns) -> None:
    await agent.send("hello again")
    await until(controller, quiet)
    await controller.usage.load()
    assert controller.view.branch_usage is not None
    (usage,) = await controller.pages.turn_usages(3, 3)
    assert usage.usage is not None
    assert usage.usage.total_tokens > 0
    assert usage.usage.estimated
    record = usage.run
    assert record is not None
    assert (record.outcome, record.model, record.estimated) == (Outcome.DONE, "offline", True)


async def test_further_messages_are_queued(controller: SessionController, agent: AgentRuns) -> None:
    await agent.send("first")
    await agent.send("second")
    await agent.send("third")
    assert controller.view.runs["main"].queued == ("second", "third")
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "first", "second", "third"]
    assert controller.view.turn == 5


async def test_a_branch_can_be_used_after_a_stop(controller: SessionController, agent: AgentRuns, path: Path) -> None:
    await agent.send("tell me a long story")
    await agent.send("and another")
    await until(
        controller,
        lambda view: any(item.type == "assistant" for run in view.runs.values() for item in run.progress.live),
    )
    assert agent.stop()
    assert controller.view.runs["main"].state is RunState.STOPPING
    await until(controller, lambda view: view.failure is not None and quiet(view))
    assert controller.view.failure is not None
    assert controller.view.failure.unsent == "and another"
    assert not agent.stop()
    await agent.send("go on")
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "tell me a long story", "go on"]
    sdk = open_sdk(path)
    assert len(await sdk.get_conversation_turns()) == 4
    sdk.close()


async def test_a_message_on_a_fork_leaves_its_origin_alone(
    controller: SessionController, agent: AgentRuns, path: Path
) -> None:
    await controller.forks.begin(2)
    branch_id = await controller.forks.make("bergen")
    await agent.send("weather in Bergen")
    await until(controller, quiet)
    assert controller.view.branch_id == branch_id
    assert user_texts(controller.view) == ["hello", "weather in Bergen"]
    sdk = open_sdk(path)
    assert len(await sdk.get_items(branch_id="main")) == 4
    sdk.close()


@pytest.mark.parametrize("together", [False, True])
async def test_a_turn_is_run_again_on_three_branches(
    controller: SessionController, agent: AgentRuns, together: bool
) -> None:
    await controller.navigation.select_turn(2)
    await agent.run_again(3, together=together)
    await until(controller, quiet)
    tree = controller.view.tree
    made = [name for name in tree.branches if name != "main"]
    assert len(made) == 3
    assert all(tree.branches[name].turns == 2 for name in made)
    assert len(tree.alternatives(tree.last_chain("main"))) == 4
    assert not controller.view.unseen
    for name in made:
        await controller.navigation.switch_branch(name)
        assert user_texts(controller.view) == ["hello", "weather in Oslo"]


async def test_two_branches_run_at_once_while_the_user_switches(
    controller: SessionController, agent: AgentRuns
) -> None:
    await controller.forks.begin(2)
    await controller.forks.make("alt")
    await agent.send("on alt")
    await controller.navigation.switch_branch("main", 1)
    await agent.send("on main")
    assert set(controller.view.runs) == {"alt", "main"}
    await controller.navigation.switch_branch("alt")
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "on alt"]
    await controller.navigation.switch_branch("main")
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "on main"]


async def test_the_message_is_returned_if_the_server_is_unreachable(path: Path) -> None:
    runner = AgentRunner(AgentSettings(model="any", base_url="http://127.0.0.1:9/v1", api="chat"))
    controller = SessionController(Store(path), runner)
    agent = agent_of(controller)
    await controller.open()
    await agent.send("are you there?")
    view = await until(controller, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "are you there?"
    assert view.failure.hint
    assert user_texts(view) == ["hello", "weather in Oslo"]
    await agent.stop_all()
    controller.close()


async def test_the_message_is_returned_if_the_branch_was_deleted(
    controller: SessionController, agent: AgentRuns, path: Path
) -> None:
    await controller.forks.begin(2)
    await controller.forks.make("alt")
    sdk = open_sdk(path)
    await sdk.delete_branch("alt")
    sdk.close()
    await agent.send("is anybody here?")
    view = await until(controller, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "is anybody here?"
    assert "the branch is gone" in view.failure.error


async def test_the_message_is_returned_if_the_file_is_gone_and_no_file_is_created(
    controller: SessionController, agent: AgentRuns, path: Path
) -> None:
    files = [*path.parent.glob(f"{path.name}*")]
    for file in files:
        file.rename(file.with_name(f"moved-{file.name}"))
    await agent.send("is anybody here?")
    view = await until(controller, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "is anybody here?"
    assert str(path) in view.failure.error
    assert not path.exists()
    for file in files:
        file.with_name(f"moved-{file.name}").rename(file)
    await agent.send("and now?")
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "and now?"]


async def test_a_read_only_file_refuses_messages(path: Path) -> None:
    controller = SessionController(Store(path), AgentRunner(AgentSettings(model="offline")), read_only=True)
    await controller.open()
    with pytest.raises(ReadOnlyError):
        await agent_of(controller).send("hello")
    assert quiet(controller.view)
    controller.close()


async def test_a_message_and_its_fork_are_undone_separately(
    controller: SessionController, agent: AgentRuns, path: Path
) -> None:
    await controller.forks.begin(2, "main")
    await controller.forks.make("other")
    await agent.send("weather in Rome")
    await until(controller, quiet)
    assert [entry.description for entry in await controller.history.entries()] == [
        "Sent “weather in Rome” on 'other'",
        "Forked 'other' at turn 2 of 'main'",
    ]
    recorded = await read_recorded(path, "support", "other")
    assert [(request.turn, request.model) for request in recorded.requests] == [(2, "offline")]
    await controller.history.undo()
    assert (controller.view.branch_id, user_texts(controller.view)) == ("other", ["hello"])
    assert (await read_recorded(path, "support", "other")).requests == []
    await controller.history.redo()
    assert user_texts(controller.view) == ["hello", "weather in Rome"]
    assert controller.view.turn == 2
    assert await read_recorded(path, "support", "other") == recorded
    await controller.history.undo()
    await controller.history.undo()
    assert list(controller.view.tree.branches) == ["main"]
    assert controller.view.turn == 2
    await controller.history.redo()
    await controller.history.redo()
    assert (controller.view.branch_id, controller.view.turn) == ("other", 2)
    await controller.management.toggle_archive("support", "other")
    await controller.history.undo()
    assert (controller.view.branch_id, controller.view.turn) == ("other", 2)


async def test_undoing_a_new_session_shows_the_one_before_it(controller: SessionController, agent: AgentRuns) -> None:
    await controller.navigation.select_turn(1)
    await agent.prepare_session("another")
    await agent.begin_session("hello")
    await until(controller, quiet)
    assert controller.view.session is not None
    assert controller.view.session.session_id == "another"
    await controller.history.undo()
    await controller.history.undo()
    assert controller.view.session.session_id == "support"
    assert (controller.view.branch_id, controller.view.turn) == ("main", 1)
    await controller.history.redo()
    await controller.history.redo()
    assert controller.view.session.session_id == "another"
    assert user_texts(controller.view) == ["hello"]


async def test_a_branch_is_not_changed_while_an_answer_is_under_way(
    controller: SessionController, agent: AgentRuns
) -> None:
    await controller.forks.begin(2, "main")
    await controller.forks.make("other")
    controller.marks.toggle(1, "main")
    await agent.send("count to three")
    for change in (
        controller.history.undo(),
        controller.management.delete("support", "other"),
        controller.management.delete("support", None),
        controller.management.copy_marked(),
    ):
        with pytest.raises(ConvoError, match="An answer is under way on 'other'"):
            await change
    await until(controller, quiet)


async def test_all_branches_of_a_rerun_are_undone_together(controller: SessionController, agent: AgentRuns) -> None:
    await agent.run_again(2)
    await until(controller, quiet)
    assert len(controller.view.tree.branches) == 3
    await controller.history.undo((await controller.history.entries())[-1].id)
    assert list(controller.view.tree.branches) == ["main"]
