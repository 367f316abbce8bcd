"""The explorer sends few statements to a server, however much is stored, and reads again only after a change."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import psycopg
import pytest
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

from tests.bench.generate_postgres import fill, session_name
from tests.databases import open_ours, plain_engine, plain_session, rows
from tests.postgres_server import new_schema
from tests.session.samples import run as run_result
from tests.session.samples import turn, turns
from tui.controller import SessionController
from tui.session import AdvancedPostgresSession
from tui.storage.postgres.connection import NumberArray, ServerConnection
from tui.storage.postgres.schema import ddl
from tui.storage.store import Store

Call: TypeAlias = Callable[[SessionController], Awaitable[object]]


async def first_screen(explorer: SessionController) -> None:
    await explorer.open()
    await explorer.load_rest()


CALLS: dict[str, tuple[int, Call]] = {
    "first screen": (48, first_screen),
    "page of items": (3, lambda explorer: explorer.pages.items("fork", 0, 64)),
    "page of turns": (5, lambda explorer: explorer.pages.turns("fork", 1, 20)),
    "usage of turns": (7, lambda explorer: explorer.pages.turn_usages(1, 20)),
    "other branch": (4, lambda explorer: explorer.navigation.switch_branch("main")),
    "page of sessions": (5, lambda explorer: explorer.pages.sessions(32, 96)),
    "list of sessions": (11, lambda explorer: explorer.pages.matching_sessions("", 64)),
    "sessions by letters": (6, lambda explorer: explorer.pages.matching_sessions("ses", 64)),
    "look for changes": (1, lambda explorer: explorer.refresh()),
}
"""The most messages to the server that a call takes, each with its answer."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The statements that were sent, and their values."""
    statements: list[tuple[str, Any]] = []
    execute = psycopg.Cursor.execute

    def recording(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        # After any commit on the server, such as one of its own processes, the versions are read once more.
        # Nobody waits for the end of a transaction that reads.
        if not str(query).startswith(("SELECT (SELECT MAX(id)", "COMMIT")):
            statements.append((str(query), *args[:1]))
        return execute(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", recording)
    return statements


@pytest.mark.parametrize(("sessions", "turn_count"), [(3, 8), (600, 40)])
async def test_few_statements_read_what_is_shown_and_no_more(
    postgres: str, sent: list[tuple[str, Any]], sessions: int, turn_count: int
) -> None:
    await fill(postgres, sessions, turn_count)
    explorer = SessionController(Store(postgres))
    counts, statements = {}, []
    for name, (_, call) in CALLS.items():
        sent.clear()
        await call(explorer)
        counts[name] = len(sent)
        statements += [(name, *statement) for statement in sent]
    assert counts == {name: min(counts[name], most) for name, (most, _) in CALLS.items()}
    assert explorer.view.session is not None
    assert explorer.view.session.session_id == session_name(sessions - 1)
    explorer.close()
    connection = ServerConnection(postgres)
    plans = [
        (name, plan)
        for name, query, *values in statements
        if query.startswith(("SELECT", "WITH")) and sessions > 3
        for (plan,) in connection.run_outside(lambda db: db.execute(f"EXPLAIN {query}".encode(), *values).fetchall())  # noqa: B023
    ]
    connection.close()
    whole = re.compile("Seq Scan on (agent_messages|convo_messages|convo_structure)")
    assert [(name, plan) for name, plan in plans if whole.search(plan)] == []


async def test_changes_of_others_are_seen_and_nothing_else_is(postgres: str, postgres_server: str) -> None:
    session = AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)
    await session.add_items(turns(2))
    await session.fork(2, "branch", switch=False)
    other = AdvancedPostgresSession(session_id="other", url=postgres)
    engine = plain_engine(postgres)
    plain = SQLAlchemySession("chat", engine=engine)
    explorer = SessionController(Store(postgres))
    await explorer.open("chat", "main")
    assert not await explorer.refresh()
    assert explorer.view.items == 8

    elsewhere = AdvancedPostgresSession(session_id="chat", url=new_schema(postgres_server), create_tables=True)
    await elsewhere.add_items(turn(1))
    assert not await explorer.refresh()

    await plain.pop_item()
    assert await explorer.refresh()
    assert explorer.view.items == 7
    assert not await explorer.refresh()
    await plain.add_items(turn(3))
    assert await explorer.refresh()
    assert explorer.view.items == 11
    await other.add_items(turn(1))
    assert await explorer.refresh()
    assert [each.session_id for each in explorer.view.sessions] == ["other", "chat"]
    await session.store_run_usage(run_result(5))
    assert await explorer.refresh()
    assert not await explorer.refresh()

    # What a plain session clears is kept by branches, so that the session is still there.
    await plain.clear_session()
    assert await explorer.refresh()
    assert {each.session_id for each in explorer.view.sessions} == {"chat", "other"}
    assert (await explorer.pages.items("branch", 0, 9)).items
    explorer.close()
    for each in (session, other, elsewhere):
        each.close()
    await engine.dispose()


async def test_tables_that_another_program_makes_are_noticed_and_let_the_role_change_them(postgres: str) -> None:
    async with plain_session(postgres, "chat") as plain:
        await plain.add_items(turns(2))
    schema = postgres.rpartition("%3D")[2]
    role = f"writer_{schema}"
    grants = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    ]
    for sql in (f"CREATE ROLE {role} LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO {role}", *grants):
        rows(postgres, sql)
    explorer = SessionController(Store(postgres.replace("postgres@", f"{role}@")))
    await explorer.open()
    before = explorer.view
    with psycopg.connect(postgres) as db:
        for sql in (*ddl("agent_sessions", "agent_messages"), *grants):
            db.execute(sql.encode())
    async with open_ours(postgres, "chat") as session:
        await session.fork(2, "alt")
    assert await explorer.refresh()
    assert list(explorer.view.tree.branches) == ["main", "alt"]
    assert (before.writable, explorer.view.writable) == (False, True)
    await explorer.management.delete("chat", "alt")
    assert list(explorer.view.tree.branches) == ["main"]
    explorer.close()
    for sql in (f"DROP OWNED BY {role}", f"DROP ROLE {role}"):
        rows(postgres, sql)


