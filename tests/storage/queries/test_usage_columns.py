"""Every number of a usage, from the run that reports it to the sums of a branch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from tests.conversations import turn
from tests.databases import Place, open_ours
from tui.model import Scope, Usage
from tui.storage.dialect import Dialect
from tui.storage.postgres.dialect import POSTGRES
from tui.storage.queries.usage_columns import COUNT_COLUMNS, DETAIL_COLUMNS, USAGE_COLUMNS, UsageColumn, reported_usage
from tui.storage.sqlite.dialect import SQLITE
from tui.storage.store import Store


def run_with(column: UsageColumn, number: int) -> Any:
    """Return the result of a run that reports one number, and 1 for each count."""
    usage: dict[str, Any] = dict.fromkeys(COUNT_COLUMNS, 1) | {name: SimpleNamespace() for name in DETAIL_COLUMNS}
    if column.details:
        usage[column.details] = SimpleNamespace(**{column.name: number})
    else:
        usage[column.name] = number
    return SimpleNamespace(context_wrapper=SimpleNamespace(usage=SimpleNamespace(**usage)))


def test_both_databases_read_the_same_numbers(postgres_server: str) -> None:
    column = next(column for column in USAGE_COLUMNS if column.details)
    numbers = ("7", "-7", "1.5", "null", '"12abc"', '" 12"', '"abc"', '""', str(1 << 50))
    texts = (None, "no JSON", "{}", "[]", *(f'{{"{column.name}": {number}}}' for number in numbers))

    def expression(dialect: Dialect, mark: str) -> str:
        # The limit keeps the server from working on the text before it knows that it is JSON.
        stored = f"(SELECT CAST({mark} AS TEXT) AS {column.details} LIMIT 1) AS stored"
        return f"SELECT {column.expression(dialect)} FROM {stored}"

    with closing(sqlite3.connect(":memory:")) as file, psycopg.connect(postgres_server) as server:
        for text in texts:
            expected = file.execute(expression(SQLITE, "?"), (text,)).fetchone()
            assert server.execute(expression(POSTGRES, "%s"), (text,)).fetchone() == expected, text


def test_the_columns_are_the_fields_of_a_usage() -> None:
    assert (*(column.name for column in USAGE_COLUMNS), "estimated") == Usage._fields


def test_a_sum_adds_every_field_up() -> None:
    numbers: dict[str, Any] = {column.name: 2**place for place, column in enumerate(USAGE_COLUMNS)}
    counts: dict[str, Any] = dict.fromkeys(COUNT_COLUMNS, 1)
    part, without_details = Usage(**numbers), Usage(**counts, estimated=True)

    assert Usage.total([None]) is None
    assert Usage.total([None, part, part]) == Usage(**{name: 2 * number for name, number in numbers.items()})
    assert Usage.total([without_details]) == without_details
    sums = numbers | {name: numbers[name] + 1 for name in COUNT_COLUMNS}
    assert Usage.total([part, without_details]) == Usage(**sums, estimated=True)


async def test_numbers_are_stored_and_added_up_in_all_scopes(place: Place) -> None:
    session = open_ours(place)
    for number, column in enumerate(USAGE_COLUMNS):
        for used in (100, 20):
            await session.add_items(turn(f"main {used}"))
            await session.store_run_usage(run_with(column, used + number))
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn("alt 3"))
    await session.store_run_usage(run_with(USAGE_COLUMNS[0], 3))
    session.close()

    store = Store(place)
    (stored,) = await store.sessions()
    tree = await store.tree(stored)
    main = await store.turn_usages(stored, tree, "main", 1, 2 * len(USAGE_COLUMNS))
    first = USAGE_COLUMNS[0].name
    for number, column in enumerate(USAGE_COLUMNS):
        turns = main[2 * number : 2 * number + 2]
        assert [getattr(each.usage, column.name) for each in turns] == [100 + number, 20 + number]
    for branch_id, scope, expected in (
        ("alt", Scope.OWN, 3),
        ("alt", Scope.PATH, 103),
        ("main", Scope.OWN, sum(getattr(each.usage, first) for each in main)),
    ):
        total = (await store.branch_usage(stored, tree, branch_id)).totals[scope]
        assert getattr(total, first) == expected
    totals = (await store.branch_usage(stored, tree, "alt")).totals
    for column in USAGE_COLUMNS:
        numbers = [getattr(each.usage, column.name) or 0 for each in main]
        others = 3 if column.name == first else int(column.name in COUNT_COLUMNS)
        assert getattr(totals[Scope.ALL], column.name) == sum(numbers) + others
    store.close()


@pytest.mark.parametrize("column", USAGE_COLUMNS, ids=lambda column: column.name)
def test_a_number_is_read_from_the_usage_of_a_run(column: UsageColumn) -> None:
    usage = reported_usage(run_with(column, 7).context_wrapper.usage)

    expected: dict[str, Any] = dict.fromkeys(COUNT_COLUMNS, 1) | {column.name: 7}
    assert usage == Usage(**expected)
