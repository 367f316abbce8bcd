"""`convo-tui schema`."""

from __future__ import annotations

import argparse

from tui.cli.stdout import print_document
from tui.storage.open import server_ddl

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print the statements that make the tables of a server."""
    print_document(f"{statement};\n" for statement in server_ddl(options.schema, options.tables))
    return 0
