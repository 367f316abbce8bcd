"""A branch that is compacted in the explorer: by a command and by runs, its mark, the comparison, and undo."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.server import (
    COMPACTION_TOKENS,
    INPUT_TOKENS,
    Compaction,
    ErrorResponse,
    Handler,
    ScriptedServer,
    TextAnswer,
)
from tests.conversations import assistant_message, turn, write_turns
from tests.explorer.driver import open_explorer
from tui.agent import AgentRunner, AgentSettings
from tui.errors import ConfigError, ConvoError
from tui.model.requests import RequestUsage
from tui.screens.compare import CompareScreen
from tui.screens.dialogs.compact import CompactDialog
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file whose branch has three turns."""
    return await write_turns(tmp_path, *(turn(f"question {number}", f"Answer {number}.") for number in (1, 2, 3)))


async def test_a_compacted_branch_is_marked_and_compared_with_its_history(path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        items: list[Any] = [{"role": "user", "content": "question 3"}, assistant_message("A summary.")]
        await session._atomic_replace_items(items)
    async with open_explorer(path) as explorer:
        assert explorer.view.branch_id == "main"
        assert "≋ main" in explorer.text
        assert "question 1" not in explorer.text
        await explorer.press("c")
        assert isinstance(explorer.app.screen, CompareScreen)
        await explorer.until(lambda: "question 1" in explorer.text and "A summary." in explorer.text)
        await explorer.press("escape")
        await explorer.press("full_stop")
        assert "main_before_compaction" in explorer.view.tree.branches
        assert "[⊘ " in explorer.text
        await explorer.press("z")
        assert list(explorer.view.tree.branches) == ["main"]
        assert "question 1" in explorer.text
        assert "≋" not in explorer.text


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ScriptedServer() as server:
        server.compaction = Compaction()
        server.script(TextAnswer("A new answer."))
        yield server


def agent(server: ScriptedServer, **settings: Any) -> AgentSettings:
    return AgentSettings(**{"model": "tiny", "base_url": server.url, "api": "responses", **settings})


async def stored_items(path: Path, branch_id: str) -> list[Any]:
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        return await session.get_items(branch_id=branch_id)


async def sum_of_usage(path: Path) -> int | None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        usage = await session.get_session_usage()
        return None if usage is None else usage["total_tokens"]


async def test_the_command_shows_what_goes_and_compacts_the_branch(path: Path, server: ScriptedServer) -> None:
    history, sums = await stored_items(path, "main"), await sum_of_usage(path)
    async with open_explorer(path, agent=agent(server, compact_model="gpt-5")) as explorer:
        await explorer.press("1", "ctrl+p")
        await explorer.pilot.press(*"compact branch", "enter")
        await explorer.until(lambda: "3 turns, 6 items, ≈" in explorer.text and "gpt-5 writes it" in explorer.text)
        assert isinstance(explorer.app.screen, CompactDialog)
        assert "Compact branch main?" in explorer.text
        await explorer.press("y")
        await explorer.until(lambda: "≋ main" in explorer.text)
        [request] = server.compactions
        assert (request["model"], len(request["input"])) == ("gpt-5", 6)
        assert "kept as 'main_before_compaction'. z undoes it" in explorer.notice
        assert explorer.place == ("main", 3)
        assert [item["type"] for item in await stored_items(path, "main")] == ["message"] * 3 + ["compaction"]
        assert await stored_items(path, "main_before_compaction") == history
        # Its tokens are those of the turn that it made, and have a price.
        store = Store(path)
        session = await store.session("support")
        assert session is not None
        tree = await store.tree(session)
        [used] = await store.turn_usages(session, tree, "main", 3, 3)
        assert used.usage is not None
        assert used.run is not None
        assert (used.usage.requests, used.usage.input_tokens) == (1, COMPACTION_TOKENS)
        assert (used.model, used.context, used.run.agent) == ("gpt-5", None, None)
        [counted] = (await store.requests(session, tree, "main", 3, 3))[3]
        assert (counted.model, counted.usage) == ("gpt-5", RequestUsage(COMPACTION_TOKENS, 1, 0, 0, 0))
        assert await sum_of_usage(path) == (sums or 0) + COMPACTION_TOKENS + 1
        await explorer.press("z")
        assert await sum_of_usage(path) == sums
        await explorer.press("Z")
        [again] = await store.turn_usages(session, await store.tree(session), "main", 3, 3)
        assert again == used
        await explorer.press("z")
        store.close()
        assert "≋" not in explorer.text
        assert await stored_items(path, "main") == history


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api": "chat"}, "The model 'tiny' cannot compact a conversation."),
        ({"model": "offline", "base_url": None, "api": None}, "cannot compact a conversation."),
        ({"compact_model": "qwen3"}, "The SDK compacts with no model 'qwen3'."),
    ],
)
async def test_a_server_that_cannot_compact_is_named_at_once(
    path: Path, server: ScriptedServer, settings: dict[str, Any], words: str
) -> None:
    async with open_explorer(path, agent=agent(server, **settings)) as explorer:
        await explorer.press("1", "ctrl+p")
        await explorer.pilot.press(*"compact branch", "enter")
        await explorer.until(lambda: any(words in notice for notice in explorer.notices))
        assert not server.compactions


