"""Shell completion of commands, options, files, sessions and branches; and `convo-tui completion`.

`argcomplete` talks to the shell, and is imported when the shell asks.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Final

from tui.errors import ConvoError

if TYPE_CHECKING:
    from tui.storage.open import Target

__all__ = ["SHELLS", "complete", "complete_branches", "complete_files", "complete_sessions", "run"]

SHELLS: Final = ("bash", "zsh", "fish")


async def run(options: argparse.Namespace) -> int:
    """Print the code with which a shell asks `convo-tui` for completions."""
    from argcomplete.shell_integration import shellcode

    from tui.cli.stdout import print_document

    print_document([shellcode(["convo-tui"], shell=options.shell)])
    return 0


def complete(parser: argparse.ArgumentParser) -> None:
    """Send the completions of the shell's command line, and exit."""
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options="long")


def complete_files(prefix: str, **_: object) -> Iterable[str]:
    """Return the paths of files and folders."""
    from argcomplete.completers import FilesCompleter

    paths: Iterable[str] = FilesCompleter()(prefix)
    return paths


def complete_sessions(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """Return the sessions of the named file; none if they cannot be read."""
    from tui.cli.open import session_names

    return _complete(prefix, parsed_args, session_names)


def complete_branches(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """Return the branches of the named file's session; none if they cannot be read."""
    from tui.cli.open import branch_names

    session = getattr(parsed_args, "session", None)
    return _complete(prefix, parsed_args, lambda target: branch_names(target, session))


def _complete(
    prefix: str, options: argparse.Namespace, names: Callable[[Target], Coroutine[None, None, list[str]]]
) -> list[str]:
    if not options.file:
        return []
    from tui.storage.open import target_of

    try:
        target = target_of(options.file, options.schema, options.tables)
        return [name for name in asyncio.run(names(target)) if name.startswith(prefix)]
    except ConvoError:
        return []
