"""Counts the work of SQLite when the explorer reads: statements, and steps of its virtual machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable
from typing import Generic, NamedTuple, TypeVar

from tui.storage.engine import Engine
from tui.storage.sqlite.connection import Connection
from tui.storage.sqlite.engine import SQLiteEngine
from tui.storage.store import Store

__all__ = ["Counted", "connection_of", "counted"]

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


async def counted(store: Store, call: Awaitable[T]) -> Counted[T]:
    """Await a call, and count the work of a store's connections."""
    ran: list[str] = []
    grains: list[None] = []
    connections = [connection_of(engine) for engine in (store._reader, store._background)]

    def watch(db: sqlite3.Connection) -> None:
        db.set_trace_callback(ran.append)
        db.set_progress_handler(lambda: grains.append(None), _GRAIN)

    def leave(db: sqlite3.Connection) -> None:
        db.set_trace_callback(None)
        db.set_progress_handler(None, 0)

    for connection in connections:
        connection.run_sync(watch)
    result = await call
    for connection in connections:
        connection.run_sync(leave)
    return Counted(result, len(ran), len(grains) * _GRAIN)
