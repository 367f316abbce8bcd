"""The benchmark runs the real program on a small file, and fills its table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.explorer import first_screen
from tests.bench.generate import SHAPES, generate
from tests.bench.program import Program, ScreenError, Timing
from tests.bench.table import Row

BENCH = ("--scale", "0.002", "--files", "bushy")


def test_the_table_is_printed_and_put_into_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nold text\n<!-- /bench -->\nafter\n")
    arguments = ["--folder", str(tmp_path), "--actions", "unfold", "--markdown", str(page)]
    main([*BENCH, *arguments])

    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("bushy")]
    assert [row[:3] for row in rows] == [["bushy", "unfold", "all"]]
    assert "ms" in rows[0]
    text = page.read_text()
    assert "| bushy | unfold all |" in text
    assert "old text" not in text
    assert (text[:6], text[-6:]) == ("before", "after\n")


def test_a_page_without_marks_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="2"):
        main([*BENCH, "--markdown", str(page)])
    assert "write <!-- bench --> and <!-- /bench --> there" in capsys.readouterr().err


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


def test_the_error_about_a_missing_text_contains_the_screen() -> None:
    with (
        Program([sys.executable, "-c", "print('here'); input()"], patience=1) as program,
        pytest.raises(ScreenError, match="here") as error_info,
    ):
        program.press("", "there")
    assert error_info.value.reason == "not finished after 1 s"


def test_a_row_marks_a_result_that_misses_the_budget() -> None:
    times = tuple(Timing(seen=10, finished=finished, work=5) for finished in (20, 40, 90))
    assert Row("long", "page", times, budget=50).cells() == (
        *("long", "page", "10 ms", "40 ms", "90 ms", "5.0 ms", "≤ 50 ms", "", ""),
    )
    assert Row("long", "page", times, budget=30).misses_budget
    assert Row("long", "idle", value=0.5, unit="%", budget=1).cells()[3:7] == ("0.5 %", "", "", "≤ 1.0 %")
    assert Row("long", "page", failure="not finished after 30 s", budget=30).cells()[6] == "≤ 30 ms ✗"
