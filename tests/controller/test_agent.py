"""Talking on the branches of a file, without a screen: with the offline model, through the SDK's real runner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.conversations import open_sdk, turn
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller.agent import TalkController
from tui.errors import ConvoError, ReadOnlyError
from tui.model import Item, Outcome, Progress, RunState, Session, View
from tui.runs.protocol import Hooks, RunResult
from tui.session import AdvancedSQLiteSession
from tui.storage.store import PageAround, Store

if TYPE_CHECKING:
    from agents import TResponseInputItem


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([*turn("hello", "Hi."), *turn("weather in Oslo", "Rain.")])
    sdk.close()
    return path


@pytest.fixture
async def talk(path: Path) -> AsyncIterator[TalkController]:
    controller = TalkController(Store(path), AgentRunner(AgentSettings(model="offline")))
    await controller.open()
    yield controller
    await controller.stop_all()
    controller.close()


async def until(controller: TalkController, holds: Callable[[View], bool]) -> View:
    """Wait for a view as it is wanted."""
    seen = asyncio.Event()
    leave = controller.subscribe(lambda view: seen.set() if holds(view) else None)
    if not holds(controller.view):
        async with asyncio.timeout(60):
            await seen.wait()
    leave()
    return controller.view


def quiet(view: View) -> bool:
    return not view.runs


def users(view: View) -> list[str]:
    """What the user said on the shown branch, stored and live."""
    assert view.page is not None
    run = view.runs.get(view.branch_id)
    items = [*view.page.items, *(run.progress.live if run else ())]
    return [item.data["content"] for item in items if item.type == "user"]


async def test_a_message_is_answered_as_it_comes_and_stored_once(talk: TalkController, path: Path) -> None:
    views: list[View] = []
    talk.subscribe(views.append)
    await talk.send("count to three")
    await until(talk, quiet)
    assert (talk.view.branch_id, talk.view.turn) == ("main", 3)
    assert users(talk.view) == ["hello", "weather in Oslo", "count to three"]
    assert talk.view.page is not None
    assert talk.view.page.items[-1].type == "assistant"
    # In every view the message stands at most once, whether it is live or stored, and live items follow the stored.
    for view in views:
        assert users(view).count("count to three") <= 1
        run = view.runs.get("main")
        if run is not None:
            assert [item.position for item in run.progress.live] == list(
                range(view.items, view.items + len(run.progress.live))
            )
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


class SlowStore(Store):
    """A file of which what has been read arrives once `gate` is open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate, self.has_read = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def around(self, session: Session, branch_id: str, turn: int, *, at_end: bool = False) -> PageAround:
        found = await super().around(session, branch_id, turn, at_end=at_end)
        self.has_read.set()
        await self.gate.wait()
        return found


class Echo:
    """Tells of a message, and stores it and tells of that when it may; ends when it may do that too."""

    name = "echo"

    def __init__(self) -> None:
        self.may_store, self.has_stored, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        """There is nothing to load."""

    async def run(self, session: AdvancedSQLiteSession, text: str, hooks: Hooks) -> RunResult:
        data = {"role": "user", "content": text}
        told = Progress("", (Item(message_id=-1, position=0, turn=0, type="user", tool_name=None, data=data),))
        hooks.progress(told)
        await self.may_store.wait()
        hooks.progress(told._replace(doing="storing"))
        if text == "stored":
            await session.add_items(cast("list[TResponseInputItem]", [data]))
            hooks.stored()
            hooks.progress(Progress(stored=1))
            self.has_stored.set()
        await self.may_end.wait()
        return RunResult(Outcome.DONE, "2026-01-01 00:00:00", 0)


