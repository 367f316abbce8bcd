"""`convo-tui export`, `import` and `adopt`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tui.cli.opening import Opened, opened
from tui.cli.output import Output
from tui.errors import ConfigError, NotFoundError
from tui.exchange import Format, export
from tui.exchange.saving import save
from tui.session.whole import Whole

__all__ = ["run_export"]


def run_export(options: argparse.Namespace) -> int:
    """Write a session, or some of its branches, to standard output or a file."""
    return asyncio.run(_export(options))


async def _export(options: argparse.Namespace) -> int:
    form = Format.JSON if options.json else Format(options.format)
    async with opened(options.file, options.session) as found:
        branches = await _branches(found, options)

        def work(whole: Whole) -> None:
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
    return list(chain.through)
