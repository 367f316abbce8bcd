"""The sessions of a database with hundreds of them: by page, and found by their names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conversations import open_sdk, turn
from tests.counting import counted
from tests.databases import Place, editor_of, on_file, open_other, rows
from tui.controller import SessionController
from tui.model import Session, SessionSort
from tui.storage.queries.sessions import FIRST_PAGE
from tui.storage.store import Store

MANY = 500


def write(path: Place, sessions: int, items: int = 3) -> None:
    """Write sessions named by number, the last one last, in the tables of the SDK's class."""
    open_other(path, "0000").close()
    if isinstance(path, str):
        name, time = "to_char(number, 'FM0000')", "CURRENT_TIMESTAMP - INTERVAL '1 day' + number * INTERVAL '1 second'"
        numbers = "FROM generate_series(0, ? - 1) AS number"
        into = "INSERT INTO agent_sessions (session_id, created_at, updated_at)"
        rows(path, f"{into} SELECT {name}, {time}, {time} {numbers} ON CONFLICT DO NOTHING", sessions)
        message = f"""SELECT {name}, '{{"role": "user", "content": "hello"}}', {time}"""
        into = "INSERT INTO agent_messages (session_id, message_data, created_at)"
        rows(path, f"{into} {message} {numbers}, generate_series(1, ?)", sessions, items)
        return
    with closing(sqlite3.connect(path)) as db, db:
        for number in range(sessions):
            name = f"{number:04}"
            db.execute("INSERT OR IGNORE INTO agent_sessions (session_id) VALUES (?)", (name,))
            for place in range(items):
                data = '{"role": "user", "content": "hello"}'
                row = db.execute("INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)", (name, data))
                db.execute(
                    "INSERT INTO message_structure (session_id, message_id, message_type, sequence_number,"
                    " user_turn_number, branch_turn_number) VALUES (?, ?, 'user', ?, ?, ?)",
                    (name, row.lastrowid, place + 1, place + 1, place + 1),
                )


@pytest.fixture
def path(place: Place) -> Place:
    write(place, MANY)
    return place


@pytest.fixture
def store(path: Place) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def names(sessions: tuple[Session, ...]) -> list[str]:
    return [session.session_id for session in sessions]


def written(path: Place) -> list[str]:
    """Return the sessions in the order in which they are listed, found by reading all of them."""
    if isinstance(path, str):
        found = rows(path, "SELECT session_id FROM agent_sessions ORDER BY updated_at DESC, session_id")
    else:
        found = rows(
            path,
            "SELECT session_id FROM agent_sessions s ORDER BY (SELECT MAX(id) FROM agent_messages m"
            " WHERE m.session_id = s.session_id) DESC NULLS LAST, updated_at DESC, session_id",
        )
    return [name for (name,) in found]


async def test_all_pages_have_one_order(store: Store, path: Place) -> None:
    expected = written(path)

    assert names(await store.sessions()) == expected[:FIRST_PAGE]
    assert names(await store.sessions(0, MANY)) == expected
    assert names(await store.sessions(100, 164)) == expected[100:164]
    assert names(await store.sessions(490, 600)) == expected[490:]
    assert [await store.session_index(name) for name in ("0499", "0250", "gone")] == [0, 249, None]
    assert await store.count_sessions() == MANY


async def test_the_order_is_right_after_others_write(store: Store, path: Place) -> None:
    await store.sessions(0, MANY)
    for name in ("0007", "new", "0250"):
        other = open_other(path, name)
        await other.add_items(turn("again"))
        other.close()
    other = open_other(path, "0499")
    await other.clear_session()
    other.close()
    if isinstance(path, Path):
        rows(path, "INSERT INTO agent_sessions (session_id) VALUES ('silent'), (x'ff'), (NULL)")
    rows(path, "DELETE FROM agent_messages WHERE session_id = '0100'")
    rows(path, "DELETE FROM agent_sessions WHERE session_id = '0100'")
    if isinstance(path, Path):
        with closing(sqlite3.connect(path)) as db:
            db.execute("VACUUM")

    expected = [name for name in written(path) if isinstance(name, str)]
    assert names(await store.sessions()) == expected[:FIRST_PAGE]
    assert names(await store.sessions(0, MANY)) == expected[:MANY]
    assert expected[:3] == ["0250", "new", "0007"]


@on_file
async def test_a_known_order_is_updated_with_little_work(store: Store, path: Path) -> None:
    first = await counted(store, store.sessions(100, 104))
    sdk = open_sdk(path, "0007")
    await sdk.add_items(turn("again"))
    sdk.close()
    second = await counted(store, store.sessions(100, 104))

    assert names(second.result) == written(path)[100:104]
    assert second.steps * 10 < first.steps


