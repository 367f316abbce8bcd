"""Positions in a long branch are found without reading the branch each time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conversations import turn
from tests.databases import Place, on_file, open_other, rows
from tui.model import Session
from tui.storage.queries import positions as ranks
from tui.storage.queries.positions import PositionIndex
from tui.storage.sqlite.engine import SQLiteTransaction
from tui.storage.store import Store
from tui.storage.tables import Tables

TURNS = 300


@pytest.fixture
async def place(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(ranks, "_STEP", 64)
    sdk = open_other(place)
    await sdk.add_items([item for number in range(1, TURNS + 1) for item in turn(f"turn {number}")])
    await sdk.create_branch_from_turn(200, "other")
    await sdk.add_items(turn("elsewhere"))
    sdk.close()
    return place


async def test_every_page_and_turn_is_at_its_position(place: Place) -> None:
    store = Store(place)
    (session,) = await store.sessions()
    for number in (300, 1, 150, 33, 32, 31, 299, 0, 301):
        position = await store.turn_position(session, "main", number)
        assert position == min(max(number - 1, 0), TURNS) * 2
        page = await store.page(session, "main", position, position + 3)
        assert [item.turn for item in page.items] == [
            at for at in (max(number, 1), max(number, 1), max(number, 1) + 1) if at <= TURNS
        ]
    assert await store.turn_position(session, "other", 200) == 398
    (question, answer) = (await store.page(session, "other", 398, 500)).items
    assert question.data == turn("elsewhere")[0]
    assert answer.turn == 200
    store.close()


async def test_positions_follow_what_others_write_and_delete(place: Place) -> None:
    store = Store(place)
    (session,) = await store.sessions()
    assert len((await store.page(session, "main", 590, 700)).items) == 10
    sdk = open_other(place)
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("one more"))
    assert len((await store.page(session, "main", 590, 700)).items) == 12
    assert await store.turn_position(session, "main", 301) == 600
    for _ in range(5):
        await sdk.pop_item()
    assert await store.turn_position(session, "main", 301) == 597
    assert len((await store.page(session, "main", 590, 700)).items) == 7
    sdk.close()
    if isinstance(place, Path):
        rows(place, "DELETE FROM message_structure WHERE branch_id = 'main' AND user_turn_number <= 100")
        assert await store.turn_position(session, "main", 301) == 397
        assert (await store.page(session, "main", 0, 1)).items[0].turn == 101
    store.close()


@on_file
async def test_items_with_the_same_sequence_number_are_distinct(place: Path) -> None:
    rows(place, "UPDATE message_structure SET sequence_number = sequence_number / 50 WHERE branch_id = 'main'")
    store = Store(place)
    (session,) = await store.sessions()
    found = [
        item.message_id
        for start in range(0, 600, 7)
        for item in (await store.page(session, "main", start, start + 7)).items
    ]
    assert len(found) == len(set(found)) == 600
    store.close()


@on_file
def test_a_jump_reads_at_most_one_step_once_the_checkpoints_are_known(place: Path) -> None:
    with closing(sqlite3.connect(place)) as db, db:
        tx, session = SQLiteTransaction(db, Tables()), Session("support")
        known = PositionIndex()
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        def steps_of(position: int) -> int:
            nonlocal steps
            steps = 0
            db.set_progress_handler(step, 10)
            known.seek(tx, session, "main", position)
            known.position(tx, session, "main", position // 2)
            db.set_progress_handler(None, 0)
            return steps

        first = steps_of(599)
        assert max(steps_of(position) for position in (599, 300, 2)) < first / 3
    db.close()
