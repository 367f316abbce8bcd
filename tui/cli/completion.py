"""What the shell offers when Tab is pressed: commands, options, files, and the sessions and branches of the file named.

`argcomplete` speaks with the shell; it is imported when the shell asks, and never otherwise.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

__all__ = ["SHELLS", "answer", "complete_branches", "complete_commands_and_files", "complete_sessions", "script"]

SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """What the shell has to read once, to ask `convo-tui` from then on."""
    from argcomplete.shell_integration import shellcode

    code: str = shellcode(["convo-tui"], shell=shell)
    return code


def answer() -> None:
    """Tell the shell what fits the line it has, and end the process."""
    import argcomplete

    from tui.cli.explore import explore_parser
    from tui.cli.parsers import COMMANDS, commands_parser

    words = os.environ.get("COMP_LINE", "").split()
    known = len(words) > 1 and words[1] in COMMANDS and os.environ.get("COMP_LINE", "").strip() != " ".join(words[:2])
    argcomplete.autocomplete(commands_parser() if known else explore_parser(), always_complete_options="long")


def complete_commands_and_files(prefix: str, **_: object) -> Iterable[str]:
    """The names of commands and of files that begin so."""
    from argcomplete.completers import FilesCompleter

    from tui.cli.parsers import COMMANDS

    return [*(name for name in COMMANDS if name.startswith(prefix)), *FilesCompleter()(prefix)]


def complete_sessions(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """The sessions of the named file."""
    from tui.cli.open import names

    return [name for name in names(parsed_args.file) if name.startswith(prefix)]


def complete_branches(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """The branches of the named file's session."""
    from tui.cli.open import names

    found = names(parsed_args.file, getattr(parsed_args, "session", None), branches=True)
    return [name for name in found if name.startswith(prefix)]
