"""`convo-tui input`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tui.cli.json_objects import input_object
from tui.cli.open import OpenSession, missing_turn, open_session
from tui.cli.output import Output, print_json
from tui.errors import NotFoundError
from tui.formats.outline import readable_items
from tui.items.codec import to_json
from tui.items.types import message_type, tool_name
from tui.model import Branch, Item
from tui.model.model_input import ItemRange, ModelInput
from tui.model.requests import Request, RequestInput
from tui.widgets.format import estimate_mark, format_duration, format_time_and_zone
from tui.words import RECORD_HINT, plural

__all__ = ["run"]

_NONE: Final = "none"
_UNKNOWN: Final = "not recorded"
_ENCRYPTED: Final = "encrypted"


async def run(options: argparse.Namespace) -> int:
    """Print what a model was sent in a request."""
    async with open_session(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        turn = options.turn or branch.turns
        if not 0 < turn <= branch.turns:
            raise missing_turn(branch, turn)
        model_input = await found.store.model_input(found.session, found.tree, branch.branch_id, turn)
        requests = len(model_input.known if model_input.is_recorded else model_input.requests)
        number = options.request or requests
        if number > requests:
            raise NotFoundError(f"Turn {turn} has no request {number}.", f"It has {plural(requests, 'request')}.")
        sent = await _sent(found, branch, model_input, number)
    if options.json:
        print_json(input_object(found.session.session_id, branch.branch_id, requests, sent))
    else:
        out = Output()
        title = (
            f"{found.session.title_and_id}, branch {branch.title_and_id}, turn {turn}, request {number} of {requests}"
        )
        out.line((title, "bold"))
        _print_sent(out, sent, estimate_mark(model_input.usage and model_input.usage.usage))
    return 0


async def _sent(found: OpenSession, branch: Branch, model_input: ModelInput, number: int) -> RequestInput:
    """Return what a request sent: as recorded, or else what is known of it."""
    turn = model_input.turn
    if model_input.is_recorded:
        sent = await found.store.request_input(found.session, found.tree, branch.branch_id, turn, number)
        if sent is None:
            raise NotFoundError(f"Request {number} of turn {turn} is no longer stored.", "Try again.")
        return sent
    stop = model_input.requests[number - 1]
    items = await found.store.input_items(found.session, ItemRange(branch.branch_id, 0, stop))
    is_known = len(model_input.known) == len(model_input.requests)
    request = model_input.known[number - 1] if is_known else Request(0, branch.branch_id, turn, number)
    return RequestInput(request, items=items)


def _print_sent(out: Output, sent: RequestInput, mark: str) -> None:
    request = sent.request
    for line in _facts(request, mark):
        out.line((line, "dim"))
    if not request.has_input:
        out.line(f"What was sent is {_UNKNOWN}. {RECORD_HINT}")
    parts = {
        "instructions": _instructions(sent),
        "tools": _UNKNOWN if sent.tools is None else _json_or_none(sent.tools),
        "settings": _UNKNOWN if sent.settings is None else _json_or_none(sent.settings),
    }
    for name, text in parts.items():
        _print_section(out, name, _ENCRYPTED if name in sent.encrypted_parts else text)
    if sent.items is None:
        _print_section(out, "items", f"{_UNKNOWN}, or changed in the branch since")
        return
    out.line()
    known = "" if request.has_input else ", as they are stored in the branch"
    out.line((plural(len(sent.items), "item"), "bold"), (known, "dim"))
    _print_items(out, sent.items)


def _facts(request: Request, mark: str) -> Iterator[str]:
    """Yield lines on what is known of a request besides its input; `mark` is before tokens that are estimates."""
    times = [format_time_and_zone(request.started_at), format_duration(request.seconds)]
    if request.first_token_seconds is not None:
        times.append(f"first token after {format_duration(request.first_token_seconds)}")
    known = " · ".join(part for part in (request.agent, request.model, *times) if part)
    if known:
        yield known
    if (usage := request.usage) is not None:
        cached = f" ({mark}{usage.cached_tokens:,} cached)" if usage.cached_tokens is not None else ""
        reasoning = f" ({mark}{usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        yield f"{mark}{usage.input_tokens:,} tokens in{cached}, {mark}{usage.output_tokens:,} out{reasoning}"
    if request.response_id:
        yield f"response {request.response_id}"


def _instructions(sent: RequestInput) -> str:
    # Without instructions, a recorded request sent none.
    is_known = sent.request.has_input and sent.items is not None
    return sent.instructions or (_NONE if is_known else _UNKNOWN)


def _json_or_none(value: Any) -> str:
    return to_json(value, indent=2, ensure_ascii=False) if value else _NONE


def _print_section(out: Output, name: str, text: str) -> None:
    out.line()
    out.line((name, "bold"))
    out.indented(text)


def _print_items(out: Output, values: Sequence[Any]) -> None:
    items = (
        Item(0, position, 0, message_type(value), tool_name(value), data=value) for position, value in enumerate(values)
    )
    for item in readable_items(items):
        out.item(item)
