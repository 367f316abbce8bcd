"""Only the beginning of a long item is read, unless the complete item is requested."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conversations import assistant_message, open_sdk, turn
from tests.databases import Place, on_file, open_other, plain_session, rows
from tui.errors import NotFoundError
from tui.items.codec import decode_beginning
from tui.model import Item, Session
from tui.storage.engine import MAX_READ_BYTES
from tui.storage.sqlite.dialect import SQLITE
from tui.storage.store import Store

LONG = "A sentence of it, 데이터 and café.\n" * 40_000
"""More than a megabyte."""

LONG_ITEMS: list[Any] = [
    {"content": f"Read this. {LONG}", "role": "user"},
    {"arguments": json.dumps({"text": LONG}), "call_id": "c", "name": "keep", "type": "function_call"},
    {"call_id": "c", "output": LONG, "type": "function_call_output"},
    assistant_message(LONG),
]


@pytest.fixture
async def with_long(place: Place) -> Place:
    sdk = open_other(place)
    await sdk.add_items(LONG_ITEMS)
    sdk.close()
    return place


async def only_session(store: Store) -> Session:
    (session,) = await store.sessions()
    return session


async def read(place: Place, count: int = 99) -> tuple[Item, ...]:
    store = Store(place)
    page = await store.page(await only_session(store), "main", 0, count)
    store.close()
    return page.items


async def peak_of(work: Callable[[Store, Session], Any], place: Place) -> int:
    """Return the largest number of bytes that a function allocates."""
    store = Store(place)
    session = await only_session(store)
    tracemalloc.start()
    await work(store, session)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()
    return peak


async def test_a_page_has_the_beginning_of_long_items_and_their_type(with_long: Place) -> None:
    items = await read(with_long)
    assert [item.type for item in items] == ["user", "function_call", "function_call_output", "assistant"]
    assert all(item.cut and item.size > 1_000_000 and item.size - item.unread == MAX_READ_BYTES for item in items)
    message, call, output, answer = (item.data for item in items)
    assert message["role"] == "user"
    assert message["content"].startswith("Read this. A sentence")
    assert (call["type"], call["name"]) == ("function_call", "keep")
    assert LONG.startswith(output["output"])
    assert len(output["output"]) > MAX_READ_BYTES // 2
    assert LONG.startswith(answer["content"][0]["text"])


@on_file
@pytest.mark.parametrize(("text", "count"), [("short", 64), ("x" * 40_000, 16)])
async def test_fewer_items_are_read_around_a_turn_if_they_are_long(place: Place, text: str, count: int) -> None:
    sdk = open_other(place)
    await sdk.add_items([item for number in range(60) for item in turn(f"{number} {text}", text)])
    sdk.close()
    store = Store(place)
    session = await only_session(store)
    items, position, page = await store.page_around(session, "main", 30)
    assert (items, position) == (120, 58)
    assert [item.position for item in page.items] == list(range(58 - count // 4, 58 - count // 4 + count))
    items, position, page = await store.page_around(session, "main", 60, at_end=True)
    assert (items, position) == (120, 118)
    assert [item.position for item in page.items] == list(range(120 - count, 120))
    store.close()


async def test_a_long_item_can_be_read_completely(with_long: Place) -> None:
    store = Store(with_long)
    page = await store.page(await only_session(store), "main", 0, 99)
    whole = [await store.full_item(item) for item in page.items]
    assert [item.data for item in whole] == LONG_ITEMS
    assert not any(item.unread or item.cut for item in whole)
    rows(with_long, "DELETE FROM agent_messages WHERE id = 1")
    with pytest.raises(NotFoundError, match="gone"):
        await store.full_item(page.items[0])
    store.close()


async def test_short_items_are_complete_and_have_a_size(place: Place) -> None:
    sdk = open_other(place)
    await sdk.add_items(turn("Hello, 世界", tool="weather"))
    sdk.close()
    stored = rows(place, "SELECT message_data FROM agent_messages ORDER BY id")
    expected = [(len(text.encode()), 0, False) for (text,) in stored]
    assert [(item.size, item.unread, item.cut) for item in await read(place)] == expected


async def test_opening_reads_no_long_item_completely(place: Place) -> None:
    sdk = open_other(place)
    for number in range(6):
        await sdk.add_items(turn(f"{number} {LONG * 2}", "Yes. " + LONG * 2))
    sdk.close()
    shortest = min(item.size for item in await read(place))

    async def tree(store: Store, session: Session) -> None:
        await store.tree(session)
        assert len(await store.turns(session, ("main",), 1, 6)) == 6

    async def page(store: Store, session: Session) -> None:
        await store.page(session, "main", 0, 1)

    assert await peak_of(page, place) < shortest
    assert await peak_of(tree, place) < shortest


async def test_rows_of_the_tree_have_the_beginning_of_a_long_message(with_long: Place) -> None:
    store = Store(with_long)
    (row,) = await store.turns(await only_session(store), ("main",), 1, 1)
    assert row.text.startswith("Read this. A sentence of it, 데이터 and café. A sentence")
    assert (row.items, row.tools, row.errors) == (4, 1, 0)
    assert row.created_at
    assert (await store.user_text(await only_session(store), "main", 1)) == f"Read this. {LONG}"
    store.close()


async def test_the_text_beside_an_image_is_read_without_the_image(place: Place) -> None:
    data = "data:image/png;base64," + "iVBORw0KGgo" * 50_000
    parts: list[Any] = [
        {"type": "input_image", "image_url": data},
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": data},
        {"type": "input_text", "text": "And this?"},
    ]
    sdk = open_other(place)
    await sdk.add_items([{"role": "user", "content": parts}])
    sdk.close()
    store = Store(place)
    session = await only_session(store)
    (item,) = (await store.page(session, "main", 0, 9)).items
    assert [part.get("text") for part in item.data["content"]] == [None, "What is this?", None, "And this?"]
    assert not item.cut
    assert item.unread > 900_000
    for part in item.data["content"][::2]:
        kept, left_out = part["image_url"].split("…")
        assert data.startswith(kept)
        assert len(kept) + int(left_out) == len(data)
    assert (await store.full_item(item)).data["content"] == parts
    (row,) = await store.turns(session, ("main",), 1, 1)
    assert "What is this?" in row.text
    store.close()


async def test_an_item_whose_beginning_cannot_be_decoded_is_read_as_far_as_possible(place: Place) -> None:
    sdk = open_other(place)
    await sdk.add_items([*turn("one"), *turn("two"), *turn("three")])
    sdk.close()
    half = json.dumps({"role": "user", "content": "\ud83d" + LONG})
    for message_id, text in ((1, half), (2, "no JSON " * 100_000)):
        rows(place, "UPDATE agent_messages SET message_data = ? WHERE id = ?", text, message_id)
    if isinstance(place, Path):
        spoilt = json.dumps({"role": "user", "content": "@" + LONG}).encode().replace(b"@", b"\xff")
        rows(place, "UPDATE agent_messages SET message_data = CAST(? AS TEXT) WHERE id = 3", spoilt)
        rows(place, "UPDATE agent_messages SET message_data = CAST(? AS BLOB) WHERE id = 4", half)
    items = await read(place)
    assert items[0].data == json.loads(half)
    assert items[1].data is None
    assert items[1].raw == ("no JSON " * 100_000)[:MAX_READ_BYTES]
    assert items[1].cut
    if isinstance(place, Path):
        assert items[2].data["content"].startswith("\ufffdA sentence")
        assert items[3].data == json.loads(half)


async def test_tables_that_cannot_be_read_in_pieces_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items(LONG_ITEMS[:2])
    sdk.close()
    expected = [item.data for item in await read(path)]
    for definition in ("id INT PRIMARY KEY", "id INTEGER PRIMARY KEY"):
        copy = tmp_path / "copy.sqlite"
        copy.unlink(missing_ok=True)
        copy.write_bytes(path.read_bytes())
        with closing(sqlite3.connect(copy)) as db, db:
            rows = db.execute("SELECT id, session_id, message_data, created_at FROM agent_messages").fetchall()
            db.execute("DROP TABLE agent_messages")
            without = "" if "INTEGER" not in definition else " WITHOUT ROWID"
            db.execute(f"CREATE TABLE agent_messages ({definition}, session_id, message_data, created_at){without}")
            db.executemany("INSERT INTO agent_messages VALUES (?, ?, ?, ?)", rows)
        db.close()
        assert [item.data for item in await read(copy)] == expected


async def test_a_plain_session_of_long_items_is_classified_by_their_beginnings(place: Place) -> None:
    async with plain_session(place, "old") as plain:
        await plain.add_items([*LONG_ITEMS, {"role": "user", "content": "And now?"}])
        store = Store(place)
        session = await only_session(store)

        async def counts() -> tuple[int, int]:
            (branch,) = (await store.tree(session)).branches.values()
            return branch.turns, (await store.count_items(session))["main"]

        assert await counts() == (2, 5)
        page = await store.page(session, "main", 0, 9)
        assert [(item.type, item.tool_name) for item in page.items] == [
            ("user", None),
            ("function_call", "keep"),
            ("function_call_output", None),
            ("assistant", None),
            ("user", None),
        ]
        await plain.add_items([*turn("Go on.", "Yes.")[1:], *turn("Done.")[:1]])
        assert await counts() == (3, 7)
        await plain.pop_item()
        assert await counts() == (2, 6)
        store.close()


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_the_beginning_of_an_item_has_nothing_that_the_item_has_not(ensure_ascii: bool) -> None:
    item = {
        "type": "x",
        "text": 'a "b" \\ 中😀 end',
        "list": [12345, -1.5e3, {"key": "value"}],
        "yes": True,
        "no": None,
    }
    stored = json.dumps(item, ensure_ascii=ensure_ascii).encode()
    for end in range(1, len(stored) + 1):
        assert within(decode_beginning(stored[:end]), item), stored[:end]
    assert decode_beginning(stored) == item


def within(part: Any, whole: Any) -> bool:
    """Return whether a value is the beginning of another one."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return list(part) == list(whole)[: len(part)] and all(within(part[key], whole[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(within, part, whole))
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part)
    return type(part) is type(whole) and part == whole


def test_a_missing_value_is_found_without_reading_long_values() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, data TEXT)")
    plan = db.execute(f"EXPLAIN SELECT {SQLITE.is_missing('data')} FROM messages").fetchall()
    # SQLite marks a column of which it reads the type alone.
    assert [flags for _, operation, *_, flags, _ in plan if operation == "Column"] == [0x80]
    db.close()
