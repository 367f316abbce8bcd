"""Commands that change a file, and the outline of its branches."""

from __future__ import annotations

import asyncio
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.cli.conftest import Run, RunJSON
from tests.conftest import OpenSDK
from tests.conversations import turn
from tests.fork_server import fork_server


def titles(run_json: RunJSON, path: Path) -> dict[str, str]:
    return {branch["branch_id"]: branch["title"] for branch in run_json("list", path)["branches"]}


def test_a_branch_is_forked_named_archived_and_deleted(conversation: Path, run: Run, run_json: RunJSON) -> None:
    assert run("fork", conversation, "--branch", "main", "--turn", "2", "--name", "new").stdout == (
        "Forked 'new' at turn 2 of 'main' in session 'support'; without --branch, commands mean 'new' now."
        f" `convo-tui undo {conversation}` takes it back.\n"
    )
    branch = next(branch for branch in run_json("list", conversation)["branches"] if branch["branch_id"] == "new")
    assert (branch["turns"], branch["parent"], branch["fork_turn"]) == (1, "main", 2)
    run("rename", conversation, " Shorter ", "--branch", "new")
    assert titles(run_json, conversation)["new"] == "Shorter"
    archived = run("archive", conversation, "--branch", "new").stdout
    assert archived.startswith("Archived branch 'new' of session 'support'.")
    assert next(one for one in run_json("list", conversation)["branches"] if one["title"])["archived"]
    run("unarchive", conversation, "--branch", "new")
    refused = run("delete", conversation, "--branch", "new")
    assert refused.returncode == 2
    assert "Add --yes" in refused.stderr
    assert run("delete", conversation, "--branch", "new", "--yes").returncode == 0
    assert "new" not in titles(run_json, conversation)
    assert run("undo", conversation).stdout.startswith("Undone: Deleted 'new'")
    assert titles(run_json, conversation)["new"] == "Shorter"
    assert run("redo", conversation).stdout.startswith("Redone: Deleted 'new'")
    assert "new" not in titles(run_json, conversation)


def test_a_session_is_named_and_deleted(conversation: Path, run: Run, run_json: RunJSON) -> None:
    assert run_json("rename", conversation, "Invoices", "--session", "billing")["done"]
    assert run_json("list", conversation)["sessions"][1]["title"] == "Invoices"
    run("delete", conversation, "--session", "billing", "--yes")
    assert len(run_json("list", conversation)["sessions"]) == 1


@pytest.mark.parametrize("words", [("rename", "Title"), ("archive",), ("unarchive",), ("delete", "--yes")])
def test_a_change_without_a_name_is_refused_unless_it_is_clear_what_it_is_for(
    conversation: Path, tmp_path: Path, run: Run, words: tuple[str, ...]
) -> None:
    command, *arguments = words
    refused = run(command, conversation, *arguments)
    assert refused.returncode == 2
    assert "The file has 2 sessions, and 'support' 2 branches." in refused.stderr
    assert "--session ID, or --branch ID" in refused.stderr
    clear = tmp_path / "clear.sqlite"
    plain = SQLiteSession("only", clear)
    asyncio.run(plain.add_items([{"role": "user", "content": "hello"}]))
    plain.close()
    assert "session 'only'" in run(command, clear, *arguments).stdout


