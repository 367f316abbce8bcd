"""The header above a model input: the request, what is known of it, and the shown part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.model.model_input import InputSize, ModelInput
from tui.model.requests import RequestUsage
from tui.printable import printable_line
from tui.render import format_size
from tui.widgets.format import fit_name, format_duration, format_time, format_tokens
from tui.words import plural

__all__ = ["ModelInputHeader", "ModelInputState", "recorded_state", "stored_state"]

_MUTED: Final = "$foreground-muted"
_NAME_WIDTH: Final = 32
_UNKNOWN: Final = "Only items: hooks=record(session) records all that is sent"


class ModelInputState(NamedTuple):
    """The state of the header; all texts may be untrusted.

    Attributes:
        request: Which request it is.
        size: The size of what is shown.
        usage: Usage of the request.
        parts: Names of the parts of the input.
        part_index: Index of the shown part.
        note: A note below.
    """

    request: str
    size: str
    usage: str
    parts: Sequence[str]
    part_index: int
    note: str


class ModelInputHeader(Widget):
    """Four lines: the request, the size of its input, its parts, and a note."""

    DEFAULT_CSS = """
    ModelInputHeader {
        height: 5;
        padding: 0 1;
        background: $surface;
        border-bottom: solid $foreground 20%;
    }
    """

    state: reactive[ModelInputState | None] = reactive(None)
    """The state; None before anything is shown."""

    def render(self) -> Content:
        state, width = self.state, self.content_size.width
        if state is None or width < 1:
            return Content("")
        lines = (
            Content.assemble(("Model input", "bold"), (f"  {printable_line(state.request)}", _MUTED)),
            Content.assemble(printable_line(state.size), (f"   {printable_line(state.usage)}", _MUTED)),
            _parts(state),
            Content.styled(printable_line(state.note), _MUTED),
        )
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def stored_state(
    model_input: ModelInput, index: int, parts: Sequence[str], part_index: int, size: InputSize | None
) -> ModelInputState:
    """Return the state for a request of which only the items are known; `size` is None while it is not known."""
    counts = "counting…"
    if size is not None:
        tokens = format_tokens(size.tokens, estimated=True)
        counts = f"{plural(size.items, 'item')} · {format_size(size.size)} · {tokens} tokens"
    is_last = index == len(model_input.requests) - 1
    ending = ", no answer stored" if is_last and not model_input.answered else ""
    request = f"{_request_words(model_input, index, len(model_input.requests))}{ending}"
    usage = _turn_usage(model_input)
    if len(model_input.known) == len(model_input.requests):
        usage = _facts(model_input, index) or usage
    return ModelInputState(request, counts, usage, parts, part_index, _UNKNOWN)


def recorded_state(
    model_input: ModelInput, index: int, parts: Sequence[str], part_index: int, items: int | None
) -> ModelInputState:
    """Return the state for a recorded request, with the number of items that it sent, if that is known."""
    request = model_input.known[index]
    note = " · ".join(part for part in (request.agent, format_time(request.started_at), request.response_id) if part)
    if not request.has_input:
        note = f"What this request sent is not recorded. {note}"
    size = "" if items is None else plural(items, "item")
    words = _request_words(model_input, index, len(model_input.known))
    return ModelInputState(words, size, _facts(model_input, index), parts, part_index, note)


def _request_words(model_input: ModelInput, index: int, count: int) -> str:
    name = fit_name(model_input.branch_id, _NAME_WIDTH)
    return f"{name} · turn {model_input.turn} · request {index + 1} of {count}"


def _facts(model_input: ModelInput, index: int) -> str:
    """Return what a request used: its model, tokens and time, as far as they are known."""
    request, of_turn = model_input.known[index], model_input.usage and model_input.usage.usage
    estimated = of_turn is not None and of_turn.estimated
    usage = "no tokens reported" if request.usage is None else _tokens(request.usage, estimated=estimated)
    return " · ".join(part for part in (request.model, usage, format_duration(request.seconds)) if part)


def _tokens(usage: RequestUsage, *, estimated: bool) -> str:
    return (
        f"{format_tokens(usage.input_tokens, estimated=estimated)} in"
        f"{_cached(usage.cached_tokens, usage.input_tokens)},"
        f" {format_tokens(usage.output_tokens, estimated=estimated)} out"
    )


def _cached(cached: int | None, sent: int) -> str:
    return f", {cached / sent:.0%} cached" if cached is not None and sent else ""


def _turn_usage(model_input: ModelInput) -> str:
    if model_input.usage is None or (usage := model_input.usage.usage) is None:
        return "no usage stored"
    tokens = format_tokens(usage.input_tokens, estimated=usage.estimated)
    cached = _cached(usage.cached_tokens, usage.input_tokens)
    return f"the turn: {plural(usage.requests, 'request')}, {tokens} in{cached}"


def _parts(state: ModelInputState) -> Content:
    parts = []
    for index, name in enumerate(state.parts):
        style = "bold reverse" if index == state.part_index else _MUTED
        parts.append(Content.styled(f" {printable_line(name)} ", style))
    return Content(" ").join(parts)
