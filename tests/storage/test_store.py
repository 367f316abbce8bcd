"""The explorer reads what session classes stored as they do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import SdkSession, run_result, turn
from tests.databases import Place, on_file, open_other, open_ours, plain_session, rows
from tui.errors import FileError, NotFoundError
from tui.model import Branch, Scope, Session, TurnTree
from tui.model.turn_trie import build_tree
from tui.storage.store import Store


@pytest.fixture
async def bushy(place: Place) -> AsyncIterator[tuple[Place, SdkSession]]:
    """Return a database: main has 4 turns; alt forks at 3, deep from alt at 4, still from main at 4 without items."""
    sdk = open_other(place)
    for number in range(1, 5):
        await sdk.add_items(turn(f"main {number}", tool="weather" if number == 2 else None))
        await sdk.store_run_usage(run_result(100 * number, cached=10 * number))
    await sdk.create_branch_from_turn(3, "alt")
    for number in (3, 4):
        await sdk.add_items(turn(f"alt {number}"))
        await sdk.store_run_usage(run_result(1000 * number))
    await sdk.create_branch_from_turn(4, "deep")
    await sdk.add_items(turn("deep 4"))
    await sdk.switch_to_branch("main")
    await sdk.create_branch_from_turn(4, "still")
    yield place, sdk
    sdk.close()


def drawn(tree: TurnTree) -> list[str]:
    """Return the tree as lines: depth, turns, and the branch that ends there."""
    return [f"{'  ' * depth}{chain.first}-{chain.last} {chain.ending_branch or '·'}" for chain, depth in tree.walk()]


async def only_session(store: Store) -> Session:
    (session,) = await store.sessions()
    return session


async def test_the_tree_shows_shared_turns_once(bushy: tuple[Place, SdkSession]) -> None:
    store = Store(bushy[0])
    tree = await store.tree(await only_session(store))
    assert drawn(tree) == [
        "1-2 ·",
        "  3-3 ·",
        "    4-4 main",
        "    4-3 still",
        "  3-3 ·",
        "    4-4 alt",
        "    4-4 deep",
    ]
    assert [chain.first for chain in tree.forks("deep")] == [3, 4]
    assert [len(tree.alternatives(chain)) for chain in tree.forks("main")] == [2, 2]
    store.close()


async def test_each_branch_is_read_as_the_sdk_returns_it(bushy: tuple[Place, SdkSession]) -> None:
    place, sdk = bushy
    store = Store(place)
    session = await only_session(store)
    tree = await store.tree(session)
    assert {branch["branch_id"] for branch in await sdk.list_branches()} == set(tree.branches)
    for name, branch in tree.branches.items():
        expected = await sdk.get_items(branch_id=name)
        page = await store.page(session, name, 0, 1000)
        assert [item.data for item in page.items] == expected
        assert (await store.count_items(session))[name] == len(expected)
        assert [item.data for item in (await store.page(session, name, 2, 5)).items] == expected[2:5]
        turns = await sdk.get_conversation_turns(branch_id=name)
        rows = [
            row
            for chain in tree.path(name)
            for row in await store.turns(session, chain.holders, chain.first, chain.last)
        ]
        assert [(row.number, row.text) for row in rows] == [
            (sdk_turn["turn"], sdk_turn["content"]) for sdk_turn in turns
        ]
        assert branch.turns == len(turns)
    store.close()


async def test_turns_have_the_usage_of_their_runs(bushy: tuple[Place, SdkSession]) -> None:
    place, sdk = bushy
    store = Store(place)
    session = await only_session(store)
    tree = await store.tree(session)
    branch_usage = await store.branch_usage(session, tree, "alt")
    turns = await store.turn_usages(session, tree, "alt", 1, 4)
    assert [(turn_usage.branch_id, turn_usage.usage.total_tokens) for turn_usage in turns if turn_usage.usage] == [
        ("main", 110),
        ("main", 220),
        ("alt", 3300),
        ("alt", 4400),
    ]
    for turn_usage in turns:
        stored = await sdk.get_turn_usage(turn_usage.turn, branch_id=turn_usage.branch_id)
        assert isinstance(stored, dict)
        assert turn_usage.usage is not None
        assert (turn_usage.usage.input_tokens, turn_usage.usage.cached_tokens) == (
            stored["input_tokens"],
            stored["input_tokens_details"]["cached_tokens"],
        )
    own, everything = branch_usage.totals[Scope.OWN], branch_usage.totals[Scope.ALL]
    path_sum = branch_usage.totals[Scope.PATH]
    assert own is not None
    assert everything is not None
    assert path_sum is not None
    assert own.total_tokens == 3300 + 4400
    assert path_sum.total_tokens == 110 + 220 + 3300 + 4400
    assert everything.total_tokens == (await sdk.get_session_usage() or {})["total_tokens"]
    assert branch_usage.tools[Scope.PATH] == (("weather", 1),)
    assert [turn_usage.tools for turn_usage in turns] == [(), (("weather", 1),), (), ()]
    deep = await store.branch_usage(session, tree, "deep")
    assert deep.totals[Scope.OWN] is None
    assert (deep.turns, deep.turns_with_usage, deep.largest) == (4, 3, 3300)
    turns = await store.turn_usages(session, tree, "deep", 1, 64)
    assert [each.usage.total_tokens if each.usage else None for each in turns] == [
        110,
        220,
        3300,
        None,
    ]
    store.close()


async def test_rows_of_the_tree_count_tools_and_failures(place: Place) -> None:
    sdk = open_other(place)
    failed = {"type": "mcp_call", "server_label": "tracker", "name": "find", "arguments": "{}", "error": "gone"}
    await sdk.add_items([{"role": "system", "content": "Be brief."}, *turn("hello\n\n  world", tool="weather")])
    await sdk.add_items([*turn("x" * 100_000)[:1], failed])  # type: ignore[list-item]
    sdk.close()
    store = Store(place)
    session = await only_session(store)
    tree = await store.tree(session)
    (chain,) = tree.chains
    assert (chain.first, chain.last) == (0, 2)
    before, first, second = await store.turns(session, chain.holders, 0, 2)
    assert (before.number, before.items, before.text) == (0, 1, "")
    assert (first.text, first.items, first.tools, first.errors) == ("hello world", 4, 1, 0)
    assert (second.text, second.tools, second.errors) == ("x" * 200, 1, 1)
    assert await store.turn_position(session, "main", 2) == 5
    assert await store.user_text(session, "main", 1) == "hello\n\n  world"
    with pytest.raises(NotFoundError, match="no readable user message"):
        await store.user_text(session, "main", 9)
    store.close()


async def test_rows_that_cannot_be_decoded_are_shown_as_such(place: Place) -> None:
    sdk = open_other(place)
    await sdk.add_items([*turn("one"), *turn("two"), *turn("three"), *turn("four")])
    sdk.close()
    spoilt = ['{"role": ', "[" * 100_000]
    for message_id, text in zip((2, 6), spoilt, strict=True):
        rows(place, "UPDATE agent_messages SET message_data = ? WHERE id = ?", text, message_id)
    if isinstance(place, Path):
        rows(place, "UPDATE agent_messages SET message_data = CAST(x'7bff7d' AS TEXT) WHERE id = 4")
        rows(place, "DELETE FROM agent_messages WHERE id = 8")
        spoilt = [spoilt[0], "{\ufffd}", spoilt[1], ""]
    store = Store(place)
    session = await only_session(store)
    items = (await store.page(session, "main", 0, 8)).items
    assert [item.raw for item in items if item.data is None] == spoilt
    assert [row.number for row in await store.turns(session, ("main",), 1, 4)] == [1, 2, 3, 4]
    store.close()


async def test_a_plain_session_has_one_branch(place: Place) -> None:
    async with plain_session(place, "old") as plain:
        await plain.add_items([{"role": "system", "content": "Be brief."}, *turn("one", tool="weather"), *turn("two")])
        store = Store(place)
        session = await only_session(store)
        # On a server nothing tells it from another session without branches.
        assert session == Session("old", session.updated_at, plain=isinstance(place, Path))
        tree = await store.tree(session)
        assert drawn(tree) == ["0-2 main"]
        assert [item.data for item in (await store.page(session, "main", 0, 99)).items] == await plain.get_items()
        assert [(row.number, row.text, row.tools) for row in await store.turns(session, ("main",), 1, 2)] == [
            (1, "one", 1),
            (2, "two", 0),
        ]
        branch_usage = await store.branch_usage(session, tree, "main")
        assert branch_usage.tools[Scope.PATH] == (("weather", 1),)
        assert set(branch_usage.totals.values()) == {None}
        await plain.add_items(turn("three"))
        assert drawn(await store.tree(session)) == ["0-3 main"]
        store.close()


async def test_a_plain_session_beside_others(place: Place) -> None:
    async with plain_session(place, "old") as plain:
        await plain.add_items(turn("one"))
    other = open_other(place, "new")
    await other.add_items(turn("one"))
    other.close()
    store = Store(place)
    assert [(session.session_id, session.plain) for session in await store.sessions()] == [
        ("new", False),
        ("old", isinstance(place, Path)),
    ]
    store.close()


async def test_branches_without_items_exist_until_either_class_deletes_them(place: Place) -> None:
    async with open_ours(place) as ours:
        await ours.add_items([*turn("one"), *turn("two")])
        for name in ("nothing", "gone", "theirs"):
            await ours.fork(1, source="main", branch_name=name)
        await ours.add_items(turn("said here"))
        await ours.delete_branch("gone")
    store = Store(place)
    session = await only_session(store)
    assert set((await store.tree(session)).branches) == {"main", "nothing", "theirs"}
    sdk = open_other(place)
    await sdk.delete_branch("theirs")
    assert set((await store.tree(session)).branches) == {"main", "nothing"}
    await sdk.clear_session()
    assert set((await store.tree(session)).branches) == {"main"}
    sdk.close()
    store.close()


async def test_the_branch_that_was_written_last_in_a_second_is_known(place: Place) -> None:
    session = Session("support")
    async with open_ours(place) as ours:
        await ours.add_items([*turn("one"), *turn("two")])
        store = Store(place)
        assert await store.last_branch(session) == "main"
        for name in ("first", "second"):
            await ours.fork(2, source="main", branch_name=name)
            assert await store.last_branch(session) == name
        await ours.add_items(turn("on"))
        await ours.switch_to_branch("main")
        assert await store.last_branch(session) == "second"
        await ours.add_items(turn("three"))
        assert await store.last_branch(session) == "main"
        await ours.fork(2, branch_name="third")
        await ours.switch_to_branch("main")
        assert await store.last_branch(session) == "third"
        await ours.add_items(turn("four"))
        assert await store.last_branch(session) == "main"
        await ours.switch_to_branch("first")
        await ours.add_items(turn("on"))
        assert await store.last_branch(session) == "first"
        await ours.fork(1, branch_name="anew")
        await ours.add_items(turn("anew"))
        assert await store.last_branch(session) == "anew"
    store.close()


async def test_the_usage_of_a_session_counts_each_turn_once_even_after_its_branch_is_deleted(place: Place) -> None:
    async with open_ours(place) as ours:
        await ours.add_items(turn("one"))
        await ours.store_run_usage(run_result(100))
        await ours.fork(branch_name="runner")
        await ours.add_items(turn("two"))
        await ours.store_run_usage(run_result(1000))
        await ours.fork(branch_name="heir")
        await ours.delete_branch("runner")
    store = Store(place)
    session = await only_session(store)
    tree = await store.tree(session)
    usage = await store.branch_usage(session, tree, "heir")
    billed, path_sum = usage.totals[Scope.ALL], usage.totals[Scope.PATH]
    assert billed is not None
    assert path_sum is not None
    assert (billed.input_tokens, path_sum.input_tokens) == (1100, 1100)
    assert [turn.branch_id for turn in await store.turn_usages(session, tree, "heir", 1, 2)] == ["main", "runner"]
    store.close()


@on_file
async def test_reading_never_writes(bushy: tuple[Path, SdkSession]) -> None:
    path, _ = bushy
    with closing(sqlite3.connect(path)) as db, db:
        before = db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
        version = db.execute("PRAGMA data_version").fetchone()
        store = Store(path)
        session = await only_session(store)
        tree = await store.tree(session)
        for name in tree.branches:
            await store.branch_usage(session, tree, name)
            await store.turn_usages(session, tree, name, 1, 64)
            await store.page(session, name, 0, 10)
        assert db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before
        assert db.execute("PRAGMA data_version").fetchone() == version
        store.close()
    db.close()


async def test_the_version_changes_when_others_write(bushy: tuple[Place, SdkSession]) -> None:
    place, sdk = bushy
    store = Store(place)
    before = await store.version()
    assert await store.version() == before
    await sdk.add_items(turn("more"))
    assert await store.version() != before
    store.close()


def test_other_table_names_are_found(tmp_path: Path) -> None:
    path = tmp_path / "named.sqlite"
    SdkSession(
        session_id="a", db_path=path, create_tables=True, sessions_table="my_sessions", messages_table="my_messages"
    ).close()
    store = Store(path)
    assert (store.sessions_table, store.messages_table) == ("my_sessions", "my_messages")
    store.close()


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def text_file(path: Path) -> None:
    path.write_text("dear diary, " * 100)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_tables(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE notes (body TEXT)")
    db.close()


def cut(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("CREATE TABLE agent_sessions (session_id, updated_at)")
    db.executemany("INSERT INTO agent_sessions VALUES (?, ?)", [("x" * 1000, "y")] * 100)
    db.commit()
    db.close()
    content = bytearray(path.read_bytes())
    content[100:400] = b"\xff" * 300
    path.write_bytes(content)


def newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE message_structure (id INTEGER, thread_id TEXT)")
    db.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (missing, "does not exist"),
        (folder, "is a folder"),
        (text_file, "is not a SQLite database"),
        (empty, "it is empty"),
        (other_tables, "it has no table agent_sessions"),
        (cut, "is damaged"),
        (newer, "of a shape this version does not know"),
    ],
)
def test_the_error_for_an_unreadable_file_has_reason_and_hint(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "file.sqlite"
    path.touch()
    spoil(path)
    with pytest.raises(FileError, match=says) as raised:
        Store(path)
    assert raised.value.hint
    assert "\n" not in str(raised.value)


def test_the_error_for_a_file_with_a_hot_journal_says_how_to_repair_it(tmp_path: Path) -> None:
    path = tmp_path / "left.sqlite"
    code = """if True:
        import os, sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("PRAGMA cache_size = 1")
        db.execute("CREATE TABLE notes (text)")
        db.execute("INSERT INTO notes VALUES ('kept')")
        db.execute("BEGIN")
        db.execute("UPDATE notes SET text = 'half'")
        db.executemany("INSERT INTO notes VALUES (?)", [("x" * 1000,)] * 100)
        os._exit(9)
    """
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    with pytest.raises(FileError, match="in the middle of a write") as raised:
        Store(path)
    assert "PRAGMA schema_version" in raised.value.hint


def test_a_locked_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "locked.sqlite"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE agent_sessions (session_id, updated_at)")
    db.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileError, match="is locked by another program"):
        Store(path, timeout=0)
    db.close()


Step = tuple[str, int, int]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["fork", "say", "pop"]), st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_the_tree_is_the_trie_of_turns_after_any_forks_and_pops(steps: list[Step]) -> None:
    """Compare the tree with one that is made by comparing all turns message by message."""
    branches: dict[str, list[list[int]]] = {"main": [[1]]}
    fresh = iter(range(2, 10_000))
    for kind, which, where in steps:
        name = list(branches)[which % len(branches)]
        turns = branches[name]
        if kind == "fork":
            branches[f"b{len(branches)}"] = [list(held) for held in turns[: where % (len(turns) + 1)]]
        elif kind == "say":
            turns.append([next(fresh) for _ in range(1 + where % 3)])
        elif turns:
            turns[-1].pop()
            if not turns[-1]:
                turns.pop()

    def key(branch_id: str, number: int) -> tuple[int, ...]:
        turns = branches[branch_id]
        return tuple(turns[number - 1]) if 1 <= number <= len(turns) else ()

    tree = build_tree([Branch(name, len(turns)) for name, turns in branches.items()], key)

    nodes: dict[tuple[tuple[int, ...], ...], set[str]] = defaultdict(set)
    for name, turns in branches.items():
        for length in range(1, len(turns) + 1):
            nodes[tuple(tuple(held) for held in turns[:length])].add(name)
    held = {
        tuple(key(chain.holders[0], number) for number in range(1, at + 1)): set(chain.holders)
        for chain in tree.chains
        for at in range(chain.first, chain.last + 1)
    }
    assert held == dict(nodes)
    assert sum(len(chain) for chain in tree.chains) == len(nodes)
    for name, turns in branches.items():
        path = tree.path(name)
        assert [number for chain in path for number in range(chain.first, chain.last + 1)] == list(
            range(1, len(turns) + 1)
        )
        assert path[-1].ending_branch == name
        assert all(name in chain.holders for chain in path)
    assert sorted(chain.index for chain, _ in tree.walk()) == list(range(len(tree.chains)))
    for chain in tree.chains:
        assert chain in tree.alternatives(chain)
        assert all(tree.chains[child].parent == chain.index for child in chain.children)


async def test_a_row_of_the_tree_has_the_beginning_of_a_message_of_any_length(place: Place) -> None:
    beginnings, texts = ("", "a", "ab", "abc", "abcd", "\\n"), ("한국어", "👀", '"quoted" \\ ')
    cases = [(beginning, text) for beginning in beginnings for text in texts]
    sdk = open_other(place)
    await sdk.add_items([item for beginning, text in cases for item in turn(beginning + text * 30_000)])
    sdk.close()
    store = Store(place)
    read = await store.turns(await only_session(store), ["main"], 1, len(cases))
    for row, (beginning, text) in zip(read, cases, strict=True):
        words = " ".join((beginning + text * 200).split())
        assert len(row.text) > 100
        assert words.startswith(row.text)
    store.close()


async def test_numbers_of_usage_that_no_program_reports_can_be_read(bushy: tuple[Place, SdkSession]) -> None:
    place, _ = bushy
    rows(place, "UPDATE turn_usage SET total_tokens = 9223372036854775807, output_tokens = -5")
    rows(place, """UPDATE turn_usage SET input_tokens_details = '{"cached_tokens": "lots"}'""")
    rows(place, "UPDATE turn_usage SET output_tokens_details = '[1'")
    store = Store(place)
    session = await only_session(store)
    tree = await store.tree(session)
    for name in tree.branches:
        await store.branch_usage(session, tree, name)
        spent = (await store.turn_usages(session, tree, name, 1, 1))[0].usage
        assert spent is not None
        assert (spent.input_tokens, spent.output_tokens, spent.cached_tokens) == (100, 0, 0)
        assert spent.reasoning_tokens is None
    store.close()


@on_file
async def test_columns_with_unexpected_values_can_be_read(bushy: tuple[Path, SdkSession]) -> None:
    path, _ = bushy
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE turn_usage SET input_tokens = NULL, requests = 'many' WHERE user_turn_number = 1")
        db.execute("UPDATE turn_usage SET total_tokens = 9223372036854775807, output_tokens = -5")
        db.execute("""UPDATE turn_usage SET input_tokens_details = '{"cached_tokens": "lots"}'""")
        db.execute("UPDATE turn_usage SET output_tokens_details = '[1'")
        db.execute("UPDATE agent_messages SET message_data = x'fffe00', created_at = x'00ff' WHERE id = 1")
        db.execute("UPDATE agent_messages SET created_at = NULL WHERE id = 2")
        db.execute("UPDATE message_structure SET tool_name = x'ff', created_at = 5 WHERE user_turn_number = 2")
        db.execute("UPDATE message_structure SET branch_id = x'ff' WHERE branch_id = 'deep'")
        of_alt = "UPDATE message_structure SET user_turn_number = {} WHERE branch_id = 'alt' AND user_turn_number = {}"
        db.execute(of_alt.format("'x'", 4))
        db.execute(of_alt.format("NULL", 3) + " AND message_type = 'assistant'")
        db.execute("UPDATE agent_sessions SET updated_at = 5")
        db.execute("INSERT INTO agent_sessions (session_id) VALUES (NULL), (x'ff')")
    db.close()
    store = Store(path)
    session, *others = await store.sessions()
    assert session.updated_at == "5"
    assert {other.session_id for other in others} == {"NULL", "\\xff"}
    tree = await store.tree(session)
    assert {name: branch.turns for name, branch in tree.branches.items()} == {
        "main": 4,
        "alt": 3,
        "still": 3,
        "\\xff": 4,
    }
    for name, branch in tree.branches.items():
        page = await store.page(session, name, 0, 100)
        assert len(page.items) == (await store.count_items(session))[name]
        await store.turns(session, [name], 0, branch.turns)
        await store.branch_usage(session, tree, name)
        spent = (await store.turn_usages(session, tree, name, 1, 1))[0].usage
        assert spent is not None
        assert (spent.requests, spent.input_tokens, spent.output_tokens, spent.cached_tokens) == (0, 0, 0, 0)
        assert spent.reasoning_tokens is None
    store.close()