def test_the_tree_is_an_outline_of_turns(conversation: Path, run: Run, run_json: RunJSON) -> None:
    lines = run("tree", conversation).stdout.splitlines()
    assert lines[:2] == ["support · 2 branches", "turn 1: hello ␛[31mthere"]
    assert sorted(line.strip() for line in lines[2:]) == [
        "turn 2: in Bergen instead · end of alt",
        "turns 2 to 3: weather in Oslo · end of main",
    ]
    parts = run_json("tree", conversation)["parts"]
    assert {(part["first_turn"], part["last_turn"], part["last_branch"]) for part in parts} == {
        (1, 1, None),
        (2, 3, "main"),
        (2, 2, "alt"),
    }


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("lst", "FILE"), "did you mean list?"),
        (("search", "FILE", "weather"), "did you mean find?"),
        (("frobnicate", "FILE"), "commands: list, tree, show"),
        (("FILE", "list"), "put the command first: convo-tui list"),
        (("postgresql://me:secret@host/name", "list"), "put the command first: convo-tui list URL"),
        (("tree", "main", "postgresql://me:secret@host/name"), "Put the file first: convo-tui tree URL"),
        (("x" * 300, "FILE"), "is neither a command nor a file"),
        (("find", "FILE", "nothing like it"), "No match in any branch of session 'support'; --everywhere"),
        (("find", "FILE", "nothing like it", "--branch", "alt"), "No match in branch 'alt' of session 'support'"),
        (("find", "FILE", "nothing like it", "--everywhere"), "No match in any session of the file"),
        (("find", "FILE", "role:bob"), "No such role; known: user, assistant, system, developer, tool."),
        (
            ("find", "FILE", "role:"),
            "No value right after role:, so it was searched as text; values: user, assistant,",
        ),
        (("find", "FILE", "error: at", "--json"), "so it was searched as text; values: yes or no."),
        (("export", "FILE", "-o", "FILE"), "Add --force to replace it"),
        (("undo", "FILE"), "Nothing to undo.\n  The explorer lists all changes.\n"),
        (("delete", "FILE", "--branch", "alt"), "Add --yes to do it; `convo-tui undo {file}` brings it back."),
        (("delete", "FILE", "--branch", "main", "--yes"), "  Archive it, or delete the session.\n"),
        (("adopt", "FILE"), "  Fork from one of them.\n"),
        (("show", "FILE", "--branch", "nobody"), "  `convo-tui list {file}` lists sessions and branches.\n"),
        (("show", "FILE", "--session", "nobody"), "  `convo-tui list {file}` lists sessions and branches.\n"),
        (("reject", "FILE", "9", "--stop"), "  `convo-tui runs {file}` lists the runs that wait.\n"),
        (("FILE",), "`convo-tui show {file}` needs no terminal."),
        (("list", "no such.sqlite"), "begin the file: convo-tui 'no such.sqlite' --agent"),
        *(
            ((*words, "99"), "convo-tui: Branch 'main' has no turn 99.\n  Its last turn is 3.\n")
            for command in ("show", "input", "fork")
            for words in [(command, "FILE", "--branch", "main", "--turn")]
        ),
        (("export", "FILE", "--through", "main:99"), "Branch 'main' has no turn 99.\n  Its last turn is 3.\n"),
    ],
)
def test_an_error_says_what_to_do(conversation: Path, run: Run, words: tuple[str, ...], answer: str) -> None:
    process = run(*(conversation if word == "FILE" else word for word in words))
    assert process.returncode in (1, 2)
    assert answer.format(file=conversation) in process.stderr
    assert "secret" not in process.stderr


async def test_a_fork_that_was_continued_is_not_undone(conversation: Path, run: Run, sdk: OpenSDK) -> None:
    run("fork", conversation, "--branch", "main", "--turn", "2", "--name", "new")
    session = sdk(conversation, "support")
    await session.switch_to_branch("new")
    await session.add_items(turn("And tomorrow?"))
    assert run("undo", conversation).stderr == (
        "convo-tui: “Forked 'new' at turn 2 of 'main'” cannot be undone."
        " Branch 'new' has 2 new items: archive it instead.\n"
        "  To undo earlier changes, make this one permanent in the explorer, under Changes.\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("tree", "main", "FILE"),
        ("find", "in Bergen", "FILE", "--everywhere"),
        ("compare", "main", "alt", "FILE"),
        ("show", "alt", "FILE", "--branch", "main"),
    ],
)
def test_a_file_that_is_not_the_first_argument_is_put_there(
    conversation: Path, run: Run, words: tuple[str, ...]
) -> None:
    refused = run(*(conversation if word == "FILE" else word for word in words))
    assert refused.returncode == 2
    message, hint, _ = refused.stderr.split("\n")
    assert message == f"convo-tui: '{words[1]}' is no file."
    assert hint.startswith("  Put the file first: convo-tui ")
    assert run(*shlex.split(hint.partition("convo-tui ")[2])).returncode == 0


def test_a_change_of_a_locked_file_says_that_it_waits(conversation: Path) -> None:
    with closing(sqlite3.connect(conversation, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with fork_server().popen(["fork", str(conversation), "--turn", "1"]) as waiting:
            said = waiting.stderr.readline()
            writer.execute("ROLLBACK")
            output, _ = waiting.communicate()
    assert said == f"{conversation} is locked by another program: waiting for up to 5 s.\n"
    assert output.startswith("Forked")
