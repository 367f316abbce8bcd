"""Print the README's table of keys, or replace it in a file: `python -m tui.commands README.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from tui.commands.key_table import key_table, replace_key_table

if __name__ == "__main__":
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        path.write_text(replace_key_table(path.read_text("utf-8")), "utf-8")
    else:
        print(key_table(), end="")
