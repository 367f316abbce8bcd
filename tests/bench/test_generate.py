"""Files for the benchmarks have the described shape, written with either class."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.generate import SHAPES, Shape, Writer, generate, open_session, session_ids

OTHER: dict[Writer, Writer] = {"ours": "sdk", "sdk": "ours"}

# The depth of a fork is the number of other branches that its messages come from.
DEPTH = """
    WITH born AS (SELECT message_id, branch_id FROM message_structure GROUP BY message_id HAVING id = MIN(id))
    SELECT MAX(depth) FROM (
        SELECT COUNT(DISTINCT born.branch_id) - 1 AS depth FROM message_structure AS s JOIN born USING (message_id)
        GROUP BY s.session_id, s.branch_id
    )
"""


def query_value(path: Path, sql: str) -> Any:
    """Return the single value of a query's result."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchone()[0]


def texts(path: Path) -> list[str]:
    """Return the stored items as text."""
    with closing(sqlite3.connect(path)) as db:
        return [data for (data,) in db.execute("SELECT message_data FROM agent_messages ORDER BY id")]


@pytest.fixture(params=["ours", "sdk"])
def writer(request: pytest.FixtureRequest) -> Writer:
    return "ours" if request.param == "ours" else "sdk"


async def test_a_wide_file_has_many_sessions(tmp_path: Path, writer: Writer) -> None:
    path, shape = tmp_path / "wide.sqlite", replace(SHAPES["wide"], sessions=5)
    await generate(path, shape, writer)

    assert query_value(path, "SELECT COUNT(*) FROM agent_sessions") == 5
    assert query_value(path, "SELECT COUNT(*) FROM agent_messages") == shape.items == 500
    assert query_value(path, "SELECT COUNT(DISTINCT session_id || branch_id) FROM message_structure") == 10
    assert query_value(path, "SELECT COUNT(*) FROM turn_usage") == 5


async def test_a_long_file_has_one_long_branch_with_usage(tmp_path: Path, writer: Writer) -> None:
    path, shape = tmp_path / "long.sqlite", SHAPES["long"].scaled(0.01)
    await generate(path, shape, writer)

    assert query_value(path, "SELECT COUNT(*) FROM message_structure WHERE branch_id = 'main'") == 1000
    assert query_value(path, "SELECT COUNT(*) FROM turn_usage WHERE branch_id = 'main'") == 250


async def test_a_bushy_file_has_deep_forks(tmp_path: Path, writer: Writer) -> None:
    path, shape = tmp_path / "bushy.sqlite", replace(SHAPES["bushy"], branches=60)
    await generate(path, shape, writer)

    assert query_value(path, "SELECT COUNT(DISTINCT branch_id) FROM message_structure") == 60
    assert query_value(path, DEPTH) == 50
    assert query_value(path, "SELECT COUNT(*) FROM agent_messages") == shape.items


async def test_a_heavy_file_has_large_items_of_every_kind(tmp_path: Path, writer: Writer) -> None:
    path, shape = tmp_path / "heavy.sqlite", SHAPES["heavy"].scaled(0.01)
    await generate(path, shape, writer)

    sizes = [len(text) for text in texts(path)]
    assert len(sizes) == 200
    assert min(sizes) > 0.8 * shape.item_bytes
    assert max(sizes) < 1.3 * shape.item_bytes
    items = [json.loads(text) for text in texts(path)]
    outputs = [item["output"] for item in items if item.get("type") == "function_call_output"]
    assert {output[:2] for output in outputs} >= {"[\n", "[{", "##"}
    assert any(" INFO  worker-0: " in output for output in outputs)
    assert json.loads(next(output for output in outputs if output[:2] == "[{"))
    assert sum(item.get("role") == "user" for item in items) == sum(item.get("role") == "assistant" for item in items)


async def test_some_tool_outputs_can_be_larger(tmp_path: Path) -> None:
    path = tmp_path / "large.sqlite"
    await generate(path, Shape(turns=8, large_outputs=2, large_bytes=1_000_000))

    sizes = sorted(len(text) for text in texts(path))
    assert [size > 900_000 for size in sizes] == [False] * 30 + [True] * 2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
async def test_cjk_characters_have_the_given_share(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cjk.sqlite"
    await generate(path, Shape(turns=50, items_per_turn=1, cjk=share, item_bytes=2000))

    questions = "".join(json.loads(text)["content"] for text in texts(path))
    wide = sum(ord(char) > 0x2E80 for char in questions)
    assert wide / len(questions) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(
    ("per_turn", "kinds"),
    [
        (1, ["user"]),
        (2, ["user", "message"]),
        (3, ["user", "reasoning", "message"]),
        (6, ["user", *["function_call", "function_call_output"] * 2, "message"]),
    ],
)
async def test_a_turn_has_the_given_number_of_items(tmp_path: Path, per_turn: int, kinds: list[str]) -> None:
    path = tmp_path / "turns.sqlite"
    await generate(path, Shape(turns=2, items_per_turn=per_turn))

    items = [json.loads(text) for text in texts(path)]
    assert [item.get("type", "user") for item in items] == kinds * 2


async def test_each_class_reads_what_the_other_wrote(tmp_path: Path, writer: Writer) -> None:
    path, shape = tmp_path / "forks.sqlite", Shape(sessions=2, turns=6, branches=8, depth=4)
    await generate(path, shape, writer)

    read = {}
    for reader in (writer, OTHER[writer]):
        for session_id in session_ids(shape):
            session = open_session(path, session_id, reader)
            branches = sorted(branch["branch_id"] for branch in await session.list_branches())
            items = {branch: await session.get_items(branch_id=branch) for branch in branches}
            usage = {branch: await session.get_turn_usage(branch_id=branch) for branch in branches}
            read[reader, session_id] = items, usage
            session.close()
    for session_id in session_ids(shape):
        items, usage = read["ours", session_id]
        assert (items, usage) == read["sdk", session_id]
        assert len(items) == 8
        assert [len(items["main"]), len(usage["main"])] == [24, 6]
        assert str(items["try-0003"][-1]).count("in try-0003.") == 2


async def test_both_classes_write_the_same_content_for_a_seed(tmp_path: Path) -> None:
    shape = Shape(sessions=2, turns=6, branches=8, depth=4, seed=7)
    paths = [tmp_path / f"{name}.sqlite" for name in ("ours", "again", "sdk", "other")]
    await generate(paths[0], shape, "ours")
    await generate(paths[1], shape, "ours")
    await generate(paths[2], shape, "sdk")
    await generate(paths[3], replace(shape, seed=8), "ours")

    def stored(path: Path) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as db:
            return db.execute(
                "SELECT s.session_id, s.branch_id, s.sequence_number, s.user_turn_number, m.message_data"
                " FROM message_structure AS s JOIN agent_messages AS m ON m.id = s.message_id ORDER BY s.id"
            ).fetchall()

    assert stored(paths[0]) == stored(paths[1]) == stored(paths[2]) != stored(paths[3])


async def test_an_existing_file_is_replaced_by_a_complete_one(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    path.write_bytes(b"an older file")
    written: list[int] = []
    shape = Shape(turns=3)
    await generate(path, shape, report_items=written.append)

    assert list(tmp_path.iterdir()) == [path]
    assert sum(written) == shape.items == 12
    assert query_value(path, "PRAGMA integrity_check") == "ok"
