"""Rows of paused runs that this program did not write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.conversations import turn, write_turns
from tests.paying_agent import pause_run, write_agent
from tui.storage.store import Store


async def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    path = await write_turns(tmp_path, turn("hello"))
    await pause_run(path, write_agent(tmp_path), "Pay 1")
    with closing(sqlite3.connect(path)) as db, db:
        for column in ("approvals", "run"):
            for value in ("no JSON", "7", "null", "{}", "[7]", "[[]]", '[{"call_id": 1}]'):
                cells = [name if name != column else f"'{value}'" for name in ("approvals", "run")]
                db.execute(
                    "INSERT INTO convo_paused_runs (session_id, branch_id, message, approvals, run, state, items,"
                    f" last_item, generation) SELECT session_id, branch_id, message, {', '.join(cells)}, state, items,"
                    " last_item, generation FROM convo_paused_runs WHERE id = 1"
                )
        # A number that no clock has measured.
        db.execute(
            "INSERT INTO convo_paused_runs (session_id, branch_id, message, approvals, run, state, items, last_item,"
            " generation) SELECT session_id, branch_id, message, approvals, json_replace(run, '$.seconds', json(?)),"
            " state, items, last_item, generation FROM convo_paused_runs WHERE id = 1",
            ("1" + "0" * 400,),
        )
    store = Store(path)
    assert [run.id for run in await store.paused_runs() if not run.is_outdated] == [1]
    store.close()
