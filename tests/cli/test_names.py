"""Branches and sessions are named by their titles as by their ids, in each command that takes one."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import Run
from tests.cli.test_commands import complete
from tests.cli.test_documentation import commands
from tui.cli.completion import complete_branches, complete_sessions
from tui.controller import SessionController
from tui.errors import NotFoundError
from tui.storage.editor import Editor
from tui.storage.store import Store

TITLE: Final = "Rain: in Bergen"
SESSION: Final = "The weather"

OF_A_BRANCH: Final = (
    ("show", "--branch", "NAME"),
    ("input", "--branch", "NAME"),
    ("usage", "--branch", "NAME"),
    ("find", "rains", "--branch", "NAME"),
    ("compare", "main", "NAME"),
    ("compare", "NAME", "main"),
    ("export", "--branch", "NAME"),
    ("export", "--through", "NAME:2"),
    ("fork", "--branch", "NAME", "--name", "new"),
    ("rename", "Another title", "--branch", "NAME"),
    ("archive", "--branch", "NAME"),
    ("unarchive", "--branch", "NAME"),
    ("delete", "--yes", "--branch", "NAME"),
)
OF_A_SESSION: Final = (("list",), ("tree",), ("adopt",))


@pytest.fixture
async def titled(conversation: Path) -> Path:
    """The conversation with titles for the branch alt, which is archived, and for its session."""
    editor = Editor(conversation, "agent_sessions", "agent_messages")
    await editor.label("support", "alt", title=TITLE, archived=True, description="Named")
    await editor.label("support", None, title=SESSION, description="Named")
    return conversation


def commands_with(completer: object) -> set[str]:
    """Return the commands with an argument that the shell completes so."""

    def has(parser: argparse.ArgumentParser) -> bool:
        return any(getattr(action, "completer", None) is completer for action in parser._actions)

    return {name for name, parser in commands().items() if has(parser)}


def test_each_command_takes_titles_where_it_takes_ids(titled: Path, tmp_path: Path, run: Run) -> None:
    assert {command for command, *_ in OF_A_BRANCH} == commands_with(complete_branches)
    tried = OF_A_BRANCH + OF_A_SESSION
    assert {command for command, *_ in tried} == commands_with(complete_sessions) - {"import"}
    with closing(sqlite3.connect(titled)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "again.sqlite"
    for command, *arguments in tried:
        done = []
        for branch, session in (("alt", "support"), (TITLE, SESSION)):
            shutil.copyfile(titled, path)
            words = (word.replace("NAME", branch) for word in arguments)
            process = run(command, path, *words, "--session", session)
            done.append((process.returncode, process.stdout, process.stderr))
        assert done[0] == done[1], command
        assert done[0][0] == (2 if command == "adopt" else 0), done[0]


def test_copy_takes_the_title_of_a_session(titled: Path, tmp_path: Path, run: Run) -> None:
    assert run("copy", titled, tmp_path / "copy.sqlite", "--session", SESSION).stdout.startswith("support: copied")


async def test_an_id_comes_before_titles_and_one_title_of_several_branches_is_refused(titled: Path, run: Run) -> None:
    editor = Editor(titled, "agent_sessions", "agent_messages")
    await editor.fork("support", "alt", 2, "third")
    await editor.label("support", "third", title=TITLE, description="Named")
    with closing(sqlite3.connect(titled)) as db, db:
        db.execute("UPDATE convo_labels SET title = 'main' WHERE branch_id = 'third'")
    assert run("show", titled, "--branch", "main").stdout.startswith(f"{SESSION} · support, branch main, 3 turns\n")
    await editor.label("support", "third", title=TITLE, description="Named")
    await editor.label("billing", None, title=SESSION, description="Named")
    for command, *arguments in OF_A_BRANCH:
        process = run(command, titled, *(word.replace("NAME", TITLE) for word in arguments))
        assert process.returncode == 2
        assert process.stderr == (
            f"convo-tui: 2 branches of session 'support' have the title '{TITLE}': alt, third.\n  Name one by its id.\n"
        )
    refused = run("list", titled, "--session", SESSION).stderr
    assert refused.startswith(f"convo-tui: 2 sessions have the title '{SESSION}': ")
    for title, kind, name in (("main", "branch", "third"), ("billing", "session", "support")):
        process = run("rename", titled, title, f"--{kind}", name)
        assert process.returncode == 2
        assert process.stderr == f"convo-tui: '{title}' is the id of another {kind}.\n  Choose another title.\n"
    for name in ("", "rain: in bergen", "nobody"):
        refused = run("show", titled, "--branch", name).stderr
        assert refused.startswith(f"convo-tui: Session 'support' has no branch '{name}'.\n")
        assert f"has no session '{name}'." in run("show", titled, "--session", name).stderr


async def test_a_label_names_a_branch_without_a_title(titled: Path, run: Run) -> None:
    editor = Editor(titled, "agent_sessions", "agent_messages")
    [made] = await editor.fork("support", "main", 3)
    branch, session = "from turn 3", ("--session", "support")
    shown = run("show", titled, "--branch", branch, *session)
    assert shown.stdout == run("show", titled, "--branch", made, *session).stdout != ""
    [other] = await editor.fork("support", "main", 3)
    refused = run("show", titled, "--branch", branch, *session).stderr
    assert f"2 branches of session 'support' have the label '{branch}': {made}, {other}." in refused
    await editor.label("support", "alt", title=branch, description="Named")
    assert "branch from turn 3 · alt" in run("show", titled, "--branch", branch, *session).stdout


async def test_the_explorer_opens_titles(titled: Path) -> None:
    controller = SessionController(Store(titled))
    try:
        await controller.open(SESSION, TITLE)
        assert controller.view.session is not None
        assert (controller.view.session.session_id, controller.view.branch_id) == ("support", "alt")
        await controller.open(branch=TITLE)
        assert controller.view.branch_id == "alt"
        with pytest.raises(NotFoundError, match="Session 'support' has no branch 'Rain'") as raised:
            await controller.open("support", "Rain")
        assert raised.value.hint == "It has: main."
        await Editor(titled, "agent_sessions", "agent_messages").label("support", "alt", archived=False, description="")
        with pytest.raises(NotFoundError) as raised:
            await controller.open("support", "Rain")
        assert raised.value.hint == f"It has: main, {TITLE} · alt."
    finally:
        controller.close()


def test_text_has_titles_with_ids(titled: Path, run: Run) -> None:
    branch, session = f"{TITLE} · alt", f"{SESSION} · support"
    for arguments, line in (
        (("show",), f"{session}, branch {branch}, 2 turns"),
        (("input",), f"{session}, branch {branch}, turn 2, request 1 of 1"),
        (("usage",), f"session {session}, branch {branch}"),
        (("tree",), f"  turn 2: in Bergen instead · end of {branch}"),
        (("compare", "main", "alt"), f"+ {branch}"),
    ):
        command, *names = arguments
        assert line in run(command, titled, *names).stdout.splitlines()


def test_the_shell_completes_titles(titled: Path) -> None:
    assert [name.replace("\\", "") for name in complete(f"convo-tui show {titled} --session The")] == [SESSION]
    assert len(complete(f"convo-tui show {titled} --branch R")) == 1
