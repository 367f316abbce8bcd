"""The connection's use of aiosqlite."""

from __future__ import annotations

import threading
from pathlib import Path

import aiosqlite
import pytest

from tui.storage.sqlite.connection import Connection


def test_an_aiosqlite_with_other_private_members_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = aiosqlite.Connection.__init__

    def init(self: aiosqlite.Connection, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)  # type: ignore[arg-type]
        del self._tx

    monkeypatch.setattr(aiosqlite.Connection, "__init__", init)
    threads = threading.active_count()
    with pytest.raises(ImportError, match="aiosqlite"):
        Connection(path)
    assert threading.active_count() == threads
    assert not path.exists()
