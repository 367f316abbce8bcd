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
from tests.controller.views import notice, user_texts
from tests.conversations import turn
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.items.sealed import KEY_VARIABLE, UNREADABLE
from tui.session import EncryptedSession
from tui.storage.store import Store

KEY = "a secret of this test"
LONG = "a long message that is kept secret " * 8_000
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


async def test_the_explorer_reads_and_refuses_to_send(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    controller = SessionController(Store(written), AgentRunner(AgentSettings(model="offline")))
    try:
        await controller.open("chat", "main")
        await controller.load_rest()
        assert user_texts(controller.view) == ["first question", LONG]
        assert (await controller.pages.turns("main", 1, 1))[0].text == "first question"
        assert not controller.view.notice
        assert controller.agent is not None
        with pytest.raises(ConvoError, match="is encrypted, so nothing was sent"):
            await controller.agent.send("a question in plain text")
        with pytest.raises(ConvoError, match="is encrypted, so nothing was sent"):
            await controller.agent.run_again()
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