async def test_what_was_said_does_not_vanish_while_it_becomes_what_is_stored(path: Path) -> None:
    store, echo = SlowStore(path), Echo()
    talk = TalkController(store, echo)
    await talk.open()
    await talk.begin_fork(2)
    await talk.make_fork("alt")
    await talk.send("stored")
    await talk.switch_branch("main")
    await talk.send("never stored")
    await talk.switch_branch("alt")
    await until(talk, lambda view: users(view)[-1:] == ["stored"])
    counts: list[int] = []
    talk.subscribe(lambda view: counts.append(users(view).count("stored")))
    # What another program has written is being taken in meanwhile: it was read before the message was stored.
    sdk = open_sdk(path)
    await sdk.create_branch_from_turn(2, "theirs")
    sdk.close()
    store.has_read.clear()
    store.gate.clear()
    taking_in = asyncio.create_task(talk.refresh())
    await store.has_read.wait()
    echo.may_store.set()
    await echo.has_stored.wait()
    # By then the frame of the other run has passed, too, which was begun later.
    await until(talk, lambda view: view.runs["main"].progress.doing == "storing")
    store.gate.set()
    await taking_in
    echo.may_end.set()
    await until(talk, quiet)
    assert users(talk.view) == ["hello", "stored"]
    assert set(counts) == {1}
    await talk.stop_all()
    talk.close()


async def test_what_it_cost_is_stored_by_itself(talk: TalkController) -> None:
    await talk.send("hello again")
    await until(talk, quiet)
    await talk.load_usage()
    assert talk.view.branch_usage is not None
    (told,) = await talk.turn_usages(3, 3)
    assert told.usage is not None
    assert told.usage.total_tokens > 0
    assert told.usage.estimated
    record = told.run
    assert record is not None
    assert (record.outcome, record.model, record.estimated) == (Outcome.DONE, "offline", True)


async def test_a_second_message_waits_its_turn(talk: TalkController) -> None:
    await talk.send("first")
    await talk.send("second")
    await talk.send("third")
    assert talk.view.runs["main"].queued == ("second", "third")
    await until(talk, quiet)
    assert users(talk.view) == ["hello", "weather in Oslo", "first", "second", "third"]
    assert talk.view.turn == 5


async def test_stopping_leaves_a_branch_that_goes_on(talk: TalkController, path: Path) -> None:
    await talk.send("tell me a long story")
    await talk.send("and another")
    await until(
        talk,
        lambda view: any(item.type == "assistant" for run in view.runs.values() for item in run.progress.live),
    )
    assert talk.stop()
    assert talk.view.runs["main"].state is RunState.STOPPING
    await until(talk, lambda view: view.failure is not None and quiet(view))
    assert talk.view.failure is not None
    assert talk.view.failure.unsent == "and another"
    assert not talk.stop()
    await talk.send("go on")
    await until(talk, quiet)
    assert users(talk.view) == ["hello", "weather in Oslo", "tell me a long story", "go on"]
    sdk = open_sdk(path)
    assert len(await sdk.get_conversation_turns()) == 4
    sdk.close()


async def test_a_fork_answers_and_its_origin_stays(talk: TalkController, path: Path) -> None:
    await talk.begin_fork(2)
    made = await talk.make_fork("bergen")
    await talk.send("weather in Bergen")
    await until(talk, quiet)
    assert talk.view.branch_id == made
    assert users(talk.view) == ["hello", "weather in Bergen"]
    sdk = open_sdk(path)
    assert len(await sdk.get_items(branch_id="main")) == 4
    sdk.close()


@pytest.mark.parametrize("together", [False, True])
async def test_a_turn_is_asked_again_on_three_branches(talk: TalkController, together: bool) -> None:
    await talk.select_turn(2)
    await talk.run_again(3, together=together)
    await until(talk, quiet)
    tree = talk.view.tree
    made = [name for name in tree.branches if name != "main"]
    assert len(made) == 3
    assert all(tree.branches[name].turns == 2 for name in made)
    assert len(tree.alternatives(tree.tip("main"))) == 4
    for name in made:
        await talk.switch_branch(name)
        assert users(talk.view) == ["hello", "weather in Oslo"]