async def test_the_newest_sessions_are_found_with_the_same_work_in_any_file(tmp_path: Path) -> None:
    steps = []
    for count in (100, 1000):
        path = tmp_path / f"{count}.sqlite"
        write(path, count)
        store = Store(path)
        steps.append((await counted(store, store.sessions())).steps)
        store.close()

    assert steps[1] <= steps[0] + 100


async def test_the_newest_sessions_are_found_behind_a_long_one(tmp_path: Path) -> None:
    path = tmp_path / "behind.sqlite"
    write(path, 40)
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO agent_messages (session_id, message_data) VALUES ('0003', '{}')", ([] for _ in range(6000))
        )
    store = Store(path)
    assert names(await store.sessions()) == written(path)[:FIRST_PAGE]
    store.close()


async def test_typed_letters_match_sessions_of_all_pages(store: Store) -> None:
    for typed, best, count in (("49", "0499", 23), ("0 4 9 9", "0499", 1), ("x", None, 0), ("%", None, 0)):
        sessions, total = await store.matching_sessions(typed, 5)

        assert total == count
        assert (best in names(sessions)) == (best is not None)
        assert len(sessions) == min(count, 5)


async def test_the_newest_sessions_match_no_letters(store: Store, path: Place) -> None:
    sessions, total = await store.matching_sessions(" ", 100)

    assert (names(sessions), total) == (written(path)[:100], MANY)


async def test_sessions_are_sorted_and_have_their_first_words(place: Place) -> None:
    for name, texts in (("beta", ["hello"]), ("Alpha", ["weather", "and rain"]), ("gamma", ["help " * 40])):
        sdk = open_other(place, name)
        for text in texts:
            await sdk.add_items(turn(text))
        sdk.close()
    store = Store(place)
    await editor_of(place).label("beta", None, title="Greeting", description="Named it")
    found, _ = await store.matching_sessions("", 9, SessionSort.NAME)
    assert names(found) == ["Alpha", "gamma", "beta"]
    assert [session.first_words for session in found] == ["weather", " ".join(["help"] * 12)[:59] + "…", ""]
    assert names((await store.matching_sessions("a", 9, SessionSort.LONGEST))[0])[0] == "Alpha"
    store.close()


async def test_letters_match_in_upper_and_lower_case(place: Place) -> None:
    for name in ("Äpfel_50%", "birnen", "ÄPFEL-2"):
        sdk = open_other(place, name)
        await sdk.add_items(turn("hello"))
        sdk.close()
    store = Store(place)
    assert set(names((await store.matching_sessions("äpf", 9))[0])) == {"Äpfel_50%", "ÄPFEL-2"}
    assert names((await store.matching_sessions("_50%", 9))[0]) == ["Äpfel_50%"]
    store.close()


async def test_a_view_lists_the_newest_sessions_and_counts_the_others(controller: SessionController) -> None:
    view = controller.view

    assert names(view.sessions) == [f"{number:04}" for number in range(499, 499 - FIRST_PAGE, -1)]
    assert view.sessions_remaining == MANY - FIRST_PAGE
    assert view.session == view.sessions[0]
    assert view.session_index is None


async def test_the_index_of_an_old_session_is_known(controller: SessionController, path: Place) -> None:
    await controller.navigation.select_session("0100")
    assert controller.view.session is not None
    assert controller.view.session.session_id == "0100"
    assert controller.view.session_index == 399
    sdk = open_other(path, "0050")
    await sdk.add_items(turn("again"))
    await controller.refresh()
    assert [controller.view.session_index, controller.view.sessions[0].session_id] == [400, "0050"]
    sdk.close()
    sdk = open_other(path, "0100")
    await sdk.add_items(turn("again"))
    sdk.close()
    await controller.refresh()
    assert [controller.view.session_index, controller.view.sessions[0].session_id] == [None, "0100"]


async def test_a_refresh_takes_the_same_work_in_any_file(tmp_path: Path) -> None:
    steps = []
    for count in (100, 1000):
        path = tmp_path / f"{count}.sqlite"
        write(path, count)
        store = Store(path)
        controller = SessionController(store)
        await controller.open()
        sdk = open_sdk(path, f"{count - 1:04}")
        await sdk.add_items(turn("more"))
        sdk.close()
        work = await counted(store, controller.refresh())
        assert work.result
        steps.append(work.steps)
        controller.close()

    # A change of the second takes some 340 steps; 900 more sessions would take thousands.
    assert steps[1] <= steps[0] + 1000
