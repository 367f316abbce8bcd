"""Conversations that tests write with either session class."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents.extensions.memory import AdvancedSQLiteSession as SdkSession

from tui.model.requests import RequestUsage, SentRequest

__all__ = [
    "SdkSession",
    "assistant_message",
    "open_sdk",
    "run_result",
    "sent_request",
    "set_times",
    "turn",
    "write_turns",
]


def assistant_message(text: str) -> dict[str, Any]:
    """Return an assistant's message as the Responses API has it."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def turn(text: str, answer: str = "Yes.", tool: str | None = None) -> list[Any]:
    """Return a turn: a user message, a tool call with its output if a tool is named, and an answer."""
    items: list[Any] = [{"role": "user", "content": text}]
    if tool is not None:
        items.append({"type": "function_call", "call_id": "c1", "name": tool, "arguments": '{"city": "Oslo"}'})
        items.append({"type": "function_call_output", "call_id": "c1", "output": "12 °C, rain"})
    return [*items, assistant_message(answer)]


def run_result(tokens: int, cached: int = 0, reasoning: int = 0, requests: int = 1) -> Any:
    """Return the result of a run as `store_run_usage` takes it; the output is a tenth of the input."""
    usage = SimpleNamespace(
        requests=requests,
        input_tokens=tokens,
        output_tokens=tokens // 10,
        total_tokens=tokens + tokens // 10,
        input_tokens_details=SimpleNamespace(cached_tokens=cached),
        output_tokens_details=SimpleNamespace(reasoning_tokens=reasoning),
    )
    return SimpleNamespace(context_wrapper=SimpleNamespace(usage=usage))


def sent_request(tokens: int, items: list[Any] | None, instructions: str = "Answer briefly.") -> SentRequest:
    """Return a request as `record_request` takes it; the output is a tenth of the input."""
    return SentRequest(
        usage=RequestUsage(tokens, tokens // 10, tokens // 2, 0, 0),
        agent="Weather",
        model="gpt-5-mini",
        started_at="2026-03-04 05:06:07",
        seconds=1.5,
        first_token_seconds=0.5,
        response_id=f"resp_{tokens}",
        instructions=instructions,
        tools=[{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}],
        settings={"temperature": 0.5},
        items=items,
    )


def open_sdk(path: Path, session_id: str = "support") -> SdkSession:
    """Open a session of the SDK's class in a file, which is created if it is missing."""
    return SdkSession(session_id=session_id, db_path=path, create_tables=True)


async def write_turns(folder: Path, *turns: list[Any]) -> Path:
    """Write a new file with one session, `support`, and return its path."""
    path = folder / "support.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([item for items in turns for item in items])
    sdk.close()
    return path


def set_times(path: Path, time: str = "2026-03-01 09:30:00") -> None:
    """Give all items of a file the same time, so that pictures of them do not change."""
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("agent_messages", "message_structure"):
            db.execute(f"UPDATE {table} SET created_at = ?", (time,))
        db.execute("UPDATE agent_sessions SET updated_at = NULL")