async def test_runs_on_two_branches_while_the_user_looks_elsewhere(talk: TalkController) -> None:
    await talk.begin_fork(2)
    await talk.make_fork("alt")
    await talk.send("on alt")
    await talk.switch_branch("main", 1)
    await talk.send("on main")
    assert set(talk.view.runs) == {"alt", "main"}
    await talk.switch_branch("alt")
    await until(talk, quiet)
    assert users(talk.view) == ["hello", "on alt"]
    await talk.switch_branch("main")
    assert users(talk.view) == ["hello", "weather in Oslo", "on main"]


async def test_a_server_that_is_away_gives_the_message_back(path: Path) -> None:
    runner = AgentRunner(AgentSettings(model="any", base_url="http://127.0.0.1:9/v1", api="chat"))
    talk = TalkController(Store(path), runner)
    await talk.open()
    await talk.send("are you there?")
    view = await until(talk, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "are you there?"
    assert view.failure.hint
    assert users(view) == ["hello", "weather in Oslo"]
    await talk.stop_all()
    talk.close()


async def test_a_branch_that_is_gone_gives_the_message_back(talk: TalkController, path: Path) -> None:
    await talk.begin_fork(2)
    await talk.make_fork("alt")
    sdk = open_sdk(path)
    await sdk.delete_branch("alt")
    sdk.close()
    await talk.send("is anybody here?")
    view = await until(talk, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "is anybody here?"
    assert "'alt' does not exist" in view.failure.error


async def test_a_file_that_is_gone_gives_the_message_back_and_is_not_made(talk: TalkController, path: Path) -> None:
    files = [*path.parent.glob(f"{path.name}*")]
    for file in files:
        file.rename(file.with_name(f"moved-{file.name}"))
    await talk.send("is anybody here?")
    view = await until(talk, lambda view: view.failure is not None and not view.runs)
    assert view.failure is not None
    assert view.failure.unsent == "is anybody here?"
    assert str(path) in view.failure.error
    assert not path.exists()
    for file in files:
        file.with_name(f"moved-{file.name}").rename(file)
    await talk.send("and now?")
    await until(talk, quiet)
    assert users(talk.view) == ["hello", "weather in Oslo", "and now?"]


async def test_looking_only_refuses_to_talk(path: Path) -> None:
    talk = TalkController(Store(path), AgentRunner(AgentSettings(model="offline")), read_only=True)
    await talk.open()
    with pytest.raises(ReadOnlyError):
        await talk.send("hello")
    assert quiet(talk.view)
    talk.close()


async def test_a_message_and_its_fork_are_undone_one_after_the_other(talk: TalkController, path: Path) -> None:
    await talk.begin_fork(2, "main")
    await talk.make_fork("other")
    await talk.send("weather in Rome")
    await until(talk, quiet)
    assert [entry.words for entry in await talk.history()] == [
        "Said “weather in Rome” on 'other'",
        "Forked 'other' at turn 2 of 'main'",
    ]
    await talk.undo()
    assert (talk.view.branch_id, users(talk.view)) == ("other", ["hello"])
    await talk.redo()
    assert users(talk.view) == ["hello", "weather in Rome"]
    await talk.undo()
    await talk.undo()
    assert list(talk.view.tree.branches) == ["main"]


async def test_nothing_is_taken_from_under_an_answer(talk: TalkController) -> None:
    await talk.begin_fork(2, "main")
    await talk.make_fork("other")
    talk.mark_turn(1, "main")
    await talk.send("count to three")
    for change in (talk.undo(), talk.delete("support", "other"), talk.delete("support", None), talk.copy_marked()):
        with pytest.raises(ConvoError, match="An answer is under way on 'other'"):
            await change
    await until(talk, quiet)


async def test_branches_that_were_made_to_ask_again_are_undone_at_once(talk: TalkController) -> None:
    await talk.run_again(2)
    await until(talk, quiet)
    assert len(talk.view.tree.branches) == 3
    await talk.undo((await talk.history())[-1].id)
    assert list(talk.view.tree.branches) == ["main"]
