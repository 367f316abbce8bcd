"""Rows of paused runs that this program did not write."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conversations import turn
from tests.databases import Place, open_ours, rows
from tests.paying_agent import pause_run, write_agent
from tui.storage.store import Store


async def test_what_cannot_be_read_is_left_out(place: Place, tmp_path: Path) -> None:
    session = open_ours(place)
    await session.add_items(turn("hello"))
    session.close()
    await pause_run(place, write_agent(tmp_path), "Pay 1")
    columns = ("session_id", "branch_id", "message", "approvals", "run", "state", "items", "last_item", "generation")
    [stored] = rows(place, f"SELECT {', '.join(columns)} FROM convo_paused_runs")
    insert = f"INSERT INTO convo_paused_runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    for column in ("approvals", "run"):
        for value in ("no JSON", "7", "null", "{}", "[7]", "[[]]", '[{"call_id": 1}]'):
            rows(place, insert, *(dict(zip(columns, stored, strict=True)) | {column: value}).values())
    # A number that no clock has measured.
    run = re.sub(r'"seconds": [0-9.e-]+', f'"seconds": 1{"0" * 400}', stored[columns.index("run")])
    assert "0" * 400 in run
    rows(place, insert, *(dict(zip(columns, stored, strict=True)) | {"run": run}).values())
    store = Store(place)
    assert [run.id for run in await store.paused_runs() if not run.is_outdated] == [1]
    store.close()
