"""The explorer in a browser."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import CHROMIUM, Browser
from tests.conftest import OpenSDK
from tests.conversations import turn

SERVE = "import sys; from textual_serve.server import Server; Server(sys.argv[1], port=int(sys.argv[2])).serve()"


@pytest.fixture
async def conversation(path: Path, sdk: OpenSDK) -> Path:
    session = sdk(path, "support")
    await session.add_items([*turn("weather in Oslo", "It rains."), *turn("and tomorrow", "It snows.")])
    session.close()
    return path


@pytest.fixture
def page(conversation: Path, tmp_path: Path) -> Iterator[Browser]:
    """A page with the explorer."""
    if CHROMIUM is None:
        pytest.skip("neither Chromium nor Chrome is installed")
    pytest.importorskip("textual_serve")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = shlex.join([sys.executable, "-m", "tui", str(conversation), "--model", "offline"])
    with (
        subprocess.Popen([sys.executable, "-c", SERVE, command, str(port)], stdout=subprocess.PIPE) as server,
        Browser(tmp_path / "profile") as browser,
    ):
        try:
            assert server.stdout is not None
            # Textual-serve says so when it listens.
            while b"Ctrl+C" not in server.stdout.readline():
                pass
            browser.open(f"http://localhost:{port}/")
            yield browser
        finally:
            server.terminate()
