"""The SDK's compaction around our class: it forks the branch, and nothing is lost after it or after undo."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import pytest
from agents import Agent, OpenAIResponsesModel, RunConfig, Runner, SessionSettings, TResponseInputItem
from agents.memory import OpenAIResponsesCompactionSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from tests.agent.server import COMPACTION_TOKENS, Compaction, ScriptedServer, TextAnswer
from tests.conftest import OpenOurs, OpenSDK
from tests.databases import Place, all_rows, editor_of, open_ours, rows
from tests.formats.documents import export_document, import_document
from tests.postgres_server import new_schema
from tests.session.samples import assistant, run, turn, turns, user
from tui.errors import ConvoError
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession
from tui.session.compaction import CompactionSnapshot
from tui.storage.editor import Editor
from tui.storage.store import Store

SUMMARY = [user("question 1"), cast(TResponseInputItem, {"type": "compaction", "id": "c", "encrypted_content": "x"})]


class WithoutSeams(AdvancedSQLiteSession):
    """Our class as a version of the SDK sees it that looks for other methods: it clears the session and adds items."""

    _get_compaction_snapshot = None  # type: ignore[assignment]
    _atomic_replace_items = None  # type: ignore[assignment]


class Wrap(Protocol):
    """Puts the SDK's wrapper around a session."""

    def __call__(self, session: AdvancedSQLiteSession, **options: Any) -> OpenAIResponsesCompactionSession: ...


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.compaction = Compaction()
        server.script(TextAnswer("An answer."))
        yield server


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.url, api_key="none") as client:
        yield client


@pytest.fixture
def wrap(client: AsyncOpenAI) -> Wrap:
    return lambda session, **options: OpenAIResponsesCompactionSession(
        "chat", cast(Any, session), client=client, **options
    )


@pytest.fixture
def editor(path: Path) -> Editor:
    return Editor(path, "agent_sessions", "agent_messages")


async def converse(session: AdvancedSQLiteSession, turn_count: int = 4) -> None:
    """Write turns with usage and runs on `main`, and a branch `alt` that leaves it at turn 3."""
    for number in range(1, turn_count + 1):
        await session.add_items(turn(number))
        await session.store_run_usage(run(10 * number))
        await session.record_run(outcome="done", model=f"model {number}")
    await session.fork(3, "alt")
    await session.add_items(turn(9))
    await session.store_run_usage(run(500))
    await session.switch_to_branch("main")


async def branches(session: AdvancedSQLiteSession) -> dict[str, list[Any]]:
    """Return the items of each branch."""
    listed = await session.list_branches()
    return {branch["branch_id"]: await session.get_items(branch_id=branch["branch_id"]) for branch in listed}


async def test_a_forced_compaction_keeps_the_branch_as_it_was(
    ours: OpenOurs, sdk: OpenSDK, path: Path, wrap: Wrap, editor: Editor
) -> None:
    session = ours()
    await converse(session)
    before, stored, sums = await branches(session), all_rows(path), await session.get_session_usage()
    usage_of_main = await session.get_turn_usage(branch_id="main")
    await wrap(session, compaction_mode="input").run_compaction({"force": True})

    after = await branches(session)
    assert [item.get("type") for item in after.pop("main")] == ["message"] * 4 + ["compaction"]
    assert after == {"alt": before["alt"], "main_before_compaction": before["main"]}
    assert await session.get_session_usage() == sums
    assert await session.get_turn_usage(branch_id="main_before_compaction") == usage_of_main
    assert await session.get_turn_usage(branch_id="main") == []
    # The lineage follows the turns; the id is reserved for both classes.
    lineage = dict(rows(path, "SELECT branch_id, parent_branch_id || ' ' || fork_turn FROM convo_branches"))
    kept = "main_before_compaction"
    assert lineage == {"main": f"{kept} 1", kept: None, "alt": f"{kept} 3"}
    with pytest.raises(ValueError, match="already been used"):
        await sdk().create_branch_from_turn(1, kept)
    store = Store(path)
    chat = await store.session("chat")
    assert chat is not None
    tree = await store.tree(chat)
    assert (tree.branches[kept].archived, tree.branches[kept].turns) == (True, 4)
    [compacted] = await store.turn_usages(chat, tree, kept, 4, 4)
    assert (compacted.model, compacted.branch_id) == ("model 4", kept)

    # The next compaction finds another name.
    await session.add_items(turn(5))
    second = await branches(session)
    await wrap(session, compaction_mode="input").run_compaction({"force": True})
    assert (await branches(session))["main_before_compaction_2"] == second["main"]
    entries = await store.journal()
    assert [entry.description for entry in entries] == [
        "Compacted 9 items of 'main' to 6, kept as 'main_before_compaction_2'",
        "Compacted 16 items of 'main' to 5, kept as 'main_before_compaction'",
    ]
    store.close()

    compacted_twice = all_rows(path)
    await editor.undo()
    assert await branches(session) == second
    await editor.redo()
    assert all_rows(path) == compacted_twice
    await editor.undo()
    for _ in turn(5):
        await session.pop_item()
    await editor.undo()
    assert without_time(all_rows(path)) == without_time(stored)


