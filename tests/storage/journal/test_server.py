"""Undo on a server, where others change the same sessions at the same time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from agents.extensions.memory import EncryptedSession
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

from tests.conversations import turn
from tests.databases import all_rows, editor_of, open_ours, plain_engine, rows
from tui.errors import ConvoError, NotFoundError
from tui.items.sealed import KEY_VARIABLE
from tui.storage.store import Store


async def test_what_a_plain_session_has_added_to_main_is_never_undone(postgres: str) -> None:
    engine = plain_engine(postgres)
    plain = SQLAlchemySession("chat", engine=engine, create_tables=True)
    await plain.add_items(turn("first"))
    editor = editor_of(postgres)
    checkpoint = await editor.take_checkpoint("chat", "main")
    async with open_ours(postgres, "chat") as session:
        await session.add_items(turn("second"))
    await editor.record_since(checkpoint, "run", "Sent “second” on 'main'")
    await plain.add_items(turn("third"))
    with pytest.raises(ConvoError, match="Branch 'main' has 2 new items: archive it instead"):
        await editor.undo()
    for _ in range(2):
        await plain.pop_item()
    await editor.undo()
    assert await plain.get_items() == turn("first")
    await plain.add_items(turn("third"))
    with pytest.raises(ConvoError, match="Branch 'main' has 2 new items"):
        await editor.redo()
    await plain.clear_session()
    await plain.add_items(turn("other"))
    with pytest.raises(ConvoError, match="Another program has changed branch 'main' since"):
        await editor.redo()
    assert await plain.get_items() == turn("other")
    await engine.dispose()


async def test_what_a_plain_session_clears_is_no_loss_for_a_deleted_branch(postgres: str) -> None:
    async with open_ours(postgres, "chat") as session:
        await session.add_items([*turn("first"), *turn("second")])
        await session.fork(2, "alt")
        await session.add_items(turn("other"))
        items = await session.get_items()
    editor = editor_of(postgres)
    await editor.delete_branch("chat", "alt")
    engine = plain_engine(postgres)
    await SQLAlchemySession("chat", engine=engine).clear_session()
    await engine.dispose()
    await editor.undo()
    async with open_ours(postgres, "chat") as session:
        assert await session.get_items(branch_id="alt") == items
        assert await session.get_items(branch_id="main") == []


async def test_an_encrypted_session_is_forked_with_its_key_alone(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = plain_engine(postgres)
    plain = EncryptedSession("chat", SQLAlchemySession("chat", engine=engine, create_tables=True), "a key of this test")
    await plain.add_items([*turn("first"), *turn("second")])
    await engine.dispose()
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    editor, types = editor_of(postgres), "SELECT COUNT(*) FROM convo_message_types"
    with pytest.raises(ConvoError, match="no key is set"):
        await editor.fork("chat", "main", 1)
    async with open_ours(postgres, "chat") as session:
        await session.add_items(turn("third"))
        await session.record_run(outcome="done", model="m")
    assert rows(postgres, types) == [(len(turn("third")),)]
    monkeypatch.setenv(KEY_VARIABLE, "a key of this test")
    await editor.fork("chat", "main", 2, "alt")
    assert rows(postgres, types) == [(6,)]
    assert rows(postgres, "SELECT DISTINCT user_turn_number FROM convo_structure") == [(1,)]


async def test_each_change_is_undone_and_redone_once_by_explorers_at_the_same_time(postgres: str) -> None:
    for name in ("one", "two"):
        async with open_ours(postgres, name) as session:
            await session.add_items([*turn("first"), *turn("second")])
    before = all_rows(postgres)
    editors = [editor_of(postgres) for _ in range(4)]
    await asyncio.gather(
        *(editors[number % 4].fork(("one", "two")[number % 2], "main", 2, f"fork {number}") for number in range(8))
    )
    after = all_rows(postgres)
    store = Store(postgres)
    assert len(await store.journal()) == 8
    undone = await asyncio.gather(*(editors[number % 4].undo() for number in range(10)), return_exceptions=True)
    done = [entry.id for entries in undone if isinstance(entries, tuple) for entry in entries]
    assert sorted(done) == sorted(entry.id for entry in await store.journal())
    assert sum(isinstance(error, NotFoundError) for error in undone) == 2
    assert all_rows(postgres) == before
    await asyncio.gather(*(editors[number % 4].redo() for number in range(8)))
    assert all_rows(postgres) == after
    store.close()


async def test_an_undo_and_a_clear_at_the_same_time_are_one_after_the_other(postgres: str) -> None:
    editors = [editor_of(postgres) for _ in range(2)]
    async with open_ours(postgres, "one") as one, open_ours(postgres, "two") as two:
        for round_ in range(5):
            for session in (one, two):
                await session.add_items(turn(f"round {round_}"))
                await session.add_items(turn("on"))
            await editors[0].fork("one", "main", 2, f"fork one {round_}")
            await editors[1].fork("two", "main", 2, f"fork two {round_}")
            newest = rows(postgres, "SELECT id FROM convo_journal WHERE state = 'done' ORDER BY id DESC LIMIT 2")

            async def undo(number: int, back_to: int = newest[-1][0]) -> None:
                # A session may be cleared before, or after its entry was undone.
                with suppress(ConvoError):
                    await editors[number].undo(back_to)

            await asyncio.gather(undo(0), one.clear_session(), two.clear_session(), undo(1))
            held = "SELECT DISTINCT message_id FROM convo_structure ORDER BY 1"
            assert rows(postgres, "SELECT id FROM convo_messages ORDER BY 1") == rows(postgres, held)
