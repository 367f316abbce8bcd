"""The benchmark itself, on a small file: it runs the real program and fills its table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.explorer import first_screen
from tests.bench.generate import SHAPES, generate
from tests.bench.program import NeverSeenError, Program, Timing
from tests.bench.table import Row

BENCH = (sys.executable, "-m", "tests.bench", "--scale", "0.002", "--files", "bushy")


def test_the_table_is_printed_and_put_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nwhat stood there\n<!-- /bench -->\nafter\n")
    arguments = ["--folder", str(tmp_path), "--actions", "unfold", "--markdown", str(page)]
    done = subprocess.run([*BENCH, *arguments], capture_output=True, text=True, check=True, timeout=120)

    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("bushy")]
    assert [row[:3] for row in rows] == [["bushy", "unfold", "all"]]
    assert "ms" in rows[0]
    text = page.read_text()
    assert "| bushy | unfold all |" in text
    assert "what stood there" not in text
    assert (text[:6], text[-6:]) == ("before", "after\n")


def test_a_page_without_marks_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    done = subprocess.run([*BENCH, "--markdown", str(page)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "write <!-- bench --> and <!-- /bench --> there" in done.stderr


async def test_a_key_is_timed_to_the_last_change_of_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "bushy.sqlite"
    await generate(path, SHAPES["bushy"].scaled(0.002))
    command = [sys.executable, "-m", "tui", str(path)]
    with Program(command, env={"XDG_CONFIG_HOME": str(tmp_path)}) as program:
        first = first_screen(program)
        assert 0 < first.seen <= first.finished
        assert program.memory() > 10
        program.press("2")
        moved = program.press("g", "turn 1 of")
        assert 0 < moved.seen <= moved.finished
        assert program.press("", "turn 1 of").finished == 0


def test_what_never_comes_is_told_with_the_screen() -> None:
    with (
        Program([sys.executable, "-c", "print('here'); input()"], patience=1) as program,
        pytest.raises(NeverSeenError, match="here") as error_info,
    ):
        program.press("", "there")
    assert error_info.value.brief == "not finished after 1 s"


def test_a_row_says_whether_the_budget_was_kept() -> None:
    times = tuple(Timing(seen=10, finished=finished, work=5) for finished in (20, 40, 90))
    assert Row("long", "page", times, budget=50).cells() == (
        *("long", "page", "10 ms", "40 ms", "90 ms", "5.0 ms", "≤ 50 ms", "", ""),
    )
    assert Row("long", "page", times, budget=30).missed
    assert Row("long", "idle", value=0.5, unit="%", budget=1).cells()[3:7] == ("0.5 %", "", "", "≤ 1.0 %")
    assert Row("long", "page", failure="not finished after 30 s", budget=30).cells()[6] == "≤ 30 ms ✗"
