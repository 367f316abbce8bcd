"""Numbers, names and times are short and harmless."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.format import fit_name, format_age, format_count, format_time, format_time_and_zone, format_tokens


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (397, "397"),
        (999, "999"),
        (1_000, "1.0k"),
        (1_249, "1.2k"),
        (1_250, "1.3k"),
        (12_345, "12.3k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_100_000, "1.1M"),
        (123_456_789, "123M"),
        (2_000_000_000, "2.0B"),
        (7_500_000_000_000, "7.5T"),
    ],
)
def test_tokens_are_rounded(count: int, text: str) -> None:
    assert format_tokens(count) == text


@given(st.integers(min_value=0, max_value=10**16))
def test_tokens_never_take_more_than_five_cells(count: int) -> None:
    assert len(format_tokens(count)) <= 5


@pytest.mark.parametrize(("room", "text"), [(9, "1,234,567"), (8, "1.2M")])
def test_a_count_is_written_in_full_if_it_fits(room: int, text: str) -> None:
    assert format_count(1_234_567, room) == text


@pytest.mark.parametrize(
    ("name", "room", "text"),
    [
        ("main", 4, "main"),
        ("get_weather", 8, "get_wea…"),
        ("검색_도구", 9, "검색_도구"),
        ("검색_도구", 8, "검색_도…"),
        ("검색_도구", 4, "검…"),
        ("[/x]", 10, "[/x]"),
        ("main", 0, ""),
    ],
)
def test_a_name_is_cut_to_its_room(name: str, room: int, text: str) -> None:
    assert fit_name(name, room) == text


@given(st.text(), st.integers(min_value=0, max_value=12))
def test_no_name_is_wider_than_its_room(name: str, room: int) -> None:
    assert cell_len(fit_name(name, room)) <= room


@pytest.mark.parametrize("stored", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "yesterday", ""])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Seoul"])
def test_a_time_that_cannot_be_converted_is_left_as_it_is(
    stored: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert isinstance(format_time(stored), str)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (None, ""),
        ("yesterday", ""),
        ("2025-03-01 11:59:30", "now"),
        ("2025-03-01 11:55:00", "5 min ago"),
        ("2025-03-01 10:00:00", "2 h ago"),
        ("2025-02-26 10:00:00", "3 d ago"),
        ("2024-12-24 10:00:00", "2024-12-24"),
    ],
)
def test_an_age_is_written_in_its_largest_unit(stored: str | None, text: str) -> None:
    assert format_age(stored, datetime(2025, 3, 1, 12, 0, tzinfo=UTC)) == text


@pytest.mark.usefixtures("ahead_of_utc")
@pytest.mark.parametrize(
    ("stored", "local"),
    [
        ("2026-03-04 05:06:07", "2026-03-04 14:06 +09:00"),
        ("2026-03-04T23:59:59", "2026-03-05 08:59 +09:00"),
        ("2026-03-04 05:06:07+02:00", "2026-03-04 12:06 +09:00"),
        ("yesterday", "yesterday"),
        (None, ""),
    ],
)
def test_stored_times_are_shown_in_the_local_zone(stored: str | None, local: str) -> None:
    assert format_time_and_zone(stored) == local
    assert local.startswith(format_time(stored))


@pytest.mark.usefixtures("ahead_of_utc")
def test_an_old_day_is_the_local_day() -> None:
    assert format_age("2024-12-24 23:00:00", datetime(2025, 3, 1, 12, 0, tzinfo=UTC)) == "2024-12-25"
