"""Sessions of both classes that are closed when their test ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tui.session import AdvancedSQLiteSession


class OpenOurs(Protocol):
    def __call__(self, path: Path | str = ..., session_id: str = ..., **options: Any) -> AdvancedSQLiteSession: ...


class OpenSDK(Protocol):
    def __call__(self, path: Path | str = ..., session_id: str = ..., **options: Any) -> SDKSession: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "conversations.sqlite"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def ours(opened: ExitStack, path: Path) -> OpenOurs:
    """Open a session with our class."""

    def open_session(path: Path | str = path, session_id: str = "chat", **options: Any) -> AdvancedSQLiteSession:
        session = AdvancedSQLiteSession(session_id=session_id, db_path=path, **{"create_tables": True, **options})
        opened.callback(session.close)
        return session

    return open_session


@pytest.fixture
def sdk(opened: ExitStack, path: Path) -> OpenSDK:
    """Open a session with the SDK's class."""

    def open_session(path: Path | str = path, session_id: str = "chat", **options: Any) -> SDKSession:
        session = SDKSession(session_id=session_id, db_path=path, **{"create_tables": True, **options})
        opened.callback(session.close)
        return session

    return open_session
