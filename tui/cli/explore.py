"""`convo-tui FILE`: look at the arguments, open the file, start the explorer.

What is slow to import is imported once it is known to be needed: `--help` and a wrong name answer at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from tui import __version__
from tui.cli.completion import complete_branches, complete_commands_and_files, complete_sessions
from tui.cli.parsers import COMMANDS
from tui.config import Config, load_config
from tui.errors import ConfigError

if TYPE_CHECKING:
    from tui.agent.settings import AgentSettings
    from tui.controller import SessionController
    from tui.runs.protocol import Runner

__all__ = ["explore", "explore_parser"]


def explore(words: Sequence[str]) -> int:
    """Run `convo-tui FILE` with these arguments.

    Returns:
        The exit code: 0, or the application's own.

    Raises:
        ConvoError: The arguments, the configuration or the file cannot be used.
    """
    parser = explore_parser()
    options = parser.parse_args(words)
    if (options.file is None) == (not options.demo):
        parser.error("name one file, or --demo")
    # Textual draws on standard error.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            "convo-tui shows itself in a terminal, and this is none.",
            "Run it without pipes; `convo-tui show FILE` needs no terminal.",
        )
    config = load_config()
    choice = _choice(options, config)
    if options.demo:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="convo-tui-") as folder:
            options.file = str(Path(folder) / "demo.sqlite")
            asyncio.run(_write_demo(Path(options.file)))
            return _explore(_open(options, choice), config)
    return _explore(_open(options, choice), config)


async def _write_demo(path: Path) -> None:
    from tui.demo import write_demo

    await write_demo(path)


def _choice(options: argparse.Namespace, config: Config) -> AgentSettings | None:
    """What answers messages: the options, then the profile, and in the demo the offline model."""
    profile = config.chosen(options.profile)
    said = {
        name: getattr(profile, name) if getattr(options, name) is None else getattr(options, name)
        for name in ("agent", "model", "instructions", "base_url", "api", "env_file", "tracing", "max_turns")
    }
    rehearses = options.demo and said["agent"] is None and said["model"] is None
    if not rehearses and all(value is None for value in said.values()):
        return None
    from tui.agent.settings import OFFLINE, AgentSettings

    if rehearses:
        said["model"] = OFFLINE
    return AgentSettings(**{**said, "tracing": bool(said["tracing"])})


def _open(options: argparse.Namespace, choice: AgentSettings | None) -> SessionController:
    from tui.storage.store import Store

    # Not within a loop, whose first Ctrl+C would have to wait for the lock too.
    store = Store(Path(options.file))
    # What SQLite reads meanwhile keeps no other thread from running.
    Thread(target=_import_screen, daemon=True).start()
    from tui.controller import SessionController

    runner: Runner | None = None
    if choice is not None:
        from tui.agent.runner import AgentRunner

        runner = AgentRunner(choice)
    controller = SessionController(store, runner, read_only=options.read_only)
    try:
        if options.price_as is not None:
            controller.usage.set_initial_price_model(options.price_as)
        asyncio.run(controller.open(options.session, options.branch))
    except BaseException:
        controller.close()
        raise
    return controller


def _import_screen() -> None:
    # What is wrong with it is told where it is imported to be used.
    with suppress(Exception):
        import_module("tui.app")


def _explore(controller: SessionController, config: Config) -> int:
    try:
        from tui.app import ConvoApp

        app = ConvoApp(controller, config)
        app.run()
        return app.return_code or 0
    finally:
        controller.close()


def explore_parser() -> argparse.ArgumentParser:
    """The arguments of `convo-tui FILE`."""
    parser = argparse.ArgumentParser(
        prog="convo-tui",
        description="Explore the conversations that the OpenAI Agents SDK stores with AdvancedSQLiteSession:"
        " every branch and turn as a tree, any branch as a chat, the tokens of each turn.",
        epilog="Looking never writes to the file. Press ? inside for the keys. Without a screen:"
        f" convo-tui {{{','.join(COMMANDS)}}} FILE; each of them knows --help.",
        allow_abbrev=False,
    )
    file = parser.add_argument("file", nargs="?", metavar="FILE", help="the SQLite file that an agent's session wrote")
    file.completer = complete_commands_and_files  # type: ignore[attr-defined]
    session = parser.add_argument("--session", metavar="ID", help="open this session (default: the one written last)")
    session.completer = complete_sessions  # type: ignore[attr-defined]
    branch = parser.add_argument("--branch", metavar="ID", help="open this branch (default: the one written last)")
    branch.completer = complete_branches  # type: ignore[attr-defined]
    parser.add_argument("--read-only", action="store_true", help="refuse everything that would write to the file")
    parser.add_argument(
        "--price-as", metavar="MODEL", help="price turns whose model is not recorded as this one, as in gpt-5-mini"
    )
    talk = parser.add_argument_group(
        "talking to an agent", "Without one of --agent, --model and a profile, none answers."
    )
    talk.add_argument("--agent", metavar="WHERE", help="your Agent: module:attribute or path/file.py:attribute")
    talk.add_argument("--model", metavar="NAME", help="a plain assistant on this model; 'offline' needs no key")
    talk.add_argument("--instructions", metavar="TEXT", help="what the plain assistant is told; @FILE reads a file")
    talk.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server")
    talk.add_argument("--api", choices=("responses", "chat"), help="which API that server speaks")
    talk.add_argument(
        "--env-file", metavar="FILE", type=Path, help="read keys from this .env, where the environment has none"
    )
    talk.add_argument("--profile", metavar="NAME", help="an agent of the configuration file")
    talk.add_argument("--max-turns", type=int, metavar="N", help="how often the model may be called for one message")
    talk.add_argument("--tracing", action="store_true", default=None, help="send the SDK's traces to OpenAI")
    parser.add_argument("--demo", action="store_true", help="open sample conversations, in a file that goes away again")
    parser.add_argument("--version", action="version", version=f"convo-tui {__version__}")
    return parser
