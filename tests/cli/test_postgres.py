"""A database on a server is shown as a file with the same conversations is; nothing in it is changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

from tests.cli.conftest import CONVO_TUI, Run, imported_packages
from tests.explorer.driver import open_explorer
from tests.postgres_server import psql
from tests.session.samples import run as run_result
from tests.session.samples import turn, turns
from tests.session.test_postgres_oracle import plain_engine
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
    ("export", "--format", "markdown"),
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
    before = everything(postgres)
    for command, *arguments in COMMANDS:
        expected, shown = (run(command, place, *arguments) for place in (path, postgres))
        assert shown.returncode == expected.returncode, shown.stderr
        assert without_times(shown.stdout, postgres) == without_times(expected.stdout, str(path)), command
    assert everything(postgres) == before


def without_times(text: str, place: str) -> str:
    """Return the output of a command without times and the name of the database.

    The branches of a hit are sorted: those of the same message have no order. In an export, the sequence numbers of
    items are left out: on a server, each branch has its own.
    """
    text = re.sub(r"(?<=\[)(\d+), \d+(?=, \")", r"\1", text)
    text = _TIMES.sub("TIME", text).replace(place.partition("?")[0], "PLACE")
    return re.sub(r"(?<=, )\w+(, \w+)*(?=, user, TIME)", lambda names: ", ".join(sorted(names[0].split(", "))), text)


def everything(url: str) -> list[object]:
    with psycopg.connect(url) as db:
        tables = db.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)").fetchall()
        return [db.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables if not name.startswith("pg_")]


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
    assert len(everything(postgres)) == 2
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
        ([postgres, "--tables", "chats,rooms"], "no table 'rooms'.\n  Pairs that --tables can choose: chats,"),
        ([postgres, "--tables", "chat_items,chats"], "'chat_items' has no column updated_at"),
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
        for text in ("2 Chat · other", "question 9", "answer 9", "empty", "turn 3 of 3", "read-only"):
            assert text in explorer.text
        await explorer.press("f")
        await explorer.press("comma")
        assert explorer.notices[-1].startswith("A database on a server can only be shown.")
        await session.switch_to_branch("other")
        await session.add_items(turn(10))
        await explorer.controller.refresh()
        await explorer.settle()
        assert "+4 new" in explorer.text
    session.close()


@pytest.mark.parametrize("command", ["fork", "undo", "adopt", "import", "rename"])
def test_what_would_change_it_is_refused(postgres: str, run: Run, command: str) -> None:
    AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True).close()
    secret = postgres.replace("postgres@", "postgres:hunter2@")
    arguments = {"import": ["x.json"], "rename": ["title"]}.get(command, [])
    refused = run(command, secret, *arguments)
    assert refused.returncode == 2
    assert command in ("import", "adopt") or "can only be shown" in refused.stderr
    assert "hunter2" not in refused.stdout + refused.stderr


def test_no_password_is_printed(postgres: str, run: Run) -> None:
    shown = run("list", postgres.replace("postgres@", "postgres:hunter2@"), "--json")
    assert shown.returncode == 2
    assert "onversations" in shown.stderr
    assert "hunter2" not in shown.stderr
    for url in ("postgresql://me:hunter2@127.0.0.1:1/chats", "postgresql://me:hun/ter2@127.0.0.1:1/chats"):
        command = [*CONVO_TUI, "list", url, "--schema", "sales"]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
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
