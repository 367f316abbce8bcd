"""Counts the work of SQLite when the explorer reads: statements, and steps of its virtual machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from tui.storage.engine import Engine
from tui.storage.sqlite.connection import Connection
from tui.storage.sqlite.engine import SQLiteEngine
from tui.storage.sqlite.reading import SQLiteReader
from tui.storage.store import Store

__all__ = ["Counted", "connection_of", "counted", "on_reader", "watch_reads"]

T = TypeVar("T")

_GRAIN = 20
"""Steps of the virtual machine between two calls of the progress handler."""


class Counted(NamedTuple, Generic[T]):
    """The result of a call, and the statements and the steps of SQLite's virtual machine that it took.

    About ten steps read one row.
    """

    result: T
    statements: int
    steps: int


def connection_of(engine: Engine) -> Connection:
    """Return the connection of SQLite's engine."""
    assert isinstance(engine, SQLiteEngine)
    return engine.connection


def watch_reads(engine: Engine, watch: Callable[[sqlite3.Connection], object]) -> Callable[[], None]:
    """Call a function with the connection of a reader now, and with each later one until the returned one is called."""
    assert isinstance(engine, SQLiteReader)
    reader = engine._reader
    connect = reader._connect

    def watched(*args: Any, **kwargs: Any) -> Any:
        opened = connect(*args, **kwargs)
        watch(opened.db)
        return opened

    def stop() -> None:
        reader._connect = connect  # type: ignore[method-assign]

    def start(_: object) -> None:
        if reader._opened is not None:
            watch(reader._opened.db)
        reader._connect = watched  # type: ignore[method-assign]

    engine.file.run_sync(start)
    return stop


def on_reader(engine: Engine, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run a function with the connection of a reader."""
    assert isinstance(engine, SQLiteReader)
    return engine.file.run_sync(lambda file: file.read(lambda db, _: work(db)))


async def counted(store: Store, call: Awaitable[T]) -> Counted[T]:
    """Await a call, and count the work of a store's connections."""
    ran: list[str] = []
    grains: list[None] = []

    def watch(db: sqlite3.Connection) -> None:
        db.set_trace_callback(ran.append)
        db.set_progress_handler(lambda: grains.append(None), _GRAIN)

    def leave(db: sqlite3.Connection) -> None:
        db.set_trace_callback(None)
        db.set_progress_handler(None, 0)

    engines = store._reader, store._background
    stops = [watch_reads(engine, watch) for engine in engines]
    result = await call
    for engine, stop in zip(engines, stops, strict=True):
        stop()
        watch_reads(engine, leave)()
    return Counted(result, len(ran), len(grains) * _GRAIN)
