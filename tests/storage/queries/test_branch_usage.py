"""Usage of branches in files of both session classes, compared with sums made by hand."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import open_sdk, run_result, turn
from tests.databases import Place, open_other, open_ours, rows, stored_rows
from tests.postgres_server import new_schema
from tui.model import BranchUsage, Scope, TurnUsage
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

LIMITS = (1000, 5000)


async def read_usage(path: Place, branch_id: str) -> tuple[BranchUsage, list[TurnUsage]]:
    """Return the usage of a branch and of each of its turns, the latter also by pages of two."""
    store = Store(path)
    (session,) = await store.sessions()
    tree = await store.tree(session)
    branch_usage = await store.branch_usage(session, tree, branch_id)
    turns = await store.turn_usages(session, tree, branch_id, 1, 1000)
    pages = [
        row
        for first in range(1, branch_usage.turns + 1, 2)
        for row in await store.turn_usages(session, tree, branch_id, first, first + 1)
    ]
    assert list(turns) == pages
    priced = await store.spending(session, tree, branch_id, LIMITS)
    for scope, spendings in zip(Scope, priced, strict=True):
        usage = branch_usage.totals[scope]
        assert sum(spending.usage.input_tokens for spending in spendings) == (usage.input_tokens if usage else 0)
    store.close()
    return branch_usage, list(turns)


def sums(branch_usage: BranchUsage) -> tuple[int | None, int | None, int | None]:
    """Return the input tokens of each scope: own, path, all."""
    own, path, everything = (branch_usage.totals[scope] for scope in Scope)
    return tuple(usage and usage.input_tokens for usage in (own, path, everything))  # type: ignore[return-value]


def paid(turns: list[TurnUsage]) -> list[tuple[str | None, int | None]]:
    """Return the branch that ran each turn, and the input tokens of the turn."""
    return [(row.branch_id, row.usage.input_tokens if row.usage else None) for row in turns]


async def test_a_fork_of_a_fork_counts_each_shared_turn_once(place: Place) -> None:
    sdk = open_other(place)
    for tokens in (100, 200, 300):
        await sdk.add_items(turn(f"main {tokens}"))
        await sdk.store_run_usage(run_result(tokens))
    await sdk.create_branch_from_turn(3, "alt")
    for tokens in (1000, 2000):
        await sdk.add_items(turn(f"alt {tokens}"))
        await sdk.store_run_usage(run_result(tokens))
    await sdk.create_branch_from_turn(4, "deep")
    await sdk.add_items(turn("deep"))
    await sdk.store_run_usage(run_result(10_000))
    sdk.close()
    billed = 100 + 200 + 300 + 1000 + 2000 + 10_000
    branch_usage, turns = await read_usage(place, "deep")
    assert sums(branch_usage) == (10_000, 100 + 200 + 1000 + 10_000, billed)
    assert paid(turns) == [("main", 100), ("main", 200), ("alt", 1000), ("deep", 10_000)]
    assert (branch_usage.turns, branch_usage.turns_with_usage, branch_usage.largest) == (4, 4, 11_000)
    assert sums((await read_usage(place, "alt"))[0]) == (3000, 100 + 200 + 1000 + 2000, billed)
    assert sums((await read_usage(place, "main"))[0]) == (600, 600, billed)


async def test_a_turn_without_usage_is_not_counted(place: Place) -> None:
    sdk = open_other(place)
    await sdk.add_items(turn("one"))
    await sdk.store_run_usage(run_result(100))
    await sdk.add_items(turn("two"))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("elsewhere"))
    sdk.close()
    branch_usage, turns = await read_usage(place, "alt")
    assert sums(branch_usage) == (None, 100, 100)
    assert paid(turns) == [("main", 100), (None, None)]
    assert (branch_usage.turns, branch_usage.turns_with_usage) == (2, 1)


async def test_a_turn_run_again_in_the_fork_counts_as_the_fork_ran_it(place: Place) -> None:
    sdk = open_other(place)
    for tokens in (100, 200, 300):
        await sdk.add_items(turn(f"main {tokens}"))
        await sdk.store_run_usage(run_result(tokens))
    await sdk.create_branch_from_turn(3, "again")
    # Without a new user message the SDK stores what a run used with the last turn, here an inherited one.
    await sdk.store_run_usage(run_result(5000))
    await sdk.create_branch_from_turn(2, "third")
    await sdk.add_items(turn("third"))
    sdk.close()
    branch_usage, turns = await read_usage(place, "again")
    assert paid(turns) == [("main", 100), ("again", 5000)]
    assert sums(branch_usage) == (5000, 100 + 5000, 600 + 5000)
    # Main ran it first, and shows its own run.
    branch_usage, turns = await read_usage(place, "main")
    assert paid(turns) == [("main", 100), ("main", 200), ("main", 300)]
    assert sums(branch_usage) == (600, 600, 600 + 5000)


@pytest.mark.parametrize("again", [False, True])
async def test_deleting_the_branch_that_ran_a_turn_keeps_the_usage_of_shared_turns(place: Place, again: bool) -> None:
    async with open_ours(place) as session:
        await session.add_items(turn("one"))
        await session.store_run_usage(run_result(100))
        await session.fork(branch_name="runner")
        for tokens in (1000, 2000):
            await session.add_items(turn(f"runner {tokens}"))
            await session.store_run_usage(run_result(tokens))
        await session.record_run(outcome="done", model="gpt-5-mini", estimated=True)
        await session.fork(branch_name="heir")
        await session.add_items(turn("heir"))
        await session.store_run_usage(run_result(30_000))
        before = await read_usage(place, "heir")
        await session.delete_branch("runner")
        after = await read_usage(place, "heir")
        assert sums(after[0]) == sums(before[0]) == (30_000, 33_100, 33_100)
        assert paid(after[1]) == paid(before[1]) == [
            ("main", 100), ("runner", 1000), ("runner", 2000), ("heir", 30_000)
        ]  # fmt: skip
        assert [bool(row.usage and row.usage.estimated) for row in after[1]] == [False, False, True, False]
        assert all(usage and usage.estimated for usage in (after[0].totals[Scope.PATH], after[0].totals[Scope.ALL]))
        assert [row.model for row in after[1]] == [None, None, "gpt-5-mini", None]
        if again:
            # A fork that runs a kept turn again shows its own run; both were billed.
            await session.fork(4, source="heir", branch_name="again")
            await session.store_run_usage(run_result(7))
            branch_usage, turns = await read_usage(place, "again")
            assert paid(turns) == [("main", 100), ("runner", 1000), ("again", 7)]
            assert sums(branch_usage) == (7, 1107, 33_107)


async def test_a_restored_branch_is_not_counted_twice(path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as session:
        await session.add_items(turn("one"))
        await session.fork(branch_name="runner")
        await session.add_items(turn("two"))
        await session.store_run_usage(run_result(1000))
        await session.fork(branch_name="heir")
    tables = ("message_structure", "turn_usage")
    with closing(sqlite3.connect(path)) as db, db:
        kept = {table: db.execute(f"SELECT * FROM {table} WHERE branch_id = 'runner'").fetchall() for table in tables}
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        await session.delete_branch("runner")
    assert sums((await read_usage(path, "heir"))[0]) == (None, 1000, 1000)
    with closing(sqlite3.connect(path)) as db, db:
        for table, rows in kept.items():
            for row in rows:
                db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    assert sums((await read_usage(path, "heir"))[0]) == (None, 1000, 1000)
    assert sums((await read_usage(path, "runner"))[0]) == (1000, 1000, 1000)


async def test_spending_is_separated_by_model_hour_and_price_tier(place: Place) -> None:
    async with open_ours(place) as session:
        for tokens, requests, model in ((900, 1, "a"), (2000, 1, "a"), (2000, 2, "a"), (6000, 1, "b"), (1, 1, None)):
            await session.add_items(turn("hello"))
            await session.store_run_usage(run_result(tokens, requests=requests))
            await session.record_run(outcome="done", model=model)
    rows(place, "UPDATE turn_usage SET created_at = '2026-03-04 05:06:07'")
    rows(place, "UPDATE turn_usage SET created_at = '2026-03-04 06:00:00' WHERE input_tokens = 900")
    store = Store(place)
    (session_,) = await store.sessions()
    tree = await store.tree(session_)
    priced = await store.spending(session_, tree, "main", LIMITS)
    assert (await store.branch_usage(session_, tree, "main")).models == ("a", "b")
    store.close()
    assert priced.own == priced.path == priced.all
    found = {(s.model, s.hour[-2:], s.price_tier): (s.turns, s.usage.input_tokens) for s in priced.path}
    assert found == {
        ("a", "06", 0): (1, 900),
        ("a", "05", 1000): (1, 2000),
        ("a", "05", 0): (1, 2000),
        ("b", "05", 5000): (1, 6000),
        (None, "05", 0): (1, 1),
    }


async def test_the_resend_cost_follows_the_path(place: Place) -> None:
    sdk = open_other(place)
    for tokens in (1000, 1500):
        await sdk.add_items(turn("q" * 1000))
        await sdk.store_run_usage(run_result(tokens, cached=tokens // 2))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("q" * 1000))
    await sdk.store_run_usage(run_result(1800, cached=900))
    await sdk.add_items(turn("q" * 1000))
    await sdk.store_run_usage(run_result(9000, requests=3))
    sdk.close()
    store = Store(place)
    (session,) = await store.sessions()
    tree = await store.tree(session)
    resend_cost = await store.resend_cost(session, tree, "alt")
    store.close()
    first, second = resend_cost.turn(1), resend_cost.turn(2)
    assert first is not None
    assert second is not None
    # The messages are as long as each other, so that the growth of the input is what turn 1 added.
    assert (first.items, first.measured, first.requests, first.tokens) == (800, True, 4, 3200)
    # Half of the first of the four requests was cached, of the others nothing.
    assert first.cached == 800 * 900 // 1800
    assert (second.measured, second.requests, second.tokens) == (False, 3, 3 * second.items)


async def test_the_resend_cost_is_measured_from_the_first_requests_of_turns(path: Path) -> None:
    session = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    for first_input in (1000, 2500):
        await session.add_items(cast("Any", turn("q" * 1000)))
        for index, more in enumerate((0, 700)):
            usage = RequestUsage(first_input + more, 10)
            await session.record_request(SentRequest(usage), first=not index)
    await session.close()
    store = Store(path)
    (stored,) = await store.sessions()
    resend_cost = await store.resend_cost(stored, await store.tree(stored), "main")
    # Another program replaces the usage of the second turn: its requests are not those of that usage.
    sdk = open_sdk(path, "chat")
    await sdk.store_run_usage(run_result(9000, requests=3))
    sdk.close()
    changed = await store.resend_cost(stored, await store.tree(stored), "main")
    store.close()
    before, after = resend_cost.turn(1), changed.turn(1)
    assert before is not None
    assert after is not None
    assert (before.items, before.measured, after.measured) == (1500, True, False)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fork", "fork", "say", "say", "spend", "spend", "delete", "pop"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=25,
)


class Oracle:
    """Usage computed from all rows in memory, with every turn of every branch compared with every other."""

    def __init__(self, place: Place) -> None:
        held: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for branch_id, number, message in stored_rows(
            place, "SELECT branch_id, user_turn_number, message_id FROM message_structure ORDER BY sequence_number"
        ):
            held[branch_id][number].append(message)
        self.held = {name: [turns[number] for number in sorted(turns)] for name, turns in held.items()}
        born = "SELECT branch_id FROM message_structure GROUP BY 1 ORDER BY branch_id <> 'main', MIN(id)"
        self.order = [name for (name,) in stored_rows(place, born)]
        used = stored_rows(place, "SELECT branch_id, user_turn_number, input_tokens FROM turn_usage")
        self.billed: dict[tuple[str, int], int] = {(name, number): tokens for name, number, tokens in used}
        kept = stored_rows(place, "SELECT message_id, branch_id, input_tokens FROM convo_usage")
        self.kept: dict[int, tuple[str, int]] = {message: (name, tokens) for message, name, tokens in kept}

    def turns(self, branch_id: str) -> list[tuple[str | None, int | None]]:
        """Who ran each turn of a branch, and its input tokens."""
        found: list[tuple[str | None, int | None]] = []
        own = self.held[branch_id]
        for number in range(1, len(own) + 1):
            order = [branch_id, *(name for name in self.order if name != branch_id)]
            ran = [
                (name, self.billed[name, number])
                for name in order
                if self.held[name][:number] == own[:number] and (name, number) in self.billed
            ]
            found.append(ran[0] if ran else self.kept.get(own[number - 1][0], (None, None)))
        return found

    def sums(self, branch_id: str) -> tuple[int | None, int | None, int | None]:
        """Return the input tokens of each scope: own, path, all."""
        held = {message for turns in self.held.values() for turn in turns for message in turn}
        own = [tokens for (name, _), tokens in self.billed.items() if name == branch_id]
        path = [tokens for _, tokens in self.turns(branch_id) if tokens is not None]
        # Kept usage counts while a branch holds the message; no deleted branch is restored here.
        kept = [tokens for message, (_, tokens) in self.kept.items() if message in held]
        everything = [*self.billed.values(), *kept]
        return tuple(sum(part) if part else None for part in (own, path, everything))  # type: ignore[return-value]


@settings(max_examples=60)
@given(STEPS)
def test_usage_is_right_after_any_forks_runs_deletions_and_pops(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(against_the_plain_way(Path(folder) / "random.sqlite", steps))


@settings(max_examples=10)
@given(STEPS)
def test_usage_is_right_on_a_server(postgres_server: str, steps: list[Step]) -> None:
    asyncio.run(against_the_plain_way(new_schema(postgres_server), steps))


async def against_the_plain_way(place: Place, steps: list[Step]) -> None:
    async with open_ours(place) as session:
        await session.add_items(turn("hello"))
        names = ["main"]
        for number, (kind, which, where) in enumerate(steps):
            name = names[which % len(names)]
            await session.switch_to_branch(name)
            count = len(await session.get_conversation_turns())
            if kind == "fork":
                names.append(await session.fork(1 + where % (count + 1), branch_name=f"b{number}"))
            elif kind == "say":
                await session.add_items(turn(f"said {number}"))
            elif kind == "spend":
                await session.store_run_usage(run_result(10 ** (where % 4) + number))
            elif kind == "pop":
                for _ in range(1 + where % 3):
                    await session.pop_item()
            elif name != "main":
                await session.delete_branch(name, force=True)
                names.remove(name)
    oracle = Oracle(place)
    for name, held in oracle.held.items():
        branch_usage, turns = await read_usage(place, name)
        assert paid(turns) == oracle.turns(name)
        assert sums(branch_usage) == oracle.sums(name)
        assert branch_usage.turns == len(held)
        assert branch_usage.turns_with_usage == len([tokens for _, tokens in oracle.turns(name) if tokens is not None])
