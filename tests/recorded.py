"""The recorded runs and requests of a file, read for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from agents.testing.model import ModelCall

from tui.model import RunRecord
from tui.model.requests import Request, RequestInput
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

__all__ = ["Recorded", "as_recorded", "as_sent", "assert_sums", "read_recorded"]


class Recorded(NamedTuple):
    """The requests of a branch with what they sent, in order, and the last run of each turn."""

    requests: list[Request]
    inputs: list[RequestInput]
    runs: list[RunRecord]


async def read_recorded(path: Path | str, session_id: str = "chat", branch_id: str = "main") -> Recorded:
    """Return what is recorded on a branch."""
    store = Store(path)
    session = next(found for found in await store.sessions() if found.session_id == session_id)
    tree = await store.tree(session)
    last = tree.branches[branch_id].turns
    by_turn = await store.requests(session, tree, branch_id, 0, last)
    requests = [request for turn in sorted(by_turn) for request in by_turn[turn]]
    inputs = [await store.request_input(session, tree, branch_id, request.turn, request.number) for request in requests]
    usages = await store.turn_usages(session, tree, branch_id, 1, last)
    store.close()
    return Recorded(
        requests,
        [found for found in inputs if found is not None],
        [usage.run for usage in usages if usage.run is not None],
    )


def as_sent(call: ModelCall) -> list[str]:
    """Return what the SDK's scripted model got: instructions, tools, settings and items, as JSON."""
    tools: list[Any] = [
        (tool.name, tool.params_json_schema, tool.strict_json_schema, "function", tool.description)
        for tool in cast("list[Any]", call.tools)
    ]
    tools += [
        (tool.tool_name, tool.input_json_schema, tool.strict_json_schema, "function", tool.tool_description)
        for tool in call.handoffs
    ]
    names = ("name", "parameters", "strict", "type", "description")
    settings = {name: value for name, value in call.model_settings.to_json_dict().items() if value is not None}
    if reasoning := settings.get("reasoning"):
        settings["reasoning"] = {name: value for name, value in reasoning.items() if value is not None}
    if call.output_schema is not None:
        settings["response_format"] = {
            "type": "json_schema",
            "name": call.output_schema.name(),
            "schema": call.output_schema.json_schema(),
            "strict": call.output_schema.is_strict_json_schema(),
        }
    tools = [dict(zip(names, tool, strict=True)) for tool in tools]
    return [json.dumps(part) for part in (call.system_instructions, tools, settings, call.input)]


def as_recorded(found: RequestInput) -> list[str]:
    """Return what is recorded in the same form."""
    return [json.dumps(part) for part in (found.instructions, found.tools, found.settings, found.items)]


async def assert_sums(session: AdvancedSQLiteSession, requests: Sequence[Request]) -> None:
    """Assert that the requests of each turn add up to its usage."""
    for usage in await session.get_turn_usage():
        assert isinstance(usage, dict)
        of_turn = [request.usage for request in requests if request.turn == usage["user_turn_number"]]
        counted = [used for used in of_turn if used is not None]
        # The SDK may count a request whose tokens were not reported.
        assert len(counted) <= usage["requests"] <= len(of_turn)
        assert sum(used.input_tokens for used in counted) == usage["input_tokens"]
        assert sum(used.output_tokens for used in counted) == usage["output_tokens"]
        details = usage["input_tokens_details"] | usage["output_tokens_details"]
        for name in ("cached_tokens", "cache_write_tokens", "reasoning_tokens"):
            assert sum(getattr(used, name) for used in counted) == details[name]
