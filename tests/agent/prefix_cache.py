"""Answers of a model server that has a prompt cache: prefixes of 1,024 tokens and more, in steps of 128."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.agent.server import Call, Handler

__all__ = ["CachedAnswer", "PrefixCache"]

_BYTES_PER_TOKEN = 4


class PrefixCache:
    """Knows the prompts that were sent, and counts how many tokens of another one it has."""

    def __init__(self, *, reports: bool = True) -> None:
        """Create an empty cache, which may report nothing of what it does."""
        self._prompts: list[bytes] = []
        self._reports = reports

    def expire(self) -> None:
        """Forget all prompts."""
        self._prompts.clear()

    def serve(self, body: dict[str, Any]) -> tuple[int, int]:
        """Return the number of tokens of a request, and how many of them were cached."""
        parts = [body["model"], body.get("tools"), body.get("text"), body.get("instructions"), *body["input"]]
        prompt = "".join(json.dumps(part, sort_keys=True) for part in parts).encode()
        common = max((_common_length(prompt, other) for other in self._prompts), default=0) // _BYTES_PER_TOKEN
        self._prompts.append(prompt)
        cached = common - common % 128
        return len(prompt) // _BYTES_PER_TOKEN, cached if cached >= 1024 and self._reports else 0


def _common_length(one: bytes, other: bytes) -> int:
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)


@dataclass
class CachedAnswer:
    """A text or tool calls in one piece, with the tokens that a cache has counted."""

    cache: PrefixCache
    text: str = ""
    calls: Sequence[Call] = field(default_factory=tuple)

    def send(self, handler: Handler) -> None:
        tokens, cached = self.cache.serve(handler.request_body)
        content = [{"type": "output_text", "text": self.text, "annotations": []}]
        output: list[dict[str, Any]] = [
            {
                "id": f"fc_{call.call_id}",
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": json.dumps(call.arguments),
                "status": "completed",
            }
            for call in self.calls
        ]
        if self.text:
            output.append(
                {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}
            )
        handler.send_json(
            {
                "id": "resp_1",
                "object": "response",
                "created_at": 0,
                "model": handler.request_body["model"],
                "status": "completed",
                "output": output,
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": [],
                "usage": {
                    "input_tokens": tokens,
                    "output_tokens": 8,
                    "total_tokens": tokens + 8,
                    "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
                    "output_tokens_details": {"reasoning_tokens": 0},
                },
            }
        )
