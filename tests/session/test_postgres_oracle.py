"""The same operations on PostgreSQL as with the SDK's class on a file, and for `main` with its `SQLAlchemySession`.

What is left out of the first comparison is named in `tests.session.test_oracle`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from itertools import count
from typing import Any, ClassVar, TypeVar, cast

import psycopg
import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.databases import plain_engine
from tests.session.samples import run, turn, turns, user
from tests.session.test_oracle import ITEMS, Conversations
from tui.session import AdvancedPostgresSession

T = TypeVar("T")

_numbers = count(1)


def on(url: str, machine: type[RuleBasedStateMachine]) -> type[RuleBasedStateMachine]:
    """Return a machine that works with the database of a URL."""
    return type(machine.__name__, (machine,), {"url": url})


class OnServer(Conversations):
    """Two sessions on a server, and the same operations on a file with the SDK's class."""

    url: ClassVar[str]

    @initialize()
    def open(self) -> None:
        self.name = f"chat {next(_numbers)}"
        for _ in range(2):
            self.pairs.append(
                (
                    SDKSession(session_id="chat", db_path=self.reference_file, create_tables=True),
                    cast(Any, AdvancedPostgresSession(session_id=self.name, url=self.url, create_tables=True)),
                )
            )
        for number in range(1, 5):
            items, usage = turn(number), run(number)
            self.both(0, lambda session: session.add_items(items))  # noqa: B023
            self.both(0, lambda session: session.store_run_usage(usage))  # noqa: B023

    def is_ours(self, which: int) -> bool:
        return True

    def corrupt_candidate(self, newest: int) -> None:
        with psycopg.connect(self.url) as db:
            row = db.execute(
                "SELECT id FROM agent_messages WHERE session_id = %(name)s UNION"
                " SELECT id FROM convo_messages WHERE session_id = %(name)s ORDER BY id DESC LIMIT 1 OFFSET %(newest)s",
                {"name": self.name, "newest": newest},
            ).fetchone()
            for table in ("agent_messages", "convo_messages") if row else ():
                db.execute(f'UPDATE {table} SET message_data = \'{{"role": "user\' WHERE id = %s', row)

    @invariant()
    def same_branch_and_rows(self) -> None:
        for which, (_, candidate) in enumerate(self.pairs):
            assert self.entered(*candidate._access.current) == self.current(which)  # type: ignore[union-attr]


def test_no_difference_from_the_sdk_on_a_file(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    case = on(postgres, OnServer).TestCase
    case.settings = settings(
        max_examples=10,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case("runTest").debug()


class BesidePlainSession(RuleBasedStateMachine):
    """Our class and the SDK's `SQLAlchemySession` on the same session, in turns, with a list as the model of `main`."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = plain_engine(self.url)
        self.name = f"shared {next(_numbers)}"
        self.main: list[Any] = []
        self.branches: dict[str, list[Any]] = {}
        self.compacted = -1

    @initialize()
    def open(self) -> None:
        self.ours = AdvancedPostgresSession(session_id=self.name, url=self.url, create_tables=True)
        self.plain = SQLAlchemySession(self.name, engine=self.engine)

    def teardown(self) -> None:
        self.ours.close()
        self.do(self.engine.dispose())
        self.loop.close()

    def do(self, call: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await call

        return self.loop.run_until_complete(awaited())

    def turn_starts(self) -> list[int]:
        return [index for index, item in enumerate(self.main) if item.get("role") == "user"]

    @rule(items=st.lists(ITEMS, min_size=1, max_size=4), plain=st.booleans())
    def add(self, items: list[Any], plain: bool) -> None:
        self.do((self.plain if plain else self.ours).add_items(items))
        self.main += json.loads(json.dumps(items))

    @rule(plain=st.booleans())
    def pop(self, plain: bool) -> None:
        popped = self.do((self.plain if plain else self.ours).pop_item())
        assert popped == (self.main.pop() if self.main else None)

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        snapshot: Any = self.do(self.plain._get_compaction_snapshot(100))
        if snapshot.items:
            start = data.draw(st.integers(0, len(snapshot.items) - 1), "start")
            assert self.do(snapshot.replace_suffix(start, [user("summary")]))
            self.main[start:] = [user("summary")]

    @rule()
    def compact_with_ours(self) -> None:
        if self.main:
            assert self.do(self.ours._atomic_replace_items([user("summary")]))
            kept = max(
                (b["branch_id"] for b in self.do(self.ours.list_branches()) if "compaction" in b["branch_id"]),
                key=lambda name: int(name.rpartition("_")[2]) if name[-1].isdigit() else 1,
            )
            self.branches[kept] = self.main
            self.main = [user("summary")]
            self.compacted = 1

    @precondition(lambda self: len(self.main) > 6)
    @rule()
    def clear(self) -> None:
        self.do(self.plain.clear_session())
        self.main.clear()

    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        starts = self.turn_starts()
        number = data.draw(st.integers(1, len(starts) + 1), "turn")
        name = f"fork {len(self.branches)}"
        self.do(self.ours.fork(number, name, source="main", switch=False))
        self.branches[name] = self.main[: starts[number - 1]] if number <= len(starts) else list(self.main)

    @rule(tokens=st.integers(1, 100))
    def store_usage(self, tokens: int) -> None:
        self.do(self.ours.store_run_usage(run(tokens)))
        last = len(self.turn_starts())
        # Until the next turn, usage belongs to the run that was compacted.
        if self.main and last != self.compacted:
            usage: Any = self.do(self.ours.get_turn_usage(last))
            assert usage["input_tokens"] == tokens

    @invariant()
    def same_items(self) -> None:
        assert self.do(self.ours.get_items(branch_id="main")) == self.main
        assert self.do(self.plain.get_items()) == self.main
        assert self.do(self.ours.get_items(3, "main")) == self.main[-3:]
        assert [each["turn"] for each in self.do(self.ours.get_conversation_turns("main"))] == list(
            range(1, len(self.turn_starts()) + 1)
        )
        for name, items in self.branches.items():
            assert self.do(self.ours.get_items(branch_id=name)) == items


def test_a_plain_session_on_the_same_session(postgres: str) -> None:
    case = on(postgres, BesidePlainSession).TestCase
    case.settings = settings(
        max_examples=10,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case("runTest").debug()


async def test_a_plain_session_writes_at_the_same_time(postgres: str) -> None:
    engine = plain_engine(postgres)
    ours = [AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True) for _ in range(3)]
    writers: list[Any] = [*ours, *(SQLAlchemySession("chat", engine=engine) for _ in range(3))]
    await ours[0].add_items(turns(2))
    await ours[0].fork(branch_name="before", switch=False)

    async def write(writer: Any, name: int) -> None:
        for number in range(10):
            await writer.add_items([user(f"{name} {number}"), {"role": "assistant", "content": f"{name} {number}"}])

    await asyncio.gather(*(write(writer, name) for name, writer in enumerate(writers)))
    items: list[Any] = await ours[0].get_items()
    assert await writers[-1].get_items() == items
    assert await ours[0].get_items(branch_id="before") == turns(2)
    # Nothing is lost, and the items of a call are side by side.
    contents = [item["content"] for item in items[8:]]
    assert contents[::2] == contents[1::2]
    assert sorted(contents[::2]) == sorted(f"{name} {number}" for name in range(6) for number in range(10))
    assert len(await ours[1].get_conversation_turns()) == 62
    for session in ours:
        session.close()
    await engine.dispose()
