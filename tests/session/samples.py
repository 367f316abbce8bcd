"""Items and runs as agents make them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias, cast

from agents import RunResult, TResponseInputItem, Usage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

Place: TypeAlias = Path | str
"""A file, or the URL of a database on a server."""


def user(text: str) -> TResponseInputItem:
    return {"role": "user", "content": text}


def assistant(text: str) -> TResponseInputItem:
    return {"role": "assistant", "content": text}


def call(name: str) -> TResponseInputItem:
    return cast(TResponseInputItem, {"type": "function_call", "call_id": "c1", "name": name, "arguments": "{}"})


def turn(number: int) -> list[TResponseInputItem]:
    """A turn of four items."""
    output = {"type": "function_call_output", "call_id": "c1", "output": f"result {number}"}
    return [user(f"question {number}"), call("search"), cast(TResponseInputItem, output), assistant(f"answer {number}")]


def turns(count: int) -> list[TResponseInputItem]:
    return [item for number in range(1, count + 1) for item in turn(number)]


def run(tokens: int = 10, *, cached: int = 0, reasoning: int = 0) -> RunResult:
    """Return the result of a run as far as a session reads it: its usage."""
    usage = Usage(
        requests=1,
        input_tokens=tokens,
        output_tokens=tokens,
        total_tokens=2 * tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=cached, cache_write_tokens=0),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=reasoning),
    )
    return cast(RunResult, SimpleNamespace(context_wrapper=SimpleNamespace(usage=usage)))


class Stored(Protocol):
    """Reads the tables of a database without the session class."""

    def __call__(self, sql: str, **values: object) -> list[tuple[Any, ...]]: ...


def stored_rows(place: Place, sql: str, **values: object) -> list[tuple[Any, ...]]:
    """Return rows of a file or of a server, where the tables of a file are made up; none of a missing table."""
    if isinstance(place, str):
        from tui.storage.postgres.reading import PostgresReader

        reader = PostgresReader(place)
        try:
            return reader.submit_read(lambda tx: tx.execute(sql, **values).fetchall()).result()
        finally:
            reader.close()
    with closing(sqlite3.connect(place)) as db:
        try:
            return db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if not str(error).startswith("no such table"):
                raise
            return []


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return rows of a file, read without either session class."""
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(sql, values).fetchall()
