"""Recorded requests in the explorer, by keys and mouse."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import OpenOurs
from tests.explorer.driver import open_explorer
from tests.recorded import as_recorded, as_sent
from tests.recorded_trip import write_recorded_trip
from tui.model.requests import Request, RequestInput, RequestUsage, SentRequest
from tui.screens.recorded_input import RecordedInputScreen


async def test_requests_are_shown_and_copied_as_they_were_sent(path: Path) -> None:
    calls = await write_recorded_trip(path)
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "k", "m")
        assert isinstance(program.app.screen, RecordedInputScreen)
        # The last request is what the answer was made from.
        assert "Model input  main · turn 2 · request 3 of 3" in program.text
        await program.press_each("left_square_bracket", "left_square_bracket")
        assert "Model input  main · turn 2 · request 1 of 3" in program.text
        assert "588 in, 87% cached, 58 out" in program.text
        assert "Answer in one sentence: “short”." in program.text
        assert "▸ book  Book seats on a flight." in program.text
        assert '"temperature": 0.2' in program.text
        # The tool under the cursor unfolds, then its section folds.
        await program.press_each("j", "j", "j", "j", "j", "j", "enter")
        assert '"title": "Flight"' in program.text
        await program.press_each("enter", "k", "k", "h")
        assert "▸ Tools  2" in program.text
        assert "Book seats on a flight." not in program.text
        # It stays folded in the next request.
        await program.press_each("right_square_bracket")
        assert "request 2 of 3" in program.text
        assert "▸ Tools  2" in program.text
        await program.press_each("o")
        assert "▾ find_flight" in program.text
        await program.press_each("M", "g")
        assert '"instructions":' in program.text
        await program.press_each("y")
        assert program.notice.startswith("Copied request 2 as JSON")
        copied = json.loads(program.app.clipboard)
        await program.press_each("right_square_bracket", "right_square_bracket")
        assert "request 3 of 3" in program.text
        await program.press_each("escape")
        assert program.place == ("main", 2)
    sent = RequestInput(Request(0, "main", 2, 2), *(copied[name] for name in RequestInput._fields[1:]))
    assert as_recorded(sent) == as_sent(calls[3])
    assert copied["response_id"] == "resp_640"


async def test_a_request_is_compared_with_the_one_before_the_sibling_and_the_parent(path: Path) -> None:
    await write_recorded_trip(path)
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "k", "m", "left_square_bracket", "tab")
        assert "− main · turn 2 · request 1" in program.text
        for line in ("Instructions  identical", "Tools  2, identical", "Items  2 added", "… 5 identical items …"):
            assert line in program.text
        await program.press_each("n")
        assert "⚙ book" in next((line for line in program.lines if "▌" in line), "")
        await program.press_each("o")
        assert "TP 571 to Lisboa in May: 89 €" in program.text
        assert "⚙ book" in next((line for line in program.lines if "▌" in line), "")
        await program.press_each("o", "tab")
        assert "− cheap · turn 2 · request 1" in program.text
        assert "− You book cheap trips." in program.text
        assert "+ You book trips." in program.text
        await program.press_each("tab")
        assert "▾ Instructions  48 characters" in program.text
    async with open_explorer(path, "cheap", size=(60, 40)) as program:
        await program.press_each("m", "tab")
        assert "− cheap · turn 1 · request 2" in program.text
        await program.press_each("tab")
        assert "− main · turn 2 · request 1" in program.text
        assert "vs parent 'main'" in program.text


async def test_a_request_of_which_only_the_tokens_are_known(path: Path, ours: OpenOurs) -> None:
    await write_recorded_trip(path)
    session = ours(session_id="trip")
    await session.switch_to_branch("cheap")
    await session.record_request(SentRequest(RequestUsage(700, 70)), first=False)
    async with open_explorer(path, "cheap") as program:
        await program.press_each("m")
        assert "request 2 of 2" in program.text
        assert "What this request sent is not recorded." in program.text
        assert "700 in, 70 out" in program.text
        assert "Tools  not recorded" in program.text
        await program.press_each("tab")
        assert program.notice == "No other request is recorded that this one could be compared with."
