"""Files with other values, schemas or bytes than a session class writes: commands answer, or say what is wrong."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.damage import VALUES, change, damage, write_sample
from tui.cli import main
from tui.errors import ConvoError
from tui.storage.editor import Editor
from tui.storage.store import Store

SEEDS = range(12)
COMMANDS = (
    ("list", "--json"),
    ("show", "--session", "trip"),
    ("show", "--session", "plain", "--json"),
    ("usage", "--session", "trip", "--price-as", "gpt-5"),
    ("find", "--everywhere", "paris"),
    ("find", "error:yes"),
    ("compare", "main", "budget", "--session", "trip"),
    ("export", "--format", "html"),
    ("export", "--session", "trip", "--format", "json"),
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("damaged") / "sample.sqlite"
    asyncio.run(write_sample(path))
    return path


def run_command(arguments: Sequence[str], path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that prints an answer, or one or two lines about what is wrong; return what it prints."""
    code = main([arguments[0], str(path), *arguments[1:]])
    printed = capsys.readouterr()
    assert code in (0, 1, 2)
    if code == 2:
        assert printed.err.startswith("convo-tui: ")
        assert len(printed.err.splitlines()) <= 2
    elif code == 0 and "json" in " ".join(arguments):
        json.loads(printed.out)
    return printed.out + printed.err


@pytest.mark.parametrize("seed", SEEDS)
def test_each_command_answers_or_says_what_is_wrong(
    seed: int, sample: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    damage(path, random.Random(seed))
    stored = path.read_bytes()
    for command in COMMANDS:
        run_command(command, path, capsys)
    assert path.read_bytes() == stored
    assert list(path.parent.iterdir()) == [path]


def test_a_damaged_file_is_not_changed(
    sample: Path, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    change(
        path, "UPDATE message_structure SET user_turn_number = x'ff' WHERE branch_id = 'main' AND user_turn_number = 4"
    )
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "hi"}]')
    stored = path.read_bytes()
    for command in (
        ("fork", "--session", "trip"),
        ("rename", "A title", "--session", "trip"),
        ("archive", "--session", "trip"),
        ("delete", "--yes", "--session", "trip"),
        ("undo",),
        ("redo",),
        ("adopt", "--session", "plain"),
        ("import", str(tmp_path / "chat.json")),
    ):
        assert run_command(command, path, capsys).startswith("convo-tui: This file is damaged.\n"), command
    assert path.read_bytes() == stored


DAMAGED_HISTORIES = (
    *(
        f"UPDATE convo_journal SET changes = {value}"
        for value in (
            *("""'["x"]'""", "'{}'", "'null'", "''", "'x'", "5", "2.5", "x'ff'", f"'{'[' * 5000}'"),
            """'{"columns": {}, "added": {}, "branches": [], "generations": {}}'""",
            "json_set(changes, '$.columns.messages', 'id')",
            "json_set(changes, '$.columns.messages[0]', 'other')",
            *(
                f"json_set(changes, '$.{part}', json('[1]'))"
                for part in ("columns", "added", "branches", "generations")
            ),
            *(f"json_set(changes, '$.added.messages', json('{ids}'))" for ids in ('[["a", "b"]]', "[[1e999, 1]]", "7")),
        )
    ),
    *(f"UPDATE convo_trash SET side = {value}" for value in ("-5", "-1", "1e308", "'x'", "x'ff'", "2")),
    *(f"UPDATE convo_trash SET table_name = {value}" for value in ("'other'", "x'ff'", "5", "'sqlite_master'")),
    *(f"UPDATE convo_trash SET c0 = {value}" for value in ("'x'", "''", "x'ff'", "NULL")),
)


