"""The local time of tests that show times."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def ahead_of_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time nine hours ahead of the stored times."""
    monkeypatch.setenv("TZ", "KST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
