"""Reading sessions that the SDK's `EncryptedSession` and ours have written."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from agents import SQLiteSession
from agents.extensions.memory import EncryptedSession as SDKEncryptedSession

from tests.cli.conftest import Run, RunJSON
from tests.conftest import OpenOurs, OpenSDK
from tests.controller.views import notice, quiet, until, user_texts
from tests.conversations import sent_request, turn
from tests.explorer.driver import open_explorer
from tests.paying_agent import paid, pause_run, write_agent
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.items.sealed import KEY_VARIABLE, UNREADABLE, Seal
from tui.session import AdvancedSQLiteSession, EncryptedSession
from tui.storage.store import Store

KEY = "a secret of this test"
LONG = "a long message that is kept secret " * 8_000
SHOWN: list[Callable[[Run, Path], str]] = [
    lambda run, path: run("tree", path).stdout,
    lambda run, path: run("show", path, "--branch", "main").stdout,
    lambda run, path: run("input", path, "--branch", "main", "--turn", "2", "--json").stdout,
]
TURNS = [turn("first question", "first answer"), turn(LONG, "second answer")]


@pytest.fixture
async def written(ours: OpenOurs, path: Path) -> Path:
    """Write two turns and a branch with our encrypted session."""
    return await _write(ours(), EncryptedSession, path)


async def _write(session: Any, kind: type[Any], path: Path) -> Path:
    encrypted = cast(Any, kind)(session_id="chat", underlying_session=session, encryption_key=KEY)
    for items in TURNS:
        await encrypted.add_items(items)
    if hasattr(session, "create_branch_from_turn") and kind is EncryptedSession:
        await session.create_branch_from_turn(2, "alt")
        await encrypted.add_items(turn("other question", "other answer"))
        await session.switch_to_branch("main")
    session.close()
    return path


def stored_bytes(path: Path) -> bytes:
    """All bytes of a file and of what lies beside it."""
    return b"".join(found.read_bytes() for found in path.parent.glob(f"{path.name}*"))


def assert_secret(path: Path) -> None:
    stored = stored_bytes(path)
    assert b"__enc__" in stored
    assert not [word for word in (b"question", b"answer", b"kept secret") if word in stored]


def test_the_key_opens_the_session_for_every_command(
    written: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    shown = run("show", written, "--branch", "main")
    assert "first question" in shown.stdout
    assert LONG.strip() in shown.stdout
    assert not shown.stderr
    hits = run_json("find", written, "FIRST question")["hits"]
    assert [(hit["turn"], hit["type"]) for hit in hits] == [(1, "user")]
    assert "other question" in run("tree", written).stdout
    compared = run("compare", written, "main", "alt").stdout
    assert "other answer" in compared
    assert "gAAAA" not in compared
    document = tmp_path / "chat.md"
    run("export", written, "--output", document)
    assert "first answer" in document.read_text()
    run("export", written, "--format", "json", "--output", tmp_path / "chat.json")
    assert_secret(tmp_path / "chat.json")
    assert_secret(written)


@pytest.mark.parametrize("key", ["", "another key"])
def test_without_its_key_each_item_is_one_quiet_line(
    written: Path, run: Run, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    shown = run("show", written, "--branch", "main")
    assert shown.stdout.count("encrypted item") == 4
    assert "gAAAA" not in shown.stdout
    reason = f"and the key in {KEY_VARIABLE} does not open it." if key else "and no key is set."
    hint = "Set it to the session's own encryption_key." if key else f"Set {KEY_VARIABLE} to its encryption_key."
    assert shown.stderr == f"Session 'chat' is encrypted, {reason}\n{hint}\n"
    assert run("find", written, "gAAAA").stdout == ""


@pytest.mark.parametrize("kind", ["sdk", "ours", "plain"])
async def test_what_the_sdk_encrypted_is_shown(
    ours: OpenOurs, sdk: OpenSDK, path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    openers: dict[str, Callable[[], Any]] = {"sdk": sdk, "ours": ours, "plain": lambda: SQLiteSession("chat", path)}
    session = openers[kind]()
    await _write(session, SDKEncryptedSession, path)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    lines = (await asyncio.to_thread(run, "show", path)).stdout.split("\n")
    assert [line for line in lines if line.endswith(":")] == ["user:", "assistant:"] * 2
    assert "  second answer" in lines
    assert_secret(path)


async def test_a_decrypted_document_restores_the_session_in_plain_text(
    written: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    async with AdvancedSQLiteSession(session_id="chat", db_path=written) as session:
        await session.switch_to_branch("main")
        request = sent_request(100, [{"role": "user", "content": "only sent"}], "secret instructions")
        await session.record_request(request, first=True, seal=Seal(KEY, "chat"))
    shown = [command(run, written) for command in SHOWN]
    assert "secret instructions" in shown[-1]
    for name, options in (("sealed", []), ("plain", ["--decrypt"])):
        document, copy = tmp_path / f"{name}.json", tmp_path / f"{name}.sqlite"
        run("export", written, "--format", "json", *options, "--output", document)
        assert (b"first question" in document.read_bytes()) == (name == "plain")
        assert (b"secret instructions" in document.read_bytes()) == (name == "plain")
        run("import", copy, document)
        assert [command(run, copy) for command in SHOWN] == shown
    monkeypatch.delenv(KEY_VARIABLE)
    assert [command(run, copy) for command in SHOWN] == shown
    refused = run("export", written, "--format", "json", "--decrypt")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "and no key is set." in refused.stderr


@pytest.mark.parametrize("key", ["", "another key"])
async def test_what_an_encrypted_request_sent_is_called_encrypted(
    written: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    async with AdvancedSQLiteSession(session_id="chat", db_path=written) as session:
        await session.switch_to_branch("main")
        for instructions in ("secret instructions", "other instructions"):
            request = sent_request(100, [{"role": "user", "content": "only sent"}], instructions)
            await session.record_request(request, first=instructions[0] == "s", seal=Seal(KEY, "chat"))
    parts = ["instructions", "tools", "settings"]
    for value, encrypted in ((key, parts), (KEY, [])):
        monkeypatch.setenv(KEY_VARIABLE, value)
        sent = run_json("input", written, "--branch", "main")
        assert sent["encrypted_parts"] == encrypted
        assert all((sent[name] is None) == bool(encrypted) for name in parts)
        lines = run("input", written, "--branch", "main").stdout.split("\n")
        assert all((lines[lines.index(name) + 1] == "  encrypted") == bool(encrypted) for name in parts)
        async with open_explorer(written, "main") as program:
            await program.press_each("m")
            headings = [f"{name.capitalize()}  encrypted" in program.text for name in parts]
            assert headings == [bool(encrypted)] * 3
            await program.press_each("tab")
            assert ("encrypted for request 1 of turn 2 and request 2 of turn 2" in program.text) == bool(encrypted)


@pytest.mark.parametrize("first", [True, False], ids=["oldest", "newest"])
async def test_an_item_of_another_key_is_told_from_a_wrong_key(
    ours: OpenOurs,
    path: Path,
    run: Run,
    run_json: RunJSON,
    monkeypatch: pytest.MonkeyPatch,
    first: bool,
    tmp_path: Path,
) -> None:
    async with ours() as session:
        for key in ("another key", KEY) if first else (KEY, "another key"):
            count = 1 if key == "another key" else 2
            await cast(Any, EncryptedSession)("chat", session, key).add_items(turn(f"of {key}", "first answer")[:count])
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    words = "Some items of session 'chat' are encrypted with another key.\n"
    shown = run("show", path)
    assert (shown.stdout.count("encrypted item"), shown.stderr.startswith(words)) == (1, True)
    document = tmp_path / "chat.json"
    exported = run("export", path, "--format", "json", "--decrypt", "--output", document)
    assert exported.returncode == 0
    assert exported.stderr.endswith("Left encrypted with another key: 1 stored text.\n")
    assert (document.read_text().count("__enc__"), f"of {KEY}" in document.read_text()) == (1, True)
    copy = tmp_path / "copy.sqlite"
    assert run("import", copy, document).returncode == 0
    monkeypatch.setenv(KEY_VARIABLE, "another key")
    assert "of another key" in run("show", copy).stdout
    monkeypatch.setenv(KEY_VARIABLE, "a third key")
    refused = run("export", path, "--format", "json", "--decrypt")
    assert (refused.returncode, "does not open it" in refused.stderr) == (2, True)


async def test_a_run_that_waits_on_an_encrypted_session_is_answered_with_the_key(
    written: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    agent = write_agent(tmp_path)
    await pause_run(written, agent, "Pay 1")
    (waiting,) = run_json("runs", written)["runs"]
    assert (waiting["encrypted"], [call["arguments"] for call in waiting["calls"]]) == (False, ['{"amount":1}'])
    number = waiting["run"]
    for key, reason in ((None, "no key is set"), ("another key", "does not open it")):
        monkeypatch.delenv(KEY_VARIABLE) if key is None else monkeypatch.setenv(KEY_VARIABLE, key)
        listed = run("runs", written).stdout
        assert "Clerk" in listed
        assert "encrypted" in listed
        assert "amount" not in listed
        (hidden,) = run_json("runs", written)["runs"]
        assert (hidden["encrypted"], hidden["message"], hidden["calls"]) == (True, "", [])
        for command in ("approve", "reject"):
            refused = run(command, written, number, "--agent", f"{agent}:clerk")
            assert refused.returncode == 2
            assert reason in refused.stderr
        assert run("reject", written, number, "--stop").returncode == 2
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert run("approve", written, number, "--agent", f"{agent}:clerk").stdout == "paid 1\n"
    assert paid(tmp_path) == ["1"]

    await pause_run(written, agent, "Pay 2")
    assert run("reject", written, run_json("runs", written)["runs"][0]["run"], "--stop").returncode == 0
    assert "Stopped before it finished." in run("show", written).stdout
    assert b"Pay " not in stored_bytes(written)
    assert b"amount" not in stored_bytes(written)


@pytest.mark.parametrize("plain", ["newest", "oldest", "both"])
async def test_a_session_of_which_a_part_is_encrypted_counts_as_encrypted(
    ours: OpenOurs, path: Path, monkeypatch: pytest.MonkeyPatch, plain: str
) -> None:
    session = ours()
    if plain != "newest":
        await session.add_items(turn("plain before", "plain"))
    await cast(Any, EncryptedSession)("chat", session, KEY).add_items(turn("first question", "first answer"))
    if plain != "oldest":
        await session.add_items(turn("plain after", "plain"))
    session.close()
    controller = SessionController(Store(path), AgentRunner(AgentSettings(model="offline")))
    assert controller.agent is not None
    try:
        await controller.open("chat", "main")
        for refused in (controller.agent.send("a question"), controller.agent.run_again()):
            with pytest.raises(ConvoError, match="is encrypted, and no key is set"):
                await refused
        assert list(controller.view.tree.branches) == ["main"]
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        await controller.agent.send("a question")
        await until(controller, quiet)
        left_out = 4 if plain == "both" else 2
        assert notice(controller) == f"Not sent: {left_out} × item that is not encrypted with the key. It stays stored."
        assert user_texts(controller.view)[-1] == "a question"
    finally:
        await controller.agent.stop_all()
        controller.close()
    assert b"a question" not in stored_bytes(path)


async def test_a_plain_session_is_adopted_only_if_its_items_can_be_read(
    path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _write(SQLiteSession("chat", path), SDKEncryptedSession, path)
    assert "no key is set" in run("adopt", path).stderr
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    run("adopt", path)
    assert run("show", path).stdout.count("user:") == 2


async def test_a_fork_is_made_without_decrypting(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    controller = SessionController(Store(written))
    try:
        await controller.open("chat", "main")
        await controller.load_rest()
        assert user_texts(controller.view) == ["first question", LONG]
        assert (await controller.pages.turns("main", 1, 1))[0].text == "first question"
        assert not controller.view.notice
        await controller.forks.begin(2)
        assert controller.view.fork is not None
        assert controller.view.fork.text == LONG
        await controller.forks.make("fork")
        assert user_texts(controller.view) == ["first question"]
        await controller.history.undo()
    finally:
        controller.close()
    assert_secret(written)


async def test_without_the_package_the_explorer_says_so(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of its own, as ciphers are cached")
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    controller = SessionController(Store(written))
    try:
        await controller.open("chat", "main")
        await controller.load_rest()
        assert controller.view.page is not None
        assert [item.data for item in controller.view.page.items] == [UNREADABLE] * 4
        assert notice(controller) == (
            "Session 'chat' is encrypted, and the package cryptography is not installed."
            " Install convo-tui with the extra 'encrypt'."
        )
    finally:
        controller.close()