async def test_undo_moves_what_was_added_since_the_compaction(
    ours: OpenOurs, path: Path, wrap: Wrap, editor: Editor
) -> None:
    session = ours()
    await converse(session)
    before, sums = await branches(session), cast(Any, await session.get_session_usage())
    await wrap(session, compaction_mode="input").run_compaction({"force": True})
    compacted = await session.get_items()
    await session.fork(5, "forked")
    await session.switch_to_branch("main")
    await session.add_items(turn(5))
    await session.record_request(SentRequest(RequestUsage(50, 5), items=cast(Any, [*compacted, *turn(5)])), first=True)
    await session.record_run(outcome="done", model="model 5")
    after = await branches(session)

    [undone] = await editor.undo()
    assert undone.description.endswith("kept as 'main_before_compaction'; newer items are in 'main_after_compaction'")
    moved = {"main_after_compaction": after["main"], "forked": after["forked"]}
    assert await branches(session) == {**before, **moved}
    known = await compacted_branches(path, "chat")
    assert known["main_after_compaction"].requests == [(5, RequestUsage(50, 5), [*compacted, *turn(5)])]
    assert [usage["user_turn_number"] for usage in known["main_after_compaction"].usage] == [5]
    total = cast(Any, await session.get_session_usage())["total_tokens"]
    assert total == sums["total_tokens"] + 55

    # The compaction can be redone and undone, also after one of the branches that hold its items is gone.
    await editor.redo()
    assert await branches(session) == {**after, **moved, "main": compacted}
    await session.delete_branch("main_after_compaction")
    await editor.undo()
    assert await branches(session) == {**before, "forked": after["forked"]}
    await session.delete_branch("forked")
    with pytest.raises(ConvoError, match="deleted messages that 'main' shared"):
        await editor.redo()
    in_no_branch = "SELECT id FROM agent_messages WHERE id NOT IN (SELECT message_id FROM message_structure)"
    assert rows(path, in_no_branch) == []


