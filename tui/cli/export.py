"""`convo-tui export`."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from tui.cli.open import OpenSession, missing_turn, open_session
from tui.cli.output import Output
from tui.cli.stdout import is_unicode, print_document
from tui.errors import ConfigError
from tui.formats import Format, export
from tui.formats.atomic_file import write_atomically
from tui.storage.queries.session_dump import SessionDump
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Write a session, or some of its branches, to standard output or a file."""
    form = _format(options)
    _check_output(options)
    async with open_session(options.file, options.session) as found:
        branches = await _branches(found, options)
        if options.decrypt:
            # It raises an error without the key.
            await found.store.seal(found.session.session_id, for_some=True)

        def write(dump: SessionDump) -> int:
            chunks = export(dump, branches, form, decrypt=options.decrypt)
            if options.output is None:
                print_document(map(_with_references, chunks) if form is Format.HTML and not is_unicode() else chunks)
            else:
                write_atomically(chunks, Path(options.output), overwrite=options.force)
            return dump.not_decrypted

        not_decrypted = await found.store.dump(found.session, write)
    if not_decrypted:
        print(f"Left encrypted with another key: {plural(not_decrypted, 'stored text')}.", file=sys.stderr)
    if options.output is not None:
        Output().line(f"Wrote {options.output}.")
    return 0


def _format(options: argparse.Namespace) -> Format:
    if options.json:
        return Format.JSON
    if options.format is not None:
        return Format(options.format)
    return Format.of_file(options.output or "") or Format.MARKDOWN


def _check_output(options: argparse.Namespace) -> None:
    # Whether it can be looked up at all shows when it is written.
    with suppress(OSError):
        if options.output is not None and not options.force and Path(options.output).is_file():
            raise ConfigError(f"{options.output} exists already.", "Add --force to replace it, or name another file.")


def _with_references(html: str) -> str:
    """Return HTML in ASCII, which is the same in nearly all encodings."""
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


async def _branches(found: OpenSession, options: argparse.Namespace) -> list[str]:
    if options.branch is not None:
        return [(await found.branch(options.branch)).branch_id]
    if options.through is None:
        return list(found.tree.branches)
    name, _, number = options.through.rpartition(":")
    if not name or not number.isdecimal():
        raise ConfigError(
            f"--through {options.through} is not a turn of a branch.", "Write branch and turn, as in main:3."
        )
    branch = await found.branch(name)
    chain = found.tree.chain_at(branch.branch_id, int(number))
    if chain is None:
        raise missing_turn(branch, number)
    return list(chain.holders)
