"""The tree of a session that is written while it is shown is up to date, and read only where it changed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import turn
from tests.counting import counted
from tests.databases import Place, on_file, open_other, open_ours, rows
from tui.model import Branch, Session, TurnTree
from tui.model.turn_trie import TurnTrie, build_tree
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store

SESSION = Session("support")


def drawn(tree: TurnTree) -> list[tuple[int, int, int, str | None, tuple[str, ...]]]:
    """Return the chains of a tree in the order in which they are drawn."""
    return [(depth, chain.first, chain.last, chain.ending_branch, tuple(chain.holders)) for chain, depth in tree.walk()]


async def fresh(place: Place) -> TurnTree:
    """Return the tree as it is when the database is opened."""
    store = Store(place)
    tree = await store.tree(SESSION)
    store.close()
    return tree


async def write(place: Place, forks: int) -> None:
    """Write branches that are forked from one another up to ten deep, each with a turn of its own."""
    async with open_ours(place) as ours:
        for number in range(1, 11):
            await ours.add_items(turn(f"main {number}"))
        for number in range(forks):
            source = "main" if number % 10 == 0 else f"b{number - 1}"
            await ours.fork(3 + number % 10, source=source, branch_name=f"b{number}")
            await ours.add_items(turn(f"b{number}"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that tests copy."""
    path = tmp_path_factory.mktemp("tree") / "bushy.sqlite"
    asyncio.run(write(path, 120))
    return path


@pytest.fixture
async def place(place: Place, written: Path) -> Place:
    """A database with 120 branches beside main, or with 20 on a server."""
    if isinstance(place, Path):
        shutil.copyfile(written, place)
    else:
        await write(place, 20)
    return place


@pytest.fixture
async def ours(place: Place) -> AsyncIterator[AdvancedSession]:
    async with open_ours(place) as ours:
        yield ours


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    store = Store(place)
    yield store
    store.close()


@on_file
async def test_recorded_forks_are_read_in_few_statements(store: Store) -> None:
    read = await counted(store, store.tree(SESSION))

    assert len(read.result.branches) == 121
    assert read.statements < 20


async def test_the_same_tree_is_returned_while_nothing_changes(store: Store, place: Place) -> None:
    tree = await store.tree(SESSION)
    other = open_other(place, "other")
    await other.add_items(turn("elsewhere"))
    other.close()

    assert await store.tree(SESSION) is tree


@on_file
async def test_only_the_end_of_a_growing_branch_is_read(store: Store, ours: AdvancedSession) -> None:
    first = await counted(store, store.tree(SESSION))
    await ours.switch_to_branch("b60")
    await ours.add_items(turn("more"))
    second = await counted(store, store.tree(SESSION))

    assert drawn(second.result) == drawn(await fresh(Path(str(store.path))))
    assert second.result.branches["b60"].turns == first.result.branches["b60"].turns + 1
    assert second.steps * 2 < first.steps


async def test_items_added_to_a_known_turn_are_read(store: Store, ours: AdvancedSession, place: Place) -> None:
    """Two branches share their last turn until one of them adds an item to it."""
    await ours.fork(source="b10", branch_name="twin")
    tree = await store.tree(SESSION)
    assert not len(tree.last_chain("twin"))
    await ours.switch_to_branch("twin")
    await ours.add_items(turn("x")[1:])

    tree = await store.tree(SESSION)
    assert drawn(tree) == drawn(await fresh(place))
    assert len(tree.last_chain("twin")) == 1


async def test_branches_are_added_and_deleted(store: Store, ours: AdvancedSession, place: Place) -> None:
    await store.tree(SESSION)
    sdk = open_other(place)
    for step in (
        lambda: ours.fork(4, source="b17", branch_name="new"),
        lambda: ours.pop_item(),
        lambda: ours.delete_branch("b16"),
        lambda: sdk.delete_branch("b5"),
        lambda: sdk.switch_to_branch("b14"),
        lambda: sdk.create_branch_from_turn(4, "theirs"),
        lambda: sdk.add_items(turn("theirs")),
        lambda: sdk.pop_item(),
        lambda: ours.switch_to_branch("b14"),
        lambda: ours.pop_item(),
        lambda: ours.add_items(turn("again")),
        lambda: sdk.clear_session(),
    ):
        await step()
        tree, expected = await store.tree(SESSION), await fresh(place)
        assert drawn(tree) == drawn(expected)
        assert tree.branches == expected.branches
        assert list(tree.branches) == list(expected.branches)
    sdk.close()


async def test_another_session_is_read_from_the_beginning(store: Store, place: Place) -> None:
    tree = await store.tree(SESSION)
    other = open_other(place, "other")
    await other.add_items(turn("elsewhere"))
    other.close()

    assert list((await store.tree(Session("other"))).branches) == ["main"]
    assert drawn(await store.tree(SESSION)) == drawn(tree)


Step = tuple[str, int, int, int]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["fork", "say", "pop", "drop"]), *[st.integers(0, 9)] * 3), max_size=40))
def test_an_updated_trie_equals_a_new_one(steps: list[Step]) -> None:
    """Compare the trie after any changes and with any hints."""
    branches: dict[str, list[list[int]]] = {"main": [[1]]}
    unused = iter(range(2, 10_000))
    trie, held = TurnTrie(), dict[str, list[list[int]]]()

    def key(name: str, number: int) -> tuple[int, ...]:
        turns = branches[name]
        return tuple(turns[number - 1]) if 1 <= number <= len(turns) else ()

    for kind, which, where, likely in steps:
        name = list(branches)[which % len(branches)]
        turns = branches[name]
        if kind == "fork":
            branches[f"b{next(unused)}"] = [list(turn) for turn in turns[: where % (len(turns) + 1)]]
        elif kind == "say":
            turns.append([next(unused) for _ in range(1 + where % 3)])
        elif kind == "drop" and name != "main":
            del branches[name]
        elif turns:
            turns[-1].pop()
            if not turns[-1]:
                turns.pop()
        for old in [old for old in held if held[old] != branches.get(old)]:
            trie.remove(old)
            del held[old]
        for new in [new for new in branches if new not in held]:
            hint = list(branches)[likely % len(branches)], where
            trie.insert(new, len(branches[new]), key, hint if likely < 8 else None)
            held[new] = [list(turn) for turn in branches[new]]
        known = [Branch(name, len(turns)) for name, turns in branches.items()]
        assert drawn(trie.tree(known)) == drawn(build_tree(known, key))


@on_file
@pytest.mark.parametrize("number", ["x'ff00'", "'text'", "9e999", "-9e999", "1.5"])
@pytest.mark.parametrize("column", ["user_turn_number", "sequence_number"])
async def test_a_branch_with_invalid_numbers_is_in_the_tree(place: Path, column: str, number: str) -> None:
    last = "(SELECT MAX(id) FROM message_structure WHERE branch_id = 'b10')"
    rows(place, f"UPDATE message_structure SET {column} = {number} WHERE id = {last}")

    tree = await fresh(place)
    assert len(tree.branches) == 121
    store = Store(place)
    around = await store.page_around(SESSION, "b10", 1)
    assert around.items == len(around.page.items) >= 5
    store.close()
