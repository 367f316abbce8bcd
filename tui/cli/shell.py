"""`convo-tui completion`."""

from __future__ import annotations

import argparse
import sys

from tui.cli.completion import script

__all__ = ["run_completion"]


def run_completion(options: argparse.Namespace) -> int:
    """Print what the shell has to read."""
    sys.stdout.write(script(options.shell))
    return 0
