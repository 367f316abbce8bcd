"""What works without a screen: `convo-tui COMMAND FILE`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NamedTuple, TypeAlias

from tui.cli.completion import SHELLS, complete_branches, complete_sessions

__all__ = ["COMMANDS", "commands_parser", "run"]

Add: TypeAlias = Callable[[argparse.ArgumentParser], object]


class Command(NamedTuple):
    """A command.

    Attributes:
        help: What it does, one line.
        module: The module that does it, by a function of the command's name; it is imported when it is needed.
        add: Adds its own arguments to a parser that has FILE, --session and --json.
        takes_file: Whether it is about a file at all.
        session: What --session says.
    """

    help: str
    module: str
    add: Add = lambda _: None
    takes_file: bool = True
    session: str = "this session (default: the one written last)"


def _branch(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument("--branch", metavar="ID", help="this branch (default: the one written last)")
    option.completer = complete_branches  # type: ignore[attr-defined]


def _show(parser: argparse.ArgumentParser) -> None:
    _branch(parser)
    parser.add_argument("--turn", metavar="N[-M]", help="these turns alone")


def _usage(parser: argparse.ArgumentParser) -> None:
    _branch(parser)
    parser.add_argument("--price-as", metavar="MODEL", help="price turns whose model is not recorded as this one")


def _find(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", metavar="TEXT", nargs="+", help="text, /regex/, filters: tool: type: role: turn: error:"
    )
    _branch(parser)
    parser.add_argument("--everywhere", action="store_true", help="in all sessions of the file")
    parser.add_argument("--most", metavar="N", type=int, default=1000, help="hits at most (default: %(default)s)")


def _compare(parser: argparse.ArgumentParser) -> None:
    for name, which in (("a", "the one"), ("b", "the other")):
        option = parser.add_argument(name, metavar=name.upper(), help=f"{which} branch")
        option.completer = complete_branches  # type: ignore[attr-defined]
    parser.add_argument("--price-as", metavar="MODEL", help="price turns whose model is not recorded as this one")


def _export(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    option = group.add_argument("--branch", metavar="ID", help="this branch alone (default: all of the session)")
    option.completer = complete_branches  # type: ignore[attr-defined]
    group.add_argument("--through", metavar="BRANCH:TURN", help="the branches that hold this turn")
    parser.add_argument("--format", choices=("md", "json", "html"), default="md", help="default: %(default)s")
    parser.add_argument("--output", "-o", metavar="FILE", help="write to this file (default: standard output)")
    parser.add_argument("--force", action="store_true", help="let it take the place of a file that is there")


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("transcript", metavar="TRANSCRIPT", help="JSON or JSONL; - reads standard input")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


COMMANDS: Final = {
    "list": Command("the sessions of a file, and the branches of one", "list_show"),
    "show": Command("a branch as text", "list_show", _show),
    "usage": Command("what a branch cost, turn by turn: tokens, money, what is sent again", "usage", _usage),
    "find": Command("items that hold a text; exit code 1 where none does", "find", _find),
    "compare": Command("two branches from their fork on", "compare", _compare),
    "export": Command("a session or branch as Markdown, JSON or HTML", "transfer", _export),
    "import": Command(
        "a transcript as a new session; the file is made where it is missing",
        "transfer",
        _import,
        session="what the session is to be called (default: as it calls itself, or as the transcript)",
    ),
    "adopt": Command("give a plain session the structure that branches and usage need", "transfer"),
    "completion": Command("what lets the shell complete convo-tui's arguments", "shell", _completion, takes_file=False),
}


def run(words: Sequence[str]) -> int:
    """Run a command with its arguments.

    Returns:
        The exit code: 0, or 1 where nothing was found.

    Raises:
        ConvoError: The arguments or the file cannot be used.
    """
    # Whoever reads may stop reading, as `head` does; that is no error.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = commands_parser().parse_args(words)
    module = import_module(f"tui.cli.{COMMANDS[options.command].module}")
    return int(getattr(module, f"run_{options.command}")(options))


def commands_parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    parser = argparse.ArgumentParser(prog="convo-tui", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        about = f"{command.help[:1].upper()}{command.help[1:]}."
        added = commands.add_parser(name, help=command.help, description=about, allow_abbrev=False)
        if command.takes_file:
            added.add_argument("file", metavar="FILE", help="the SQLite file")
        command.add(added)
        if command.takes_file:
            option = added.add_argument("--session", metavar="ID", help=command.session)
            option.completer = complete_sessions  # type: ignore[attr-defined]
            added.add_argument("--json", action="store_true", help="print JSON (its shapes: docs/command-line.md)")
    return parser
