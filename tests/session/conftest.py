"""The session class on every engine."""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conftest import OpenOurs
from tests.databases import Place, Stored, stored_rows
from tui.session import AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession

ENGINES = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on every engine unless it needs a file, the SDK's class or the editor, or has the mark `sqlite`."""
    arguments = inspect.signature(metafunc.function).parameters.keys()
    if (
        "ours" in arguments
        and not arguments & {"editor", "path", "sdk", "tmp_path"}
        and metafunc.definition.get_closest_marker("sqlite") is None
    ):
        metafunc.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def place(engine: str, path: Path, request: pytest.FixtureRequest) -> Place:
    """The file of `ours`, or the URL of the database."""
    return path if engine == "sqlite" else str(request.getfixturevalue("postgres"))


@pytest.fixture
def stored(place: Place) -> Stored:
    """Return rows of the tables of a file, as they are stored or as the explorer reads them on a server."""
    return lambda sql, **values: stored_rows(place, sql, **values)


@pytest.fixture
def ours(engine: str, opened: ExitStack, path: Path, request: pytest.FixtureRequest) -> OpenOurs:
    """Open a session with this project's class for an engine."""
    if engine == "postgres":
        from tui.session import AdvancedPostgresSession

        url = request.getfixturevalue("place")

        def open_postgres(session_id: str = "chat", **options: Any) -> AdvancedSession:
            session = AdvancedPostgresSession(session_id=session_id, url=url, **{"create_tables": True, **options})
            opened.callback(session.close)
            return session

        return cast(OpenOurs, open_postgres)

    def open_session(path: Path | str = path, session_id: str = "chat", **options: Any) -> AdvancedSQLiteSession:
        session = AdvancedSQLiteSession(session_id=session_id, db_path=path, **{"create_tables": True, **options})
        opened.callback(session.close)
        return session

    return open_session
