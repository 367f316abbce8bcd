"""A server that stops, hangs or starts again while the explorer is open."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.explorer.driver import open_explorer, typed
from tests.postgres_server import Server, new_schema, run_server
from tests.session.samples import turn, turns
from tui.session import AdvancedPostgresSession


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_server() as server:
        yield server


def freeze(server: Server) -> None:
    signal_all(server, signal.SIGSTOP)


def thaw(server: Server) -> None:
    signal_all(server, signal.SIGCONT)


def signal_all(server: Server, number: int) -> None:
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    for process in (postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())):
        os.kill(process, number)


@pytest.mark.parametrize(
    ("lose", "find", "words"),
    [
        (Server.stop, Server.start, "cannot be read: "),
        (lambda server: server.stop("immediate"), Server.start, "cannot be read: "),
        (freeze, thaw, "has not answered for 2 seconds."),
    ],
    ids=["stopped", "killed", "hangs"],
)
async def test_a_lost_server_is_told_and_found_again(
    server: Server, lose: Callable[[Server], None], find: Callable[[Server], None], words: str
) -> None:
    url = new_schema(server.url)
    session = AdvancedPostgresSession(session_id="chat", url=url, create_tables=True)
    await session.add_items(turns(3))
    async with open_explorer(url) as explorer:
        await explorer.press_each("slash", *typed("answer"))
        lose(server)
        await explorer.until(lambda: any(words in notice for notice in explorer.notices))
        await explorer.pilot.press("s", "x")
        assert not any("can be read again" in notice for notice in explorer.notices)
        find(server)
        await explorer.until(lambda: f"{explorer.controller.path} can be read again." in explorer.notices)
        # What was typed before and meanwhile is there, and so is what is written now.
        await session.add_items(turn(4))
        await explorer.until(lambda: "turn 3 of 4" in explorer.text)
        assert isinstance(explorer.app.focused, Input)
        assert explorer.app.focused.value == "answersx"
    session.close()


async def test_a_search_that_fails_says_so_once_and_why(server: Server) -> None:
    url = new_schema(server.url)
    session = AdvancedPostgresSession(session_id="chat", url=url, create_tables=True)
    await session.add_items(turns(3))
    session.close()
    async with open_explorer(url, size=(60, 24)) as explorer:
        server.stop()
        await explorer.press_each("slash", *typed("answer"))
        await explorer.until(lambda: "branch: failed" in explorer.text)
        await explorer.press_each("escape", "ctrl+f", *typed("question"))
        await explorer.until(lambda: "The search failed." in explorer.text)
        assert "no match" not in explorer.text
        hint = "Check that the server runs and lets you in."
        assert len([notice for notice in explorer.notices if notice.endswith(hint)]) == 1
        server.start()