async def test_the_newest_items_of_a_branch_are_replaced_if_it_has_not_changed(
    ours: OpenOurs, path: Path, editor: Editor
) -> None:
    session = ours()
    await converse(session)
    history, stored = await session.get_items(), all_rows(path)
    assert not (await snapshot(session, 16 - 1)).complete
    assert (await snapshot(session, 16)).complete
    newest = await snapshot(session, 8)
    assert (newest.items, newest.complete) == (history[-8:], False)
    for change in (session.pop_item(), session.add_items([assistant("late")]), session.clear_session()):
        stale = await snapshot(session, 8)
        await change
        unchanged = await branches(session)
        assert not await stale.replace_suffix(4, SUMMARY)
        assert await branches(session) == unchanged
    await editor.undo()
    await session.switch_to_branch("main")
    await session.pop_item()
    await session.add_items(history[-1:])

    # The branch may be left meanwhile: its items are replaced all the same.
    newest = await snapshot(session, 8)
    await session.switch_to_branch("alt")
    assert await newest.replace_suffix(4, SUMMARY)
    after = await branches(session)
    assert after["main"] == history[:12] + SUMMARY
    assert after["main_before_compaction"] == history
    assert after["alt"] == history[:8] + turn(9)
    turns_of = {
        branch: [usage["user_turn_number"] for usage in cast(Any, await session.get_turn_usage(branch_id=branch))]
        for branch in after
    }
    assert turns_of == {"main": [1, 2, 3], "main_before_compaction": [4], "alt": [3]}
    # A fork before the replaced turns is still one of `main`.
    assert rows(path, "SELECT parent_branch_id, fork_turn FROM convo_branches WHERE branch_id = 'alt'") == [("main", 3)]
    assert rows(path, "SELECT parent_branch_id, fork_turn FROM convo_branches WHERE branch_id = 'main'") == [
        ("main_before_compaction", 4)
    ]
    await editor.undo()
    assert (await branches(session))["main"] == history
    assert all_rows(path)["turn_usage"] == stored["turn_usage"]


async def snapshot(session: AdvancedSQLiteSession, limit: int) -> CompactionSnapshot:
    found = await session._get_compaction_snapshot(limit)
    assert found is not None
    return found


async def test_an_item_that_cannot_be_decoded_keeps_the_branch_from_being_replaced(ours: OpenOurs, path: Path) -> None:
    session = ours()
    await session.add_items(turns(2))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE agent_messages SET message_data = '{' WHERE id = 5")
    assert await session._get_compaction_snapshot(8) is None
    assert (await snapshot(session, 3)).items == turns(2)[-3:]


async def test_a_subclass_that_transforms_items_writes_them_itself(path: Path, wrap: Wrap) -> None:
    class Upper(AdvancedSQLiteSession):
        async def add_items(self, items: list[Any]) -> None:
            await super().add_items([cast(Any, {**item, "transformed": True}) for item in items])

    async with Upper(session_id="chat", db_path=path, create_tables=True) as session:
        await session.add_items(turns(1))
        await wrap(session).run_compaction({"force": True})
        assert all(cast(Any, item)["transformed"] for item in await session.get_items())


async def test_the_fallback_of_the_wrapper_loses_nothing(path: Path, wrap: Wrap, editor: Editor) -> None:
    async with WithoutSeams(session_id="chat", db_path=path, create_tables=True) as session:
        await converse(session)
        before, stored = await branches(session), all_rows(path)
        await wrap(session, compaction_mode="input").run_compaction({"force": True})
        compacted = await session.get_items()
        assert list(await branches(session)) == ["main"]
        await editor.undo()
        after = await branches(session)
        assert after.pop("main_after_clear") == compacted
        assert after == before
        restored = all_rows(path)
        for table in ("turn_usage", "convo_runs", "convo_branches", "session_clear_generations"):
            assert restored.get(table) == stored.get(table)