async def test_nothing_is_replaced_if_the_server_fails_or_the_branch_changes(
    path: Path, server: ScriptedServer
) -> None:
    history = await stored_items(path, "main")
    server.compaction = ErrorResponse(404)
    async with open_explorer(path, agent=agent(server)) as explorer:
        runs = explorer.controller.agent
        assert runs is not None
        with pytest.raises(ConvoError, match=r"cannot compact a conversation \(404\)"):
            await runs.compact("main")

        class Meanwhile(Compaction):
            def send(self, handler: Handler) -> None:
                asyncio.run(write_turn(path))
                super().send(handler)

        server.compaction = Meanwhile()
        with pytest.raises(ConvoError, match="has changed while it was compacted"):
            await runs.compact("main")
    assert await stored_items(path, "main") == [*history, *turn("question 4")]


async def write_turn(path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        await session.add_items(turn("question 4"))


async def test_a_run_compacts_its_branch_and_both_can_be_undone(path: Path, server: ScriptedServer) -> None:
    history = await stored_items(path, "main")
    async with open_explorer(path, agent=agent(server, compact=True, compact_after=4)) as explorer:
        await explorer.pilot.press("i", *"question 4", "enter")
        await explorer.until(lambda: not explorer.view.runs and "≋ main" in explorer.text)
        await explorer.settle()
        assert server.compactions[0]["model"] == "gpt-4.1"
        assert explorer.place == ("main", 4)
        answered = await stored_items(path, "main_before_compaction")
        assert len(answered) == len(history) + 2
        store = Store(path)
        session = await store.session("support")
        assert session is not None
        tree = await store.tree(session)
        [used] = await store.turn_usages(session, tree, "main_before_compaction", 4, 4)
        assert used.usage is not None
        assert used.usage.input_tokens == INPUT_TOKENS + COMPACTION_TOKENS
        assert used.run is not None
        await explorer.press("escape", "z")
        assert await stored_items(path, "main") == answered
        [restored] = await store.turn_usages(session, await store.tree(session), "main", 4, 4)
        assert (restored.usage, restored.branch_id) == (used.usage, "main")
        store.close()
        await explorer.press("z")
        assert await stored_items(path, "main") == history
        await explorer.press("Z", "Z")
        assert "≋ main" in explorer.text
        assert await stored_items(path, "main_before_compaction") == answered


async def test_an_answer_is_stored_although_its_branch_cannot_be_compacted(path: Path, server: ScriptedServer) -> None:
    server.compaction = ErrorResponse(404)
    async with open_explorer(path, agent=agent(server, compact=True, compact_after=1)) as explorer:
        await explorer.pilot.press("i", *"question 4", "enter")
        await explorer.until(lambda: any("'main' was not compacted" in notice for notice in explorer.notices))
        assert "A new answer." in explorer.text
        assert explorer.view.failure is None
    with pytest.raises(ConfigError, match="cannot compact a conversation"):
        await AgentRunner(agent(server, compact=True, api="chat")).prepare()
