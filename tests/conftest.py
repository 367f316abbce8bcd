"""Fixtures and settings for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import settings

from tests.pictures import snap_compare
from tests.stylesheets import share_rules
from tui.session import AdvancedSQLiteSession

if TYPE_CHECKING:
    from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

# A fixture of all tests.
__all__ = ["snap_compare"]

share_rules()

# The time that an example takes depends on the machine, so it is not limited. The usual profile tries the same examples
# on every run: a test fails because of a change, never by chance. The other one looks for examples not tried before.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("CONVO_TUI_EXAMPLES", "repeatable"))


class OpenOurs(Protocol):
    """Opens a session of this project's class."""

    def __call__(self, path: Path | str = ..., session_id: str = ..., **options: Any) -> AdvancedSQLiteSession: ...


class OpenSDK(Protocol):
    """Opens a session of the SDK's class."""

    def __call__(self, path: Path | str = ..., session_id: str = ..., **options: Any) -> SDKSession: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "conversations.sqlite"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine: a test runs on each."""
    return str(request.param)


@pytest.fixture
def place(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path | str:
    """A new database on each engine: a file that does not exist yet, and the URL of an empty schema."""
    return tmp_path / "conversations.sqlite" if engine == "sqlite" else str(request.getfixturevalue("postgres"))


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """A stack that is closed when the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def ours(opened: ExitStack, path: Path) -> OpenOurs:
    """Open a session with this project's class."""

    def open_session(path: Path | str = path, session_id: str = "chat", **options: Any) -> AdvancedSQLiteSession:
        session = AdvancedSQLiteSession(session_id=session_id, db_path=path, **{"create_tables": True, **options})
        opened.callback(session.close)
        return session

    return open_session


@pytest.fixture
def sdk(opened: ExitStack, path: Path) -> OpenSDK:
    """Open a session with the SDK's class."""
    # The SDK takes seconds to import, and most tests do not need it.
    from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

    def open_session(path: Path | str = path, session_id: str = "chat", **options: Any) -> SDKSession:
        session = SDKSession(session_id=session_id, db_path=path, **{"create_tables": True, **options})
        opened.callback(session.close)
        return session

    return open_session


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server, which runs until the last test has ended unless CONVO_TEST_POSTGRES names it."""
    # Most tests do not need it.
    from tests.postgres_server import run_server

    if url := os.environ.get("CONVO_TEST_POSTGRES"):
        yield url
        return
    with run_server() as server:
        yield server.url


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The URL of an empty schema on a PostgreSQL server."""
    from tests.postgres_server import new_schema

    return new_schema(postgres_server)
