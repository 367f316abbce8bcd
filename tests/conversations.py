"""Conversations that tests write, with the SDK's own class or ours: both take the same calls."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents.extensions.memory import AdvancedSQLiteSession as SdkSession

__all__ = ["SdkSession", "open_sdk", "said", "set_times", "spend", "turn"]


def said(text: str) -> dict[str, Any]:
    """An assistant's message as the Responses API returns it."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def turn(text: str, answer: str = "Yes.", tool: str | None = None) -> list[Any]:
    """A user message, a tool call with its output where a tool is named, and an answer."""
    items: list[Any] = [{"role": "user", "content": text}]
    if tool is not None:
        items.append({"type": "function_call", "call_id": "c1", "name": tool, "arguments": '{"city": "Oslo"}'})
        items.append({"type": "function_call_output", "call_id": "c1", "output": "12 °C, rain"})
    return [*items, said(answer)]


def spend(tokens: int, cached: int = 0, reasoning: int = 0, requests: int = 1) -> Any:
    """A run's result as `store_run_usage` takes it: so many tokens in, a tenth of them out."""
    usage = SimpleNamespace(
        requests=requests,
        input_tokens=tokens,
        output_tokens=tokens // 10,
        total_tokens=tokens + tokens // 10,
        input_tokens_details=SimpleNamespace(cached_tokens=cached),
        output_tokens_details=SimpleNamespace(reasoning_tokens=reasoning),
    )
    return SimpleNamespace(context_wrapper=SimpleNamespace(usage=usage))


def open_sdk(path: Path, session_id: str = "support") -> SdkSession:
    """The SDK's own session on a file, made where it is missing."""
    return SdkSession(session_id=session_id, db_path=path, create_tables=True)


def set_times(path: Path, time: str = "2026-03-01 09:30:00") -> None:
    """Give all items of a file the same time, so that pictures of them do not change."""
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("agent_messages", "message_structure"):
            db.execute(f"UPDATE {table} SET created_at = ?", (time,))
        db.execute("UPDATE agent_sessions SET updated_at = NULL")
