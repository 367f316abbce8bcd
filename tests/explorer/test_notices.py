"""Notices: one at a time, and always at the same place."""

from __future__ import annotations

from pathlib import Path

from tests.explorer.driver import open_explorer


async def test_notices_that_replace_each_other_stay_in_the_first_lines(path: Path) -> None:
    async with open_explorer(path, size=(60, 24), notifications=True) as program:
        places = []
        for keys in (
            ["asterisk"],
            ["asterisk"],
            ["asterisk"] * 2,
            ["z"] * 4,
            ["Z", "question_mark", "escape"],
            ["asterisk"] * 9,
        ):
            await program.pilot.press(*keys)
            await program.press("asterisk")
            places.append([line for line, text in enumerate(program.lines) if "inned '" in text])
        assert places == [places[0]] * len(places)
        assert places[0]
