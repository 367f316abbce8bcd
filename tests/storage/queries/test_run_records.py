"""The last recorded run of each turn, read with any branch that has the turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.conversations import turn
from tests.counting import on_reader, watch_reads
from tests.databases import Place, open_other, open_ours, rows
from tui.model import Outcome, RunRecord
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store


@pytest.fixture
async def session(place: Place) -> AsyncIterator[AdvancedSession]:
    async with open_ours(place) as opened:
        yield opened


async def runs(place: Place, branch_id: str = "main") -> Mapping[int, RunRecord]:
    """Return the runs of the turns of a branch."""
    store = Store(place)
    (found,) = await store.sessions()
    turns = await store.turn_usages(found, await store.tree(found), branch_id, 1, 64)
    store.close()
    return {usage.turn: usage.run for usage in turns if usage.run}


async def test_a_turn_has_all_that_was_recorded_of_its_run(place: Place, session: AdvancedSession) -> None:
    await session.add_items(turn("one"))
    await session.record_run(
        outcome="failed",
        model="gpt-5-mini",
        agent="Billing",
        started_at="2026-03-04 05:06:07",
        seconds=12.34,
        error="The server went away.",
        estimated=True,
        reported=False,
    )
    assert await runs(place) == {
        1: RunRecord(
            turn=1,
            branch_id="main",
            outcome=Outcome.FAILED,
            model="gpt-5-mini",
            agent="Billing",
            started_at="2026-03-04 05:06:07",
            seconds=12.34,
            error="The server went away.",
            estimated=True,
            reported=False,
        )
    }
    await session.add_items(turn("two"))
    await session.record_run(outcome="done")
    assert (await runs(place))[2] == RunRecord(2, "main", Outcome.DONE)


async def test_a_turn_has_its_last_run(place: Place, session: AdvancedSession) -> None:
    await session.add_items(turn("one"))
    await session.record_run(outcome="stopped")
    await session.add_items(turn("", "And on.")[1:])
    await session.record_run(outcome="done", seconds=2)
    assert await runs(place) == {1: RunRecord(1, "main", Outcome.DONE, seconds=2)}


async def test_forks_have_the_runs_of_their_shared_turns(place: Place, session: AdvancedSession) -> None:
    for number in (1, 2):
        await session.add_items(turn(f"main {number}"))
        await session.record_run(outcome="done", seconds=number)
    await session.fork(2, branch_name="alt")
    await session.add_items(turn("alt 2"))
    await session.record_run(outcome="stopped", seconds=3)
    await session.fork(branch_name="copy")
    seconds = {name: {at: run.seconds for at, run in (await runs(place, name)).items()} for name in ("main", "alt")}
    assert seconds == {"main": {1: 1, 2: 2}, "alt": {1: 1, 2: 3}}
    assert await runs(place, "copy") == await runs(place, "alt")
    # A turn keeps its run after the branch that ran it was deleted.
    await session.delete_branch("alt")
    assert [(run.branch_id, run.outcome) for run in (await runs(place, "copy")).values()] == [
        ("main", Outcome.DONE),
        ("alt", Outcome.STOPPED),
    ]


async def test_a_branch_that_continued_a_shared_turn_has_its_own_run(place: Place, session: AdvancedSession) -> None:
    await session.add_items(turn("one"))
    await session.record_run(outcome="stopped")
    await session.fork(branch_name="alt")
    await session.add_items(turn("", "And on.")[1:])
    await session.record_run(outcome="done")
    assert (await runs(place))[1].outcome is Outcome.STOPPED
    assert (await runs(place, "alt"))[1].outcome is Outcome.DONE
    await session.switch_to_branch("main")
    await session.record_run(outcome="failed")
    assert (await runs(place))[1].outcome is Outcome.FAILED
    assert (await runs(place, "alt"))[1].outcome is Outcome.DONE


async def test_databases_without_runs_have_none(place: Place) -> None:
    other = open_other(place)
    await other.add_items(turn("one"))
    assert await runs(place) == {}
    async with open_ours(place) as session:
        await session.record_run(outcome="done")
    assert list(await runs(place)) == [1]
    # The SDK's class does not clear our table; rows of deleted turns are ignored.
    await other.clear_session()
    await other.add_items(turn("again"))
    assert await runs(place) == {}
    other.close()


async def test_damaged_records_are_read_as_far_as_possible(place: Place, session: AdvancedSession) -> None:
    await session.add_items([*turn("one"), *turn("two")])
    await session.record_run(outcome="done", seconds=1e300, model="one\ntwo", started_at="5")
    rows(
        place,
        "INSERT INTO convo_runs (session_id, branch_id, user_turn_number, message_id, outcome)"
        " VALUES ('support', 'main', 1, 1, 'exploded')",
    )
    expected = RunRecord(2, "main", Outcome.DONE, model="one\ntwo", started_at="5", seconds=1e9)
    if isinstance(place, Path):
        rows(place, "UPDATE convo_runs SET seconds = '1e999', model = x'ff', error = 7")
        expected = expected._replace(model="\\xff", error="7")
    assert await runs(place) == {2: expected}


@pytest.mark.parametrize("recorded", [1, 60])
async def test_all_runs_of_a_branch_are_read_by_index(path: Path, recorded: int) -> None:
    async with open_ours(path) as session:
        for number in range(60):
            await session.add_items(turn(f"turn {number}"))
            if number < recorded:
                await session.record_run(outcome="done")
    store = Store(path)
    (found,) = await store.sessions()
    tree = await store.tree(found)
    ran: list[str] = []
    watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))
    turns = await store.turn_usages(found, tree, "main", 1, 64)
    assert len([usage for usage in turns if usage.run]) == recorded
    of_usage, of_turns = [statement for statement in ran if "JOIN convo_runs" in statement]
    for query in (of_usage, of_turns):
        plan = f"EXPLAIN QUERY PLAN {query}"
        steps = on_reader(store._background, lambda db: [row[3] for row in db.execute(plan)])  # noqa: B023
        assert any("convo_runs_message" in step for step in steps)
        # The aliases of tables; what else is scanned are the rows of the page.
        assert not {"SCAN u", "SCAN t", "SCAN r", "SCAN run"}.intersection(step[:8].rstrip() for step in steps)
    store.close()
