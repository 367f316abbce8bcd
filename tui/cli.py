"""The command line: look at the arguments, open the file, start the explorer.

What is slow to import is imported once it is known to be needed: `--help` and a wrong name answer at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui import __version__
from tui.errors import ConfigError, ConvoError

if TYPE_CHECKING:
    from tui.controller import SessionController

__all__ = ["main"]

_BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run `convo-tui` with these arguments, by default the process's own.

    Returns:
        The exit code: 0, or 2 where the arguments, the configuration or the file cannot be used.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if (options.file is None) == (not options.demo):
        parser.error("name one file, or --demo")
    try:
        # Textual draws on standard error.
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise ConfigError("convo-tui shows itself in a terminal, and this is none.", "Run it without pipes.")
        if options.demo:
            with tempfile.TemporaryDirectory(prefix="convo-tui-") as folder:
                return _explore(asyncio.run(_demo(Path(folder) / "demo.sqlite")))
        return _explore(asyncio.run(_open(Path(options.file), options)))
    except ConvoError as error:
        print(f"convo-tui: {_plain(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"  {_plain(error.hint)}", file=sys.stderr)
        return _BAD_INPUT


async def _demo(path: Path) -> SessionController:
    from tui.demo import write_demo

    await write_demo(path)
    return await _open(path, argparse.Namespace(session=None, branch=None, read_only=False))


async def _open(path: Path, options: argparse.Namespace) -> SessionController:
    from tui.controller import SessionController
    from tui.session.store import Store

    controller = SessionController(Store(path), read_only=options.read_only)
    try:
        await controller.open(options.session, options.branch)
    except BaseException:
        controller.close()
        raise
    return controller


def _explore(controller: SessionController) -> int:
    from tui.config import load_config

    try:
        config = load_config()
        from tui.app import ConvoApp

        app = ConvoApp(controller, config)
        app.run()
        return app.return_code or 0
    finally:
        controller.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convo-tui",
        description="Explore the conversations that the OpenAI Agents SDK stores with AdvancedSQLiteSession:"
        " every branch and turn as a tree, any branch as a chat, the tokens of each turn.",
        epilog="Looking never writes to the file. Press ? inside for the keys.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="the SQLite file that an agent's session wrote")
    parser.add_argument("--session", metavar="ID", help="open this session (default: the one written last)")
    parser.add_argument("--branch", metavar="ID", help="open this branch (default: the one written last)")
    parser.add_argument("--read-only", action="store_true", help="refuse everything that would write to the file")
    parser.add_argument("--demo", action="store_true", help="open sample conversations, in a file that goes away again")
    parser.add_argument("--version", action="version", version=f"convo-tui {__version__}")
    return parser


def _plain(text: str) -> str:
    """Untrusted names on one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)
