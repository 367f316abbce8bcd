"""A database on a server is shown and changed as a file with the same conversations is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

from tests.cli.conftest import Run, imported_packages
from tests.databases import all_rows, editor_of, open_ours, plain_engine, rows
from tests.explorer.driver import open_explorer
from tests.postgres_server import psql
from tests.session.samples import run as run_result
from tests.session.samples import turn, turns
from tui.agent.settings import AgentSettings
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedPostgresSession, AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession

COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("show",),
    ("show", "--branch", "main", "--json"),
    ("tree",),
    ("usage",),
    ("usage", "--branch", "other", "--json"),
    ("find", "question"),
    ("find", "nothing like it"),
    ("input", "--branch", "other"),
    ("compare", "main", "other"),
    ("export", "--format", "json"),
    ("export", "--format", "md"),
    ("show", "--session", "Small talk", "--branch", "Other answer"),
    ("find", 'branch:"other answer" session:small* question'),
    ("runs",),
)

_TIMES = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?(?:Z| \+00:00)?")


async def converse(session: AdvancedSession) -> None:
    """Fill a session: `main` has three turns, `other` another third one, and `empty` none."""
    await session.add_items(turns(2))
    await session.add_items(turn(3))
    await session.store_run_usage(run_result(5, cached=2))
    await session.create_branch_from_turn(3, "other")
    await session.add_items(turn(9))
    items: list[Any] = [*turns(2), *turn(9)[:1]]
    sent = SentRequest(items=items, model="gpt-5", usage=RequestUsage(7, 3, 1, 0, 0))
    await session.record_request(sent, first=True)
    await session.record_run(outcome="done", model="gpt-5")
    await session.fork(1, "empty", switch=False)
    await session.fork(branch_name="popped", switch=True)
    await session.pop_item()


async def test_commands_print_what_they_print_of_a_file(postgres: str, path: Path, run: Run) -> None:
    for session in (
        AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True),
        AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True),
    ):
        await converse(session)
        session.close()
    for place in (path, postgres):
        await editor_of(place).label("chat", "other", title="Other answer", description="Named")
        await editor_of(place).label("chat", None, title="Small talk", description="Named")
    before = all_rows(postgres)
    for command, *arguments in COMMANDS:
        expected, shown = (run(command, place, *arguments) for place in (path, postgres))
        assert shown.returncode == expected.returncode, shown.stderr
        assert without_times(shown.stdout, postgres) == without_times(expected.stdout, str(path)), command
    assert all_rows(postgres) == before


def without_times(text: str, place: str) -> str:
    """Return the output of a command without times and the name of the database.

    The branches of a hit are sorted: those of the same message have no order. In an export, the sequence numbers of
    items are left out: on a server, each branch has its own. Its ids of messages have a gap for each fork.
    """
    ids = {number: f"#{place}" for place, number in enumerate(re.findall(r'{"id": (\d+)', text))}
    text = re.sub(
        r'(\[|"(?:last_)?(?:message_)?id": )(\d+)(, \d+(?=, "))?', lambda at: at[1] + ids.get(at[2], at[2]), text
    )
    text = _TIMES.sub("TIME", text).replace(place.partition("?")[0], "PLACE").replace("undo URL", "undo PLACE")
    return re.sub(r"(?<=, )\w+(, \w+)*(?=, user, TIME)", lambda names: ", ".join(sorted(names[0].split(", "))), text)


async def test_a_plain_session_is_shown_without_tables_of_ours(postgres: str, run: Run) -> None:
    engine = plain_engine(postgres)
    session = SQLAlchemySession(
        "plain", engine=engine, create_tables=True, sessions_table="chats", messages_table="chat_items"
    )
    await session.add_items(turns(2))
    await session.add_items(turn(3))
    assert "main  3 turns  12 items" in run("list", postgres).stdout
    shown = run("show", postgres, "--turn", "3").stdout
    assert "question 3" in shown
    assert "answer 2" not in shown
    assert "answer 3" in run("find", postgres, "answer 3").stdout
    assert rows(postgres, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()") == [(2,)]
    # Of several such pairs none is guessed.
    other = SQLAlchemySession(
        "plain", engine=engine, create_tables=True, sessions_table="rooms", messages_table="room_items"
    )
    await other.add_items(turn(1))
    await engine.dispose()
    refused = run("list", postgres)
    assert refused.returncode == 2
    assert "chats,chat_items; rooms,room_items" in refused.stderr
    assert "main  1 turn" in run("list", postgres, "--tables", "rooms,room_items").stdout
    # Tables of another name in another schema.
    place, _, schema = postgres.partition("?options=-csearch_path%3D")
    assert "main  3 turns" in run("list", place, "--schema", schema, "--tables", "chats,chat_items").stdout
    with psycopg.connect(postgres) as db:
        db.execute('CREATE SCHEMA "Other schema"')
        db.execute('ALTER TABLE rooms SET SCHEMA "Other schema"')
        db.execute('ALTER TABLE room_items SET SCHEMA "Other schema"')
    assert "main  1 turn" in run("list", place, "--schema", "Other schema").stdout
    for arguments, words in (
        ([place], "Conversations are in other schemas of the database: Other schema; "),
        ([place, "--schema", "none"], "has no schema 'none'.\n  Its schemas: Other schema; public; "),
        ([postgres, "--tables", "chats,rooms"], "no table 'rooms'.\n  --tables can choose: chats,"),
        ([postgres, "--tables", "chat_items,chats"], "'chat_items' has no column updated_at"),
        ([postgres, "--tables", "a,b"], "no tables a and b.\n  --tables can choose: chats,chat_items."),
        ([postgres, "--tables", "chats"], "'chats' is not two names"),
        ([__file__, "--schema", "public"], "is a file, and --schema chooses in a database on a server"),
    ):
        refused = run("list", *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr
    with psycopg.connect(place) as db:
        db.execute('DROP SCHEMA "Other schema" CASCADE')


async def test_another_pair_beside_the_tables_of_ours_is_shown_as_it_is(postgres: str, run: Run) -> None:
    session = AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)
    await converse(session)
    session.close()
    engine = plain_engine(postgres)
    plain = SQLAlchemySession(
        "chat", engine=engine, create_tables=True, sessions_table="chats", messages_table="chat_items"
    )
    await plain.add_items(turn(1))
    await engine.dispose()
    assert "popped" in run("list", postgres).stdout
    assert "popped" in run("list", postgres, "--tables", "agent_sessions,agent_messages").stdout
    shown = run("list", postgres, "--tables", "chats,chat_items").stdout
    assert "1 branch of chat\nmain  1 turn" in shown


async def test_the_explorer_shows_it_and_follows_it(postgres: str) -> None:
    session = AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)
    await converse(session)
    async with open_explorer(postgres, branch_id="other") as explorer:
        assert explorer.place == ("other", 3)
        for text in ("2 Chat · other", "question 9", "answer 9", "empty", "turn 3 of 3"):
            assert text in explorer.text
        await session.switch_to_branch("other")
        await session.add_items(turn(10))
        await explorer.controller.refresh()
        await explorer.settle()
        assert "+4 new" in explorer.text
    session.close()


CHANGES = (
    ("fork", "--branch", "main", "--turn", "3", "--name", "new"),
    ("rename", "Shorter", "--branch", "new"),
    ("rename", "All about it"),
    ("archive", "--branch", "new"),
    ("fork", "--branch", "main", "--name", "other"),
    ("delete", "--branch", "other"),
    ("delete", "--branch", "other", "--yes"),
    ("undo",),
    ("redo",),
    ("unarchive", "--branch", "new"),
    ("delete", "--yes"),
    ("undo",),
    ("adopt",),
    ("undo",),
)


async def test_commands_change_it_as_they_change_a_file(postgres: str, path: Path, run: Run) -> None:
    places = (path, postgres)
    for place in places:
        session = open_ours(place, "chat")
        await converse(session)
        session.close()
    before = all_rows(postgres)
    for command, *arguments in CHANGES:
        expected, made = (run(command, place, *arguments) for place in places)
        assert made.returncode == expected.returncode, command
        for printed, from_file in ((made.stderr, expected.stderr), (made.stdout, expected.stdout)):
            assert without_times(printed, postgres) == without_times(from_file, str(path))
        listed, shown = (run("list", place, "--json").stdout for place in places)
        assert without_times(shown, postgres) == without_times(listed, str(path))
    while run("undo", postgres).returncode == 0:
        pass
    assert all_rows(postgres) == before


async def test_the_explorer_changes_it(postgres: str) -> None:
    """A plain session is forked, answered, named and restored; its own tables are those of the plain class."""
    engine = plain_engine(postgres)
    plain = SQLAlchemySession("plain", engine=engine, create_tables=True)
    await plain.add_items([*turns(1), *turn(2)])
    items = rows(postgres, "SELECT * FROM agent_messages ORDER BY id")
    async with open_explorer(postgres, agent=AgentSettings(model="offline")) as explorer:
        await explorer.press("f")
        await explorer.pilot.press(*", in short", "enter")
        await explorer.until(lambda: explorer.view.branch_id != "main")
        forked = explorer.view.branch_id
        await explorer.until(lambda: not explorer.view.runs and explorer.view.tree.branches[forked].turns == 2)
        await explorer.settle()
        assert rows(postgres, "SELECT * FROM agent_messages ORDER BY id") == items
        assert "question 2, in short" in explorer.text
        await explorer.press("escape", "asterisk")
        assert explorer.view.tree.branches[forked].pinned
        await explorer.press("z", "z", "z")
        assert explorer.place == ("main", 2)
        assert list(explorer.view.tree.branches) == ["main"]
        await explorer.pilot.press("i", *"count to 3", "enter")
        await explorer.until(lambda: not explorer.view.runs and explorer.view.tree.branches["main"].turns == 3)
        await explorer.settle()
        assert len(await plain.get_items()) > len(items)
        await explorer.press("escape", "z")
        assert rows(postgres, "SELECT * FROM agent_messages ORDER BY id") == items
    await engine.dispose()


@pytest.mark.parametrize("has_tables", [True, False])
async def test_a_role_without_rights_looks_and_is_told_what_is_missing(
    postgres: str, run: Run, *, has_tables: bool
) -> None:
    if has_tables:
        session = AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)
        await converse(session)
        session.close()
    else:
        engine = plain_engine(postgres)
        await SQLAlchemySession("chat", engine=engine, create_tables=True).add_items(turns(2))
        await engine.dispose()
    schema = postgres.rpartition("%3D")[2]
    role = f"reader_{schema}"
    for grant in (
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT{'' if has_tables else ', INSERT, UPDATE, DELETE'} ON ALL TABLES IN SCHEMA {schema} TO {role}",
    ):
        rows(postgres, grant)
    url = postgres.replace("postgres@", f"{role}@")
    refused = run("fork", url, "--branch", "main")
    assert refused.returncode == 2
    if has_tables:
        problem = "change agent_sessions, agent_messages, convo_schema, and"
        grant = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN"
    else:
        problem, grant = "make the tables convo_schema, convo_messages, convo_structure, and", "CREATE ON"
    assert refused.stderr.startswith(f"convo-tui: Role '{role}' may not {problem}")
    assert refused.stderr.endswith(f'  postgres can permit it: GRANT {grant} SCHEMA "{schema}" TO "{role}".\n')
    async with open_explorer(url) as explorer:
        assert "read-only" in explorer.text
        assert "question 2" in explorer.text
        await explorer.press("comma")
        assert explorer.notices[-1] == refused.stderr.removeprefix("convo-tui: ").replace("\n  ", " ").strip()
    rows(postgres, f"DROP OWNED BY {role}")
    rows(postgres, f"DROP ROLE {role}")


def test_no_password_is_printed(postgres: str, run: Run) -> None:
    shown = run("list", postgres.replace("postgres@", "postgres:hunter2@"), "--json")
    assert shown.returncode == 2
    assert "onversations" in shown.stderr
    assert "hunter2" not in shown.stderr
    for url in ("postgresql://me:hunter2@127.0.0.1:1/chats", "postgresql://me:hun/ter2@127.0.0.1:1/chats"):
        refused = run("list", url, "--schema", "sales")
        assert refused.returncode == 2
        assert "ter2" not in refused.stdout + refused.stderr


async def test_psql_makes_the_tables(postgres: str, run: Run) -> None:
    printed = run("schema", "--postgres")
    for _ in range(2):
        made = psql(postgres, printed.stdout)
        assert made.returncode == 0, made.stderr
    session = AdvancedPostgresSession(session_id="chat", url=postgres)
    await converse(session)
    session.close()
    # The same, with names that have to be quoted.
    names = ("Chat 'rooms'", 'Chat "items"')
    schema = f"{postgres.rpartition('%3D')[2]} b"
    sql = run("schema", "--postgres", "--schema", schema, "--tables", ",".join(names)).stdout
    for _ in range(2):
        made = psql(postgres, sql)
        assert made.returncode == 0, made.stderr
    place = postgres.replace(postgres.rpartition("%3D")[2], f"%22{schema.replace(' ', '%5C%20')}%22")
    session = AdvancedPostgresSession(session_id="other", url=place, sessions_table=names[0], messages_table=names[1])
    await converse(session)
    session.close()
    assert "1 session" in run("list", postgres, "--schema", schema).stdout


def test_a_file_is_shown_without_the_driver(path: Path) -> None:
    assert sys.executable
    assert not imported_packages("list", path) & {"psycopg", "psycopg_binary"}
