"""All measurements: `python -m tests.bench [--files wide,long] [--scale 0.01] [--actions switch,page]`.

First the explorer on files of four shapes: each action with its budget and the time of other programs for the same
work. Then the session classes and the SDK's, on a file and on a server. Nothing is asserted; results over their budget
are marked ✗.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.bench import postgres, session
from tests.bench.generate import SHAPES, session_ids, write
from tests.bench.measure import File, measure
from tests.bench.table import HEADINGS, Row, check_marks, table_line, write_markdown

COLUMNS = """\
seen: time to the first change of the screen, or to the newest answer on the first screen. finished: time to the last
change in any pane. Both are medians; slowest is the longest time to finished. work: processor time until the program
rests. ✗: over the budget. memory: resident, at the end of the action."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--files", default=",".join(SHAPES), help="shapes of files (default: %(default)s)")
    parser.add_argument("--actions", default="", help="only actions with one of these words, by commas")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the files, 0 to 1 (default: %(default)s)")
    parser.add_argument(
        "--folder", type=Path, default=Path(".bench"), help="folder of the files (default: %(default)s)"
    )
    parser.add_argument("--harlequin", type=Path, default=Path(".bench/harlequin/bin/harlequin"), help="the program")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="write the table between the marks of this page")
    parser.add_argument(
        "--sizes", default="1000,10000,100000", help="items for the session class (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.markdown:
        try:
            check_marks(options.markdown)
        except (OSError, ValueError) as error:
            parser.error(str(error))
    words = [word.strip() for word in options.actions.split(",") if word.strip()]
    options.folder.mkdir(parents=True, exist_ok=True)
    files = [
        File(
            name=name,
            path=_ensure_file(name, options.folder, options.scale),
            session_id=session_ids(SHAPES[name].scaled(options.scale))[-1],
            is_selected=lambda action: not words or any(word in action for word in words),
            harlequin=options.harlequin,
            folder=options.folder,
        )
        for name in options.files.split(",")
    ]

    header = (
        f"Python {platform.python_version()} on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start."
    )
    print(f"{header}\n{COLUMNS}\n\n{table_line(HEADINGS)}", flush=True)
    rows: list[Row] = []
    for file in files:
        for row in measure(file):
            rows.append(row)
            print(table_line(row.cells()), flush=True)
    if options.markdown:
        write_markdown(options.markdown, rows, header)
    if not words and options.sizes:
        sizes = [int(size) for size in options.sizes.split(",")]
        session.run(sizes)
        postgres.run(sizes)


def _ensure_file(name: str, folder: Path, scale: float) -> Path:
    """Return the path of a file, which is written if it does not exist."""
    path = folder / (f"{name}.sqlite" if scale == 1 else f"{name}-{scale}.sqlite")
    if not path.exists():
        write(name, path, scale)
    return path


if __name__ == "__main__":
    main()