@pytest.mark.parametrize("statement", DAMAGED_HISTORIES, ids=lambda statement: statement[7:70])
def test_a_damaged_history_is_said_and_can_be_emptied(
    statement: str, sample: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    editor = Editor(path, "agent_sessions", "agent_messages")
    asyncio.run(editor.delete_branch("trip", "budget"))
    change(path, statement)
    stored = path.read_bytes()
    refused = run_command(("undo",), path, capsys)
    assert "The history of changes is damaged; nothing was changed.\n  To " in refused
    assert path.read_bytes() == stored
    asyncio.run(editor.empty_trash())
    run_command(("rename", "A title", "--session", "trip"), path, capsys)
    assert run_command(("undo",), path, capsys).startswith("Undone: Named")


@pytest.mark.parametrize("table", ["convo_journal", "convo_trash"])
def test_any_value_in_the_history_is_undone_or_refused(
    table: str, sample: Path, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.storage.sqlite.corrections._MAX_CHECKED_BYTES", 0)
    with closing(sqlite3.connect(sample)) as db:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    chance = random.Random(table)
    for column in columns:
        for value in chance.sample(VALUES, 4):
            shutil.copy(sample, path)
            with suppress(sqlite3.IntegrityError):
                change(path, f"UPDATE OR IGNORE {table} SET {column} = {value}")
            with closing(Store(path)) as store, suppress(ConvoError):
                for entry in asyncio.run(store.journal()):
                    assert isinstance(entry.description, str)
                    assert isinstance(entry.kept_bytes, int)
            for command in ("undo", "undo", "redo", "redo"):
                run_command((command,), path, capsys)


def test_a_huge_turn_number_is_the_next_turn(sample: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(sample, path)
    change(
        path,
        *(
            f"UPDATE {table} SET user_turn_number = 1000000000000 WHERE branch_id = 'main' AND user_turn_number = 4"
            for table in ("message_structure", "turn_usage")
        ),
    )
    answer = json.loads(run_command(("usage", "--session", "trip", "--branch", "main", "--json"), path, capsys))
    assert [turn["turn"] for turn in answer["turns"]] == [1, 2, 3, 4]
    assert answer["turns"][3]["usage"]["input_tokens"] == 400
    assert "question 4" in run_command(("show", "--session", "trip", "--branch", "main"), path, capsys)


def test_a_large_file_is_checked_when_a_number_would_make_work_long(
    sample: Path, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.storage.sqlite.corrections._MAX_CHECKED_BYTES", 0)
    shutil.copy(sample, path)
    change(
        path,
        "UPDATE message_structure SET user_turn_number = 5000000 WHERE branch_id = 'main' AND user_turn_number = 4",
        "UPDATE message_structure SET sequence_number = 1000000000000 WHERE branch_id = 'budget'",
    )
    answer = json.loads(run_command(("usage", "--session", "trip", "--branch", "main", "--json"), path, capsys))
    assert [turn["turn"] for turn in answer["turns"]] == [1, 2, 3, 4]
    assert "elsewhere" in run_command(("find", "elsewhere", "--session", "trip"), path, capsys)


@pytest.mark.parametrize("value", ["NULL", "x'ff'", "'four'", "-7", "1e300"])
def test_a_row_with_another_value_is_shown_in_its_place(
    value: str, sample: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    change(
        path,
        "CREATE TABLE copy AS SELECT * FROM message_structure",
        "DROP TABLE message_structure",
        "ALTER TABLE copy RENAME TO message_structure",
        f"UPDATE message_structure SET sequence_number = {value}, message_id = message_id"
        " WHERE branch_id = 'main' AND user_turn_number = 2 AND message_type = 'user'",
    )
    shown = run_command(("show", "--session", "trip", "--branch", "main"), path, capsys)
    assert [number for number in "1234" if f"question {number}" in shown] == ["1", "2", "3", "4"]


def test_a_session_id_that_is_not_utf8_can_be_opened(
    sample: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    for table in ("agent_sessions", "agent_messages", "message_structure", "turn_usage"):
        change(path, f"UPDATE {table} SET session_id = CAST(x'66ff' AS TEXT) WHERE session_id = 'trip'")
    ids = [session["session_id"] for session in json.loads(run_command(("list", "--json"), path, capsys))["sessions"]]
    assert "f\\xff" in ids
    assert "question 1" in run_command(("show", "--session", "f\\xff", "--branch", "main"), path, capsys)


def test_an_error_message_that_is_not_utf8_is_one_line(
    sample: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sample, path)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = CAST(x'43524541ff' AS TEXT) WHERE name = 'turn_usage'"
        )
    assert "malformed database schema" in run_command(("list",), path, capsys)