async def test_a_failure_of_the_fallback_loses_nothing(
    path: Path, wrap: Wrap, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapper then restores the items of one branch, and the trash has the others."""
    async with WithoutSeams(session_id="chat", db_path=path, create_tables=True) as session:
        await converse(session)
        before = await branches(session)
        add_items = session.add_items

        async def fail_once(items: list[TResponseInputItem]) -> None:
            monkeypatch.setattr(session, "add_items", add_items)
            raise OSError("disk full")

        monkeypatch.setattr(session, "add_items", fail_once)
        with pytest.raises(OSError, match="disk full"):
            await wrap(session, compaction_mode="input").run_compaction({"force": True})
        assert await branches(session) == {"main": before["main"]}
        await editor.undo()
        after = await branches(session)
        assert after.pop("main_after_clear") == before["main"]
        assert after == before


async def test_the_sdk_compacts_after_a_run(
    ours: OpenOurs, client: AsyncOpenAI, wrap: Wrap, engine: str, request: pytest.FixtureRequest
) -> None:
    session = ours()
    compacting = wrap(session, compaction_mode="input", should_trigger_compaction=has_more_than(5))
    ask = asker(session, compacting, client)
    for number in range(1, 4):
        await ask(f"question {number}")
    after = await branches(session)
    assert [item.get("type") for item in after["main"]] == ["message"] * 3 + ["compaction"]
    assert len(after["main_before_compaction"]) == 6
    # The run before the compaction, with the tokens of the compaction, belongs to the turn that it answered.
    [*_, last] = cast(Any, await session.get_turn_usage(branch_id="main_before_compaction"))
    assert (last["user_turn_number"], last["requests"]) == (3, 2)
    assert last["input_tokens"] > COMPACTION_TOKENS
    assert await session.get_turn_usage(branch_id="main") == []

    if engine == "sqlite":
        editor: Editor = request.getfixturevalue("editor")
        sums = await session.get_session_usage()
        await editor.undo()
        assert await session.get_items() == after["main_before_compaction"]
        assert await session.get_session_usage() == sums
        assert len(await session.get_turn_usage(branch_id="main")) == 3
        await editor.redo()
        assert await branches(session) == after
    # The next run compacts the branch again.
    await ask("question 4")
    [again] = cast(Any, await session.get_turn_usage(branch_id="main_before_compaction_2"))
    assert (again["user_turn_number"], again["requests"]) == (4, 2)


async def test_a_turn_that_others_begin_after_a_compaction_has_its_own_usage(ours: OpenOurs, place: Place) -> None:
    session = ours()
    await session.add_items(turns(3))
    snapshot = await session._get_compaction_snapshot(20)
    assert snapshot is not None
    assert await snapshot.replace_suffix(8, SUMMARY[1:])
    await session.store_run_usage(run(7))
    assert await session.get_turn_usage(branch_id="main") == []
    # Another program takes the summary and the turn before it away, and adds a turn of the same number.
    rows(place, "UPDATE convo_compactions SET created_at = '2020-01-01 00:00:00'")
    for _ in range(5):
        await session.pop_item()
    await session.add_items(turn(9))
    await session.store_run_usage(run(8))
    [used] = cast(Any, await session.get_turn_usage(branch_id="main"))
    assert (used["user_turn_number"], used["input_tokens"]) == (2, 8)
    [used] = cast(Any, await session.get_turn_usage(branch_id="main_before_compaction"))
    assert (used["user_turn_number"], used["input_tokens"]) == (3, 7)


async def test_the_sdk_compacts_the_part_that_the_model_saw(
    ours: OpenOurs, client: AsyncOpenAI, wrap: Wrap, engine: str, request: pytest.FixtureRequest
) -> None:
    session = ours()
    plain = asker(session, cast(Any, session), client)
    for number in range(1, 6):
        await plain(f"question {number}")
    history = await session.get_items()
    session.session_settings = SessionSettings(limit=4)
    compacting = wrap(session, compaction_mode="input", should_trigger_compaction=has_more_than(3))
    await asker(session, compacting, client)("question 6")
    session.session_settings = None
    after = await branches(session)
    assert after["main_before_compaction"][:10] == history
    assert after["main"][:6] == history[:6]
    assert [item.get("type") for item in after["main"][6:]] == ["message"] * 3 + ["compaction"]
    turns_of = {
        branch: [usage["user_turn_number"] for usage in cast(Any, await session.get_turn_usage(branch_id=branch))]
        for branch in after
    }
    assert turns_of == {"main": [1, 2, 3], "main_before_compaction": [4, 5, 6]}
    if engine == "sqlite":
        editor: Editor = request.getfixturevalue("editor")
        await editor.undo()
        assert await session.get_items() == after["main_before_compaction"]


def has_more_than(items: int) -> Callable[[dict[str, Any]], bool]:
    return lambda context: len(context["session_items"]) > items


def asker(
    session: AdvancedSQLiteSession, compacting: OpenAIResponsesCompactionSession, client: AsyncOpenAI
) -> Callable[[str], Awaitable[None]]:
    """Return a function that runs an agent on the wrapped session, and stores its usage."""
    agent = Agent(name="Assistant", model=OpenAIResponsesModel("tiny", client))

    async def ask(question: str) -> None:
        result = await Runner.run(agent, question, session=compacting, run_config=RunConfig(tracing_disabled=True))
        await session.store_run_usage(result)

    return ask


async def test_documents_and_copies_hold_the_history(
    ours: OpenOurs, path: Path, wrap: Wrap, editor: Editor, tmp_path: Path
) -> None:
    session = ours()
    await converse(session)
    await session.record_request(SentRequest(RequestUsage(7, 1), items=cast(Any, await session.get_items())))
    assert await (await snapshot(session, 8)).replace_suffix(4, SUMMARY)
    await session.add_items(turn(5))
    await session.store_run_usage(run(60))
    await wrap(session, compaction_mode="input").run_compaction({"force": True})
    before, sums = await compacted_branches(path, "chat"), await session.get_session_usage()
    assert {name: branch.before for name, branch in before.items() if branch.before} == {
        "main": "main_before_compaction_2"
    }

    document = await export_document(path)
    await import_document(tmp_path / "imported.sqlite", document)
    assert await compacted_branches(tmp_path / "imported.sqlite", "copy") == before
    older = {name: part for name, part in json.loads(document).items() if name != "compactions"}
    await import_document(tmp_path / "older.sqlite", json.dumps(older))
    without = {name: branch._replace(before="") for name, branch in before.items()}
    assert await compacted_branches(tmp_path / "older.sqlite", "copy") == without
    # A document without the history has no lineage.
    await import_document(tmp_path / "part.sqlite", await export_document(path, ["main", "alt"]))
    part = await compacted_branches(tmp_path / "part.sqlite", "copy")
    assert [branch.before for branch in part.values()] == ["", ""]

    stored = all_rows(path)
    await editor.copy_branch("chat", "main", "copied")
    await editor.copy_branch_to_file("chat", "main", "copied", tmp_path / "copied.sqlite")
    copied = {name: branch for name, branch in before.items() if name != "alt"}
    assert await compacted_branches(path, "copied") == await compacted_branches(tmp_path / "copied.sqlite", "copied")
    assert await compacted_branches(path, "copied") == copied
    async with AdvancedSQLiteSession(session_id="copied", db_path=path) as copy:
        of_copy = cast(Any, await copy.get_session_usage())
        assert of_copy["total_tokens"] == cast(Any, sums)["total_tokens"] - 2 * 500
    await editor.undo()
    assert all_rows(path) == stored


class CompactedBranch(NamedTuple):
    """A branch as the program shows it; the messages by their contents."""

    before: str
    archived: bool
    parent: str | None
    items: list[Any]
    requests: list[Any]
    usage: Any


async def compacted_branches(path: Path, session_id: str) -> dict[str, CompactedBranch]:
    store = Store(path)
    chat = await store.session(session_id)
    assert chat is not None
    tree = await store.tree(chat)
    found = {}
    async with AdvancedSQLiteSession(session_id=session_id, db_path=path) as session:
        for name, branch in tree.branches.items():
            requests = await store.requests(chat, tree, name, 1, branch.turns)
            sent = [
                (number, request.usage, await store.request_input(chat, tree, name, number, request.number))
                for number, of_turn in requests.items()
                for request in of_turn
            ]
            found[name] = CompactedBranch(
                branch.before_compaction,
                branch.archived,
                branch.parent,
                await session.get_items(branch_id=name),
                [(number, usage, recorded and recorded.items) for number, usage, recorded in sent],
                await session.get_turn_usage(branch_id=name),
            )
    store.close()
    return found


async def test_clearing_again_and_again_keeps_only_the_newest(ours: OpenOurs, path: Path) -> None:
    session = ours()
    large = user("x" * (9 << 20))
    for _ in range(6):
        await session.add_items([large])
        await session.clear_session()
    await session.clear_session()
    states = rows(path, "SELECT state, bytes > 0 FROM convo_journal ORDER BY id")
    assert states == [("kept", 0)] * 2 + [("done", 1)] * 4
    assert rows(path, "SELECT generation FROM session_clear_generations") == [(7,)]


@pytest.mark.sqlite
async def test_nothing_of_a_session_in_memory_is_kept_for_undo(ours: OpenOurs) -> None:
    session = ours(":memory:")
    await session.add_items(turns(2))
    assert await session._atomic_replace_items(SUMMARY)
    assert await session.get_items(branch_id="main_before_compaction") == turns(2)
    await session.clear_session()
    tables = await session._access.read(lambda tx, *_: tx.has_table("convo_journal"), None)
    assert not tables


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "add",
                "add",
                "usage",
                "run",
                "request",
                "request",
                "fork",
                "pop",
                "switch",
                "delete",
                "compact",
                "suffix",
                "clear",
            ]
        ),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=12,
)


@given(STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_a_compaction_or_a_clear_restores_every_row(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compact_and_undo(Path(folder) / "chat.sqlite", steps))


@given(steps=STEPS)
@settings(max_examples=15)
def test_undoing_them_on_a_server_restores_every_row(postgres_server: str, steps: list[tuple[str, int]]) -> None:
    asyncio.run(compact_and_undo(new_schema(postgres_server), steps))


async def compact_and_undo(path: Place, steps: list[tuple[str, int]]) -> None:
    editor = editor_of(path)
    async with open_ours(path, "chat") as session:
        await session.add_items(turns(2))
        for index, (step, number) in enumerate(steps):
            if step not in ("compact", "suffix", "clear"):
                with suppress(ValueError):
                    await change(session, step, number, index)
                continue
            before, sums, entries = all_rows(path), await session.get_session_usage(), journal_entries(path)
            match step:
                case "compact":
                    await session._atomic_replace_items(SUMMARY[: number % 3])
                case "suffix":
                    newest = await session._get_compaction_snapshot(8)
                    assert newest is not None
                    if not await newest.replace_suffix(number, SUMMARY[: number % 3]):
                        continue
                case "clear":
                    await session.clear_session()
            if step != "clear":
                assert await session.get_session_usage() == sums
            after = all_rows(path)
            if journal_entries(path) == entries:
                # The branch or the session had no items.
                continue
            await editor.undo()
            assert without_time(all_rows(path)) == without_time(before)
            await editor.redo()
            assert without_time(all_rows(path)) == without_time(after)


def journal_entries(path: Place) -> list[tuple[int]]:
    has_journal = not isinstance(path, Path) or rows(path, "SELECT 1 FROM sqlite_master WHERE name = 'convo_journal'")
    return rows(path, "SELECT id FROM convo_journal WHERE state = 'done'") if has_journal else []


def without_time(stored: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out when the session was written last."""
    return stored | {"agent_sessions": [row[:2] for row in stored.get("agent_sessions", [])]}


async def change(session: AdvancedSession, step: str, number: int, index: int) -> None:
    match step:
        case "add":
            await session.add_items(turns(number)[: 2 * number])
        case "usage":
            await session.store_run_usage(run(number))
        case "run":
            await session.record_run(outcome="done", model=f"model {number}")
        case "request":
            usage = RequestUsage(number, 0, 0, number, 0)
            items = cast("list[Any]", await session.get_items())
            sent = SentRequest(usage, agent="agent", instructions=f"Number {number}.", items=items)
            await session.record_request(sent, first=number % 2 == 0)
        case "fork":
            await session.fork(number % 3 or None, f"branch {index}", switch=number > 2)
        case "pop":
            for _ in range(number):
                await session.pop_item()
        case "switch" | "delete":
            names = [branch["branch_id"] for branch in await session.list_branches()]
            name = names[number % len(names)] if names else "main"
            await (session.switch_to_branch(name) if step == "switch" else session.delete_branch(name, force=True))
