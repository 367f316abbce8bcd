"""Items and runs as agents make them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from agents import RunResult, TResponseInputItem, Usage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails


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


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return rows of a file, read without either session class."""
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(sql, values).fetchall()
