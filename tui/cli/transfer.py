"""`convo-tui export`, `import` and `adopt`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tui.cli.open import Opened, opened
from tui.cli.output import Output
from tui.errors import ConfigError, NotFoundError
from tui.formats import Format, export
from tui.formats.atomic_file import save
from tui.formats.transcripts import load, named, read_transcripts
from tui.storage.editor import Editor
from tui.storage.open import create_database
from tui.storage.queries.session_dump import SessionDump
from tui.storage.store import Store

__all__ = ["run_adopt", "run_export", "run_import"]


def run_export(options: argparse.Namespace) -> int:
    """Write a session, or some of its branches, to standard output or a file."""
    return asyncio.run(_export(options))


async def _export(options: argparse.Namespace) -> int:
    form = Format.JSON if options.json else Format(options.format)
    async with opened(options.file, options.session) as found:
        branches = await _branches(found, options)

        def work(whole: SessionDump) -> None:
            pieces = export(whole, branches, form)
            if options.output is None:
                sys.stdout.writelines(pieces)
            else:
                save(pieces, Path(options.output), overwrite=options.force)

        await found.store.whole(found.session, work)
    if options.output is not None:
        Output().line(f"Wrote {options.output}.")
    return 0


async def _branches(found: Opened, options: argparse.Namespace) -> list[str]:
    if options.branch is not None:
        return [(await found.branch(options.branch)).branch_id]
    if options.through is None:
        return list(found.tree.branches)
    name, _, number = options.through.rpartition(":")
    if not name or not number.isdecimal():
        raise ConfigError(f"--through {options.through} names no turn.", "Write a branch and a turn, as in main:3.")
    branch = await found.branch(name)
    chain = found.tree.chain_at(branch.branch_id, int(number))
    if chain is None:
        raise NotFoundError(f"Branch '{name}' has no turn {number}.", f"Its last turn is {branch.turns}.")
    return list(chain.holders)


def run_import(options: argparse.Namespace) -> int:
    """Write the conversations of a transcript as sessions."""
    name = options.session or ""
    if options.transcript == "-":
        incoming = named(read_transcripts(sys.stdin.read()), name, "import")
    else:
        incoming = load(Path(options.transcript), name)
    made = [session.session_id for session in incoming]
    asyncio.run(_editor(Path(options.file), make=True).bring_in(incoming))
    out = Output()
    if options.json:
        out.json({"sessions": made})
    else:
        out.line(f"Imported {', '.join(made)}.")
    return 0


def run_adopt(options: argparse.Namespace) -> int:
    """Give a plain session the structure that branches and usage need."""
    return asyncio.run(_adopt(options))


async def _adopt(options: argparse.Namespace) -> int:
    async with opened(options.file, options.session) as found:
        session_id = found.session.session_id
    items = await _editor(Path(options.file)).adopt(session_id)
    out = Output()
    if options.json:
        out.json({"session_id": session_id, "items": items})
    else:
        out.line(f"Adopted {session_id}, {items:,} items. Undo it with z in the explorer.")
    return 0


def _editor(path: Path, *, make: bool = False) -> Editor:
    """What changes a file; with `make` the file is made where it is missing."""
    if make and not path.exists():
        create_database(path)
    store = Store(path)
    try:
        return Editor(path, store.sessions_table, store.messages_table)
    finally:
        store.close()
