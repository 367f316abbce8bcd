"""The command line: `convo-tui FILE` opens the explorer, `convo-tui COMMAND FILE` works without a screen.

What is slow to import is imported once it is known to be needed: `--help` and a wrong name answer at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from tui.errors import ConvoError
from tui.printable import printable_line

__all__ = ["main"]

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `convo-tui` with these arguments, by default the process's own.

    Returns:
        The exit code: 0; 1 where nothing was found; 2 where the arguments, the configuration or the file cannot be
        used; 130 where Ctrl+C ended it.
    """
    if "_ARGCOMPLETE" in os.environ:
        from tui.cli.completion import answer

        answer()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        from tui.cli.parsers import COMMANDS, run

        if words and words[0] in COMMANDS:
            return run(words)
        # Hardly anything of what is made until the first screen stands can be collected.
        gc.disable()
        from tui.cli.explore import explore

        return explore(words)
    except ConvoError as error:
        print(f"convo-tui: {printable_line(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"  {printable_line(error.hint)}", file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        gc.enable()
