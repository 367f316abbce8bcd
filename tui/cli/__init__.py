"""The command line: `convo-tui FILE` opens the explorer, `convo-tui COMMAND FILE` prints text or JSON.

Modules that are slow to import are imported by the command that needs them, so that `--help` and a wrong argument are
answered at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tui import garbage_collection
from tui.cli.stdout import flush
from tui.errors import ConvoError
from tui.printable import printable_line

if TYPE_CHECKING:
    import argparse

__all__ = ["main"]

_BAD_INPUT: Final = 2
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `convo-tui` with these arguments, by default the process's own.

    Returns:
        The exit code: 0; 1 if nothing was found; 2 if the arguments, the configuration or the file cannot be used; 130
        if Ctrl+C ended it.
    """
    from tui.cli.parsers import parse, parser_of

    if "_ARGCOMPLETE" in os.environ:
        from tui.cli.completion import complete

        complete(parser_of(os.environ.get("COMP_LINE", "")))
    try:
        try:
            code = _run(parse(sys.argv[1:] if argv is None else argv))
            _report_unfinished_logs()
            return code
        finally:
            flush()
    except ConvoError as error:
        _print_error(error)
        return _BAD_INPUT
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        garbage_collection.resume()


def _report_unfinished_logs() -> None:
    if "tui.storage.open" not in sys.modules:
        return
    from tui.storage.open import unfinished_logs

    for path in unfinished_logs():
        _print_error(
            ConvoError(
                f"{path} is open in another program: until it is closed, the newest content is in {path.name}-wal.",
                "To copy the file before that, copy both.",
            )
        )


def _print_error(error: ConvoError) -> None:
    lines = [f"convo-tui: {printable_line(str(error))}", *([f"  {printable_line(error.hint)}"] if error.hint else [])]
    # Standard error may be closed, or be the full disk itself.
    with suppress(OSError):
        if sys.stderr is not None:
            print(*lines, sep="\n", file=sys.stderr, flush=True)


def _run(options: argparse.Namespace) -> int:
    is_explorer = options.command is None
    if is_explorer:
        garbage_collection.pause()
    if getattr(options, "file", None) is not None:
        from tui.storage.open import target_of

        options.file = target_of(options.file, options.schema, options.tables)
    if not is_explorer:
        return _run_command(options)
    from tui.cli.explore import explore

    return explore(options)


def _run_command(options: argparse.Namespace) -> int:
    from tui.cli.parsers import COMMANDS

    # A reader such as `head` may close the pipe; that is no error.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    module = import_module(f"tui.cli.{COMMANDS[options.command].module}")
    return int(asyncio.run(module.run(options)))
