"""All measurements: `python -m tests.bench [--files wide,long] [--scale 0.01] [--actions switch,page]`.

The explorer on files of four shapes, each action beside its budget and the same work by others; then the session class
beside the SDK's. Nothing is asserted: what is over its budget is marked ✗.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

from tests.bench import session as engine
from tests.bench.generate import SHAPES, session_ids, write
from tests.bench.measure import File, measure
from tests.bench.table import HEADINGS, Row, check_markdown, line, write_markdown

COLUMNS = """\
seen: something new is on the screen; for the first screen the newest answer. finished: the last change has come, in
whichever pane. Both are medians, slowest is the longest of finished. work: processor time until the program rests.
✗: over the budget. memory: resident, at the end of the action."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--files", default=",".join(SHAPES), help="which files (default: %(default)s)")
    parser.add_argument("--actions", default="", help="only actions whose names contain one of these, by commas")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each file, 0 to 1 (default: all of it)")
    parser.add_argument(
        "--folder", type=Path, default=Path(".bench"), help="where the files are (default: %(default)s)"
    )
    parser.add_argument("--harlequin", type=Path, default=Path(".bench/harlequin/bin/harlequin"), help="the program")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="put the table into this page, between its marks")
    parser.add_argument("--sizes", default="1000,10000,100000", help="for the session class (default: %(default)s)")
    options = parser.parse_args()
    if options.markdown:
        try:
            check_markdown(options.markdown)
        except (OSError, ValueError) as error:
            parser.error(str(error))
    wanted = [word.strip() for word in options.actions.split(",") if word.strip()]
    options.folder.mkdir(parents=True, exist_ok=True)
    files = [
        File(
            name=name,
            path=_made(name, options.folder, options.scale),
            session_id=session_ids(SHAPES[name].scaled(options.scale))[-1],
            wants=lambda action: not wanted or any(word in action for word in wanted),
            harlequin=options.harlequin,
            folder=options.folder,
        )
        for name in options.files.split(",")
    ]

    about = f"Python {platform.python_version()} on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start."
    print(f"{about}\n{COLUMNS}\n\n{line(HEADINGS)}", flush=True)
    rows: list[Row] = []
    for file in files:
        for row in measure(file):
            rows.append(row)
            print(line(row.cells()), flush=True)
    if options.markdown:
        write_markdown(options.markdown, rows, about)
    if not wanted and options.sizes:
        engine.run([int(size) for size in options.sizes.split(",")])


def _made(name: str, folder: Path, scale: float) -> Path:
    """A file, written the first time that it is needed."""
    path = folder / (f"{name}.sqlite" if scale == 1 else f"{name}-{scale}.sqlite")
    if not path.exists():
        write(name, path, scale)
    return path


if __name__ == "__main__":
    main()
