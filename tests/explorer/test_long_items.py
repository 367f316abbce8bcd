"""Items of more than a megabyte."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from textual.widgets import TextArea

from tests.explorer.conftest import LONG_TEXT
from tests.explorer.driver import open_explorer


async def test_the_beginning_of_a_long_item_is_shown_and_all_of_it_is_copied(long_path: Path) -> None:
    async with open_explorer(long_path) as explorer:
        assert "MB more, y copies all" in explorer.text
        for position, text in ((3, f"Done. {LONG_TEXT}"), (2, LONG_TEXT), (0, f"Read this. {LONG_TEXT}")):
            explorer.chat.put_cursor(position)
            await explorer.press("y")
            assert explorer.app.clipboard == text
            assert explorer.notice.startswith(f"Copied {len(text):,} characters")


async def test_copying_a_long_item_that_was_deleted_is_reported(long_path: Path) -> None:
    async with open_explorer(long_path) as explorer:
        await explorer.press("2", "g")
        with closing(sqlite3.connect(long_path)) as db, db:
            db.execute("DELETE FROM agent_messages WHERE id = 1")
        db.close()
        await explorer.press("y")
        assert "gone" in "".join(explorer.notices)


async def test_a_fork_from_a_long_message_begins_with_all_of_it(long_path: Path) -> None:
    async with open_explorer(long_path) as explorer:
        await explorer.press("2", "g", "f")
        assert len(explorer.screen.query_one(TextArea).text) < 100
        assert explorer.composer.text == f"Read this. {LONG_TEXT}"
        await explorer.press(*" Go.")
        assert explorer.composer.text == f"Read this. {LONG_TEXT} Go."