CHANGES = {
    "nothing": "SELECT 1",
    "an item of the past": (
        "INSERT INTO agent_messages (session_id, message_data, created_at)"
        """ SELECT 'chat', '{"role": "user", "content": "before"}', MIN(created_at) - interval '1 day'"""
        " FROM agent_messages"
    ),
    "an item less": "DELETE FROM agent_messages WHERE id = (SELECT MIN(id) + 3 FROM agent_messages)",
    "one for another": (
        "WITH gone AS (DELETE FROM agent_messages WHERE id = (SELECT MIN(id) FROM agent_messages) RETURNING created_at)"
        " INSERT INTO agent_messages (session_id, message_data, created_at)"
        """ SELECT 'chat', '{"role": "assistant", "content": "in its place"}', created_at FROM gone"""
    ),
    "no last item": "DELETE FROM agent_messages WHERE id = (SELECT MAX(id) FROM agent_messages)",
}


@pytest.mark.parametrize("is_plain", [True, False])
async def test_the_order_of_main_is_kept_until_it_changes(postgres: str, is_plain: bool) -> None:
    ours = AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)
    engine = plain_engine(postgres)
    plain = SQLAlchemySession("chat", engine=engine)
    writer = plain if is_plain else ours
    await writer.add_items(turns(5))
    kept = Store(postgres)
    for change in CHANGES.values():
        for added in (turn(6), []):
            await writer.add_items(added)
            with psycopg.connect(postgres) as db:
                db.execute(change)
            (session,) = await kept.sessions()
            tree = await kept.tree(session)
            items = (await kept.page(session, "main", 0, 999)).items
            with psycopg.connect(postgres) as db:
                stored = db.execute("SELECT id FROM agent_messages ORDER BY created_at, id").fetchall()
            assert [(item.message_id,) for item in items] == stored
            by_turn = {
                number: [{"type": item.type, "tool_name": item.tool_name} for item in items if item.turn == number]
                for number in range(tree.branches["main"].turns + 1)
            }
            assert {number: found for number, found in by_turn.items() if found} == (
                await ours.get_conversation_by_turns("main")
            )
            for number in by_turn:
                around = await kept.page_around(session, "main", number)
                assert around.items == len(stored)
                assert around.position == sum(item.turn < number for item in items)
    kept.close()
    ours.close()
    await engine.dispose()


async def test_a_long_plain_session_is_numbered_once(postgres: str, sent: list[tuple[str, Any]]) -> None:
    engine = plain_engine(postgres)
    session = SQLAlchemySession("chat", engine=engine, create_tables=True)
    await session.add_items(turns(2_000))
    explorer = SessionController(Store(postgres))
    await first_screen(explorer)
    sent.clear()
    for start in (0, 4_000, 7_990):
        page = await explorer.pages.items("main", start, start + 64)
        assert page.items[0].position == start
        assert await explorer.pages.turns("main", 1 + start // 8, 20 + start // 8)
        assert await explorer.pages.turn_usages(1 + start // 8, 20 + start // 8)
    # None numbers or decodes the items of `main` again, or has all of their numbers as values.
    assert [sql for sql, *_ in sent if " OVER " in sql or "message_data END" in sql] == []
    arrays = [value for _, *given in sent for values in given for value in values.values()]
    assert max(len(value.data) for value in arrays if isinstance(value, NumberArray)) < 2_000
    explorer.close()
    await engine.dispose()
