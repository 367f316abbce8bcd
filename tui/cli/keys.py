"""`convo-tui keys`: list the commands of the explorer with their ids and keys."""

from __future__ import annotations

import argparse

from tui.cli.output import Output, print_json
from tui.config import load_config

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print the id, the keys, the title and the scope of every binding."""
    from textual.theme import BUILTIN_THEMES

    from tui.explorer.keymap import key_bindings, key_label

    config = load_config()
    config.require_theme(BUILTIN_THEMES)
    bindings = key_bindings(config).values()
    if options.json:
        print_json(
            [
                {
                    "id": binding.id,
                    "keys": [key_label(key) for key in binding.keys],
                    "title": binding.title,
                    "help": binding.help,
                    "scope": binding.scope,
                }
                for binding in bindings
            ]
        )
    else:
        rows = (
            (binding.id, " ".join(map(key_label, binding.keys)), binding.title, binding.scope) for binding in bindings
        )
        Output().table([("id", "keys", "title", "scope"), *rows])
    return 0
