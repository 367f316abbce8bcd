"""The arguments of `convo-tui FILE` and of all commands, for argparse."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tui import __version__
from tui.cli.command_line import command_line
from tui.cli.completion import SHELLS, complete_branches, complete_files, complete_sessions
from tui.errors import ConfigError

__all__ = ["COMMANDS", "commands_parser", "explorer_parser", "parse", "parser_of"]

AddArguments: TypeAlias = Callable[[argparse.ArgumentParser], object]


class Command(NamedTuple):
    """A command.

    Attributes:
        help: Help text, one line.
        module: The module of `tui.cli` whose `run` runs the command.
        add_arguments: Adds the command's own arguments to a parser that has FILE, --session and --json.
        has_file: Whether the command has FILE, --session and --json.
        has_session: Whether a command with FILE has --session.
        session_help: Help text of --session.
    """

    help: str
    module: str
    add_arguments: AddArguments = lambda _: None
    has_file: bool = True
    has_session: bool = True
    session_help: str = "id or title of the session (default: the one written last)"


def _add_branch(parser: argparse.ArgumentParser, default: str = "the one written last") -> None:
    branch = parser.add_argument("--branch", metavar="NAME", help=f"id or title of the branch (default: {default})")
    _complete_branches(branch)


def _add_target(parser: argparse.ArgumentParser) -> None:
    _add_branch(parser, "the session itself, named with --session unless it is the only one with one branch")


def _add_fork(parser: argparse.ArgumentParser) -> None:
    _add_branch(parser)
    parser.add_argument(
        "--turn", metavar="N", type=_positive, help="the first turn that is not shared (default: share all turns)"
    )
    parser.add_argument("--name", metavar="ID", help="id of the new branch (default: made of turn and time)")


def _add_rename(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", metavar="TITLE", type=str.strip, help="the title; an empty one removes it")
    _add_target(parser)


def _add_delete(parser: argparse.ArgumentParser) -> None:
    _add_target(parser)
    parser.add_argument("--yes", action="store_true", help="delete it, instead of saying what would be deleted")


def _add_show(parser: argparse.ArgumentParser) -> None:
    _add_branch(parser)
    parser.add_argument("--turn", metavar="N[-M]", help="only these turns")


def _add_input(parser: argparse.ArgumentParser) -> None:
    _add_branch(parser)
    parser.add_argument("--turn", metavar="N", type=_positive, help="number of the turn (default: the last one)")
    parser.add_argument(
        "--request", metavar="K", type=_positive, help="number of the request in the turn (default: the last one)"
    )


def _add_usage(parser: argparse.ArgumentParser) -> None:
    _add_branch(parser)
    _add_price_as(parser)
    parser.add_argument("--requests", action="store_true", help="print each request, and whether a cache served it")


def _add_price_as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--price-as", metavar="MODEL", help="model whose prices apply to turns without a recorded model, as gpt-5-mini"
    )


def _add_find(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="+",
        help="text, /regex/, filters: tool: type: role: branch: session: turn: error:",
    )
    _add_branch(parser, "all branches of the session")
    parser.add_argument("--everywhere", action="store_true", help="search all sessions of the file")
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=1000, help="maximum number of hits (default: %(default)s)"
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    _complete_branches(parser.add_argument("a", metavar="A", help="id or title of the left branch"))
    _complete_branches(parser.add_argument("b", metavar="B", help="id or title of the right branch"))
    _add_price_as(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    branch = group.add_argument("--branch", metavar="NAME", help="only this branch, by id or title (default: all)")
    _complete_branches(branch)
    group.add_argument("--through", metavar="BRANCH:TURN", help="only the branches that have this turn")
    parser.add_argument("--format", choices=("md", "json", "html"), help="default: the suffix of --output, else md")
    parser.add_argument("--output", "-o", metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--decrypt", action="store_true", help="decrypt an encrypted session in JSON, too")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "transcript",
        metavar="TRANSCRIPT",
        help="JSON or JSONL file: items, chat messages, a log of Claude Code or Codex; - reads standard input",
    )


def _add_agent(agent: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    agent.add_argument("--agent", metavar="WHERE", help="your Agent: module:attribute or path/file.py:attribute")
    agent.add_argument("--model", metavar="NAME", help="a plain assistant on this model; 'offline' needs no key")
    agent.add_argument("--instructions", metavar="TEXT", help="instructions of the plain assistant; @FILE reads a file")
    agent.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server")
    agent.add_argument("--api", choices=("responses", "chat"), help="the API of that server")
    agent.add_argument(
        "--env-file", metavar="FILE", type=Path, help="read keys from this .env; the environment takes precedence"
    )
    agent.add_argument("--profile", metavar="NAME", help="an agent of the configuration file")
    agent.add_argument("--max-turns", type=int, metavar="N", help="how often the model may be called for one message")
    agent.add_argument(
        "--compact",
        action="store_true",
        default=None,
        help="compact a branch after an answer once it is long; its history is kept",
    )
    agent.add_argument("--tracing", action="store_true", default=None, help="send the SDK's traces to OpenAI")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=_positive, help="number of the run, as `convo-tui runs` prints it")
    parser.add_argument("--call", metavar="ID", help="answer only this call (default: all calls of the run)")


def _add_approve(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        "--always", action="store_true", help="approve all further calls of these tools in this run too"
    )
    _add_agent(parser)


def _add_reject(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for the model to read")
    parser.add_argument("--stop", action="store_true", help="stop the run instead of telling the model; needs no agent")
    _add_agent(parser)


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schema", metavar="NAME", help="schema of a PostgreSQL database (default: its search path)")
    parser.add_argument(
        "--tables",
        metavar="SESSIONS,MESSAGES",
        type=_pair,
        help="tables of a PostgreSQL database (default: those of this program, agent_sessions,agent_messages, or the"
        " only pair)",
    )


def _add_copy(parser: argparse.ArgumentParser) -> None:
    for name in ("source", "target"):
        file = parser.add_argument(name, metavar=name.upper(), help=_PLACE)
        file.completer = complete_files  # type: ignore[attr-defined]
    parser.add_argument("--session", metavar="NAME", help="only this session, by id or title (default: all)")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be copied and left out, and copy nothing"
    )
    parser.add_argument(
        "--replace", action="store_true", help="write over older copies, unless they were changed since they were made"
    )
    parser.add_argument("--decrypt", action="store_true", help="decrypt what is encrypted")
    for option, of in (("--from-", "the source"), ("--", "the target")):
        parser.add_argument(f"{option}schema", metavar="NAME", help=f"schema of {of} on a PostgreSQL server")
        parser.add_argument(
            f"{option}tables", metavar="SESSIONS,MESSAGES", type=_pair, help=f"tables of {of} on a server"
        )
    _add_json(parser)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--postgres", action="store_true", required=True, help="for PostgreSQL; files need none")
    parser.add_argument("--schema", metavar="NAME", help="make this schema, and the tables in it")
    parser.add_argument(
        "--tables",
        metavar="SESSIONS,MESSAGES",
        type=_pair,
        help="names of the SDK's tables (default: agent_sessions,agent_messages)",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, as docs/command-line.md describes")


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


_PLACE: Final = (
    "a SQLite file, or the URL of a PostgreSQL database, of one that SQLAlchemySession opens, or of RedisSession"
)

COMMANDS: Final = {
    "list": Command("list the sessions of a file, and the branches of one", "list"),
    "tree": Command("print the branches of a session as an outline of turns", "tree"),
    "show": Command("print a branch as text", "show", _add_show),
    "input": Command("print what a model was sent in a request of a turn", "input", _add_input),
    "usage": Command("print the tokens, cost and resend cost of a branch, turn by turn", "usage", _add_usage),
    "find": Command("find items that contain a text; exit code 1 if there are none", "find", _add_find),
    "compare": Command("compare two branches from their fork on", "compare", _add_compare),
    "export": Command("export a session or branch as Markdown, JSON or HTML", "export", _add_export),
    "import": Command(
        "import a transcript as a new session; creates the file if it does not exist",
        "import_",
        _add_import,
        session_help="id of the new session (default: the id in the transcript, else the name of its file)",
    ),
    "adopt": Command("add messages of a plain SQLiteSession to a branch", "adopt"),
    "fork": Command("create a branch that shares the turns before a turn", "manage", _add_fork),
    "rename": Command("give a session, or a branch of it, a title", "manage", _add_rename),
    "archive": Command("archive a session, or a branch of it", "manage", _add_target),
    "unarchive": Command("bring an archived session or branch back", "manage", _add_target),
    "delete": Command("delete a session, or a branch of it", "manage", _add_delete),
    "runs": Command("list the runs that wait for the approval of a tool call", "runs", has_session=False),
    "approve": Command(
        "approve the tool calls for which a run waits, and print its answer", "runs", _add_approve, has_session=False
    ),
    "reject": Command(
        "reject the tool calls for which a run waits, and print its answer", "runs", _add_reject, has_session=False
    ),
    "undo": Command("undo the last change that the explorer or a command made", "manage", has_session=False),
    "redo": Command("redo the last change that was undone", "manage", has_session=False),
    "copy": Command("copy sessions to another database, of any kind", "copy", _add_copy, has_file=False),
    "schema": Command(
        "print the SQL that makes the tables of a PostgreSQL database, for migrations",
        "schema",
        _add_schema,
        has_file=False,
    ),
    "keys": Command(
        "list the ids, keys and titles of all commands of the explorer, as the configuration has them",
        "keys",
        _add_json,
        has_file=False,
    ),
    "completion": Command("print the setup of shell completion", "completion", _add_completion, has_file=False),
}


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    sessions, _, messages = text.partition(",")
    if not (sessions and messages) or "," in messages:
        raise argparse.ArgumentTypeError(f"'{text}' is not two names with a comma between them")
    return sessions, messages


_OTHER_NAMES: Final = {
    **dict.fromkeys(("search", "grep"), "find"),
    **dict.fromkeys(("cost", "costs", "price", "tokens", "stats"), "usage"),
    **dict.fromkeys(("cat", "print", "view", "history"), "show"),
    **dict.fromkeys(("ls", "sessions", "branches"), "list"),
    **dict.fromkeys(("name", "title"), "rename"),
    **dict.fromkeys(("rm", "remove"), "delete"),
    **dict.fromkeys(("cp", "clone", "migrate"), "copy"),
    **dict.fromkeys(("load", "add"), "import"),
    **dict.fromkeys(("save", "dump"), "export"),
    "diff": "compare",
    "branch": "fork",
    "requests": "input",
    "restore": "unarchive",
}
"""Names of commands in other programs, and our command for each."""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; `command` of the result is None for the explorer.

    Raises:
        ConfigError: Another argument of a command is in the place of the file.
        SystemExit: The arguments are invalid, or ask for help or version.
    """
    if words and words[0] in COMMANDS:
        options, unknown = commands_parser(words[:1]).parse_known_args(words)
        if COMMANDS[words[0]].has_file and words[0] != "import":
            _require_file_first(words, options.file, [options.file] if unknown else [])
        if unknown:
            # The parser above that of the command would print its own usage.
            options.fail(f"unrecognized arguments: {' '.join(unknown)}")
        return options
    parser = explorer_parser()
    if len(words) > 1 and not words[0].startswith("-") and not _is_database(words[0]):
        other = _OTHER_NAMES.get(words[0].lower())
        near = [other] if other else get_close_matches(words[0], COMMANDS, 1)
        if near or not words[1].startswith("-"):
            known = f"did you mean {near[0]}?" if near else f"commands: {', '.join(COMMANDS)}"
            parser.error(f"'{words[0]}' is neither a command nor a file; {known}")
    options, unknown = parser.parse_known_args(words, argparse.Namespace(command=None))
    if unknown:
        hint = ""
        if unknown[0] in COMMANDS and options.file is not None:
            hint = f"; put the command first: {command_line(unknown[0], options.file, *unknown[1:])}"
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if options.file is None and not options.demo:
        parser.error("name one file, or --demo")
    return options


