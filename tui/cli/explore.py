"""`convo-tui FILE`: open a file and start the explorer."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from tui.cli.agent_settings import agent_settings
from tui.cli.command_line import command_line
from tui.config import Config, load_config
from tui.errors import ConfigError
from tui.printable import printable_line

if TYPE_CHECKING:
    from tui.agent.settings import AgentSettings
    from tui.app import ConvoApp
    from tui.controller import SessionController
    from tui.runs.protocol import Runner
    from tui.storage.open import Target

__all__ = ["explore"]


def explore(options: argparse.Namespace) -> int:
    """Run the explorer.

    Returns:
        The exit code.

    Raises:
        ConvoError: The options, the configuration or the file cannot be used, or there is no terminal.
    """
    _require_terminal(options.file or "FILE")
    config = load_config()
    settings = agent_settings(options, config, offline=options.demo)
    with ExitStack() as stack:
        target = options.file
        if options.demo:
            from tui.demo import write_demo

            if target is None:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="convo-tui-"))
                target = Path(folder) / "demo.sqlite"
            write_demo(target)
        return _run_app(_open(target, options, settings, config), config)


def _require_terminal(file: Target | str) -> None:
    """Raise an error where nothing can be drawn."""
    # `textual serve` and `textual-web` choose a driver that needs no terminal.
    if "TEXTUAL_DRIVER" in os.environ:
        return
    # Textual draws on standard error.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            "The explorer needs a terminal.", f"Run it without pipes; `{command_line('show', file)}` needs no terminal."
        )
    if os.environ.get("TERM") == "dumb":
        raise ConfigError(
            "The explorer cannot draw on a terminal of type 'dumb'.",
            f"Set TERM to the terminal's type, such as xterm-256color; `{command_line('show', file)}` works on any.",
        )


def _open(
    target: Target, options: argparse.Namespace, settings: AgentSettings | None, config: Config
) -> SessionController:
    from tui.storage.store import Store

    # The screen is imported while the program waits for a server, or for SQLite, which releases the interpreter's lock
    # while it reads. A file that cannot be opened is reported at once.
    screen = Thread(target=_import_screen, daemon=True)
    if not isinstance(target, Path):
        screen.start()
    # Outside an event loop, as the loop would delay the first Ctrl+C while SQLite waits for a lock.
    store = Store(target, may_be_missing=settings is not None and not options.read_only)
    if isinstance(target, Path):
        screen.start()
    from tui.controller import SessionController

    runner: Runner | None = None
    if settings is not None:
        from tui.agent.runner import AgentRunner

        runner = AgentRunner(settings)
    controller = SessionController(store, runner, read_only=options.read_only, prices=config.prices)
    try:
        if options.price_as is not None:
            controller.usage.set_initial_price_model(options.price_as)
        asyncio.run(controller.open(options.session, options.branch))
    except BaseException:
        controller.close()
        raise
    return controller


def _import_screen() -> None:
    # The main thread imports it again and raises the error.
    with suppress(Exception):
        import_module("tui.app")


def _run_app(controller: SessionController, config: Config) -> int:
    try:
        from tui.app import ConvoApp
        from tui.tty.descriptors import private_terminal

        with private_terminal():
            app = ConvoApp(controller, config)
            asyncio.run(_run_app_and_stop(app, controller))
        if controller.agent is not None and controller.agent.left_waiting:
            names = ", ".join(f"'{name}'" for name in controller.agent.left_waiting)
            print(
                f"convo-tui: A run on {printable_line(names)} waits for approval, and stays in the file.",
                "  Open the file with the agent again, or use `convo-tui approve` or `reject`.",
                sep="\n",
                file=sys.stderr,
            )
        return app.return_code or 0
    finally:
        controller.close()


async def _run_app_and_stop(app: ConvoApp, controller: SessionController) -> None:
    from tui.cli.daemon_threads import DaemonThreads

    loop = asyncio.get_running_loop()
    loop.set_default_executor(DaemonThreads())
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, app.call_later, app.leave, 128 + number)
    try:
        await app.run_async()
    finally:
        # The terminal may have gone, or the browser.
        if controller.agent is not None:
            await controller.agent.stop_all()