def _require_file_first(words: Sequence[str], first: str, left_out: Sequence[str]) -> None:
    """Raise ConfigError if a later word of a command is a file, and the one in its place is none.

    The hint has the words in order, without those in `left_out`, which the command does not take.
    """
    if _is_database(first):
        return
    for before, word in pairwise(words[1:]):
        if not before.startswith("-") and _is_database(word):
            others = [other for other in words[1:] if other != word and other not in left_out]
            corrected = command_line(words[0], word, *others)
            raise ConfigError(f"'{first}' is no file.", f"Put the file first: {corrected}")


def _is_database(word: str) -> bool:
    from tui.storage.open import is_server_url

    try:
        return is_server_url(word) or Path(word).is_file()
    except OSError:
        # A long text is no name of a file.
        return False


def parser_of(line: str) -> argparse.ArgumentParser:
    """Return the parser for a command line that a shell completes: the commands' after a complete command."""
    words = line.split()
    has_command = len(words) > 1 and words[1] in COMMANDS and (len(words) > 2 or line[-1:].isspace())
    return commands_parser() if has_command else explorer_parser()


def commands_parser(names: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of some commands, by default of all, which takes 14 ms longer than the parser of one."""
    parser = argparse.ArgumentParser(prog="convo-tui", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        command = COMMANDS[name]
        description = f"{command.help[:1].upper()}{command.help[1:]}."
        subparser = subparsers.add_parser(name, help=command.help, description=description, allow_abbrev=False)
        if command.has_file:
            subparser.add_argument("file", metavar="FILE", help="the SQLite file, or the URL of a PostgreSQL database")
        subparser.set_defaults(fail=subparser.error)
        command.add_arguments(subparser)
        if command.has_file:
            if command.has_session:
                _complete_sessions(subparser.add_argument("--session", metavar="NAME", help=command.session_help))
            _add_server(subparser)
            _add_json(subparser)
    return parser


def explorer_parser() -> argparse.ArgumentParser:
    """Return the parser of `convo-tui FILE`."""
    parser = argparse.ArgumentParser(
        prog="convo-tui",
        description="Explore the conversations that the OpenAI Agents SDK stores with AdvancedSQLiteSession:"
        " every branch and turn as a tree, any branch as a chat, the tokens of each turn.",
        epilog="Exploring never writes to the file. Press ? in the explorer for its keys."
        f" Commands that print text or JSON: convo-tui {{{','.join(COMMANDS)}}} FILE; each has --help.",
        allow_abbrev=False,
    )
    file = parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="the SQLite file that an agent's session wrote, or the URL of a PostgreSQL database",
    )
    file.completer = _complete_commands_and_files  # type: ignore[attr-defined]
    _complete_sessions(
        parser.add_argument(
            "--session", metavar="NAME", help="open this session, by id or title (default: the one written last)"
        )
    )
    _complete_branches(
        parser.add_argument(
            "--branch", metavar="NAME", help="open this branch, by id or title (default: the one written last)"
        )
    )
    _add_server(parser)
    parser.add_argument("--read-only", action="store_true", help="refuse everything that would write to the file")
    _add_price_as(parser)
    _add_agent(parser.add_argument_group("talking to an agent", "Needs --agent, --model or a profile."))
    parser.add_argument(
        "--demo",
        action="store_true",
        help="write sample conversations to FILE, a new file or an empty database, and open it;"
        " without FILE, a temporary copy that is deleted at the end",
    )
    parser.add_argument("--version", action="version", version=f"convo-tui {__version__}")
    return parser


def _complete_sessions(action: argparse.Action) -> None:
    action.completer = complete_sessions  # type: ignore[attr-defined]


def _complete_branches(action: argparse.Action) -> None:
    action.completer = complete_branches  # type: ignore[attr-defined]


def _complete_commands_and_files(prefix: str, **_: object) -> Iterable[str]:
    return [*(name for name in COMMANDS if name.startswith(prefix)), *complete_files(prefix)]
