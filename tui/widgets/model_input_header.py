"""The header above a model input: the request, the size of its input, and the shown part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.model.model_input import InputSize, ModelInput
from tui.printable import printable_line
from tui.render import format_size
from tui.widgets.format import ESTIMATE, estimate_mark, fit_name, format_tokens
from tui.words import plural

__all__ = ["ModelInputHeader", "ModelInputState"]

_MUTED: Final = "$foreground-muted"
_NAME_WIDTH: Final = 32
_NOTE: Final = "Instructions and tool definitions were sent as well; a session does not store them."


class ModelInputState(NamedTuple):
    """The state of the header.

    Attributes:
        parts: Names of the parts of the input.
        part_index: Index of the shown part.
        size: The size of the shown part; None while it is not known.
    """

    model_input: ModelInput
    request_index: int
    parts: Sequence[str]
    part_index: int
    size: InputSize | None = None


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
        lines = (_title(state), _counts(state), _parts(state), Content.styled(_NOTE, _MUTED))
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _title(state: ModelInputState) -> Content:
    model_input = state.model_input
    request = f"request {state.request_index + 1} of {len(model_input.requests)}"
    if not model_input.answered and state.request_index == len(model_input.requests) - 1:
        request += ", no answer stored"
    name = fit_name(model_input.branch_id, _NAME_WIDTH)
    return Content.assemble(("Model input", "bold"), (f"  {name} · turn {model_input.turn} · {request}", _MUTED))


def _counts(state: ModelInputState) -> Content:
    size = state.size
    if size is None:
        counts = "counting…"
    else:
        counts = (
            f"{plural(size.items, 'item')} · {format_size(size.size)} · {ESTIMATE}{format_tokens(size.tokens)} tokens"
        )
    return Content.assemble(counts, (f"   {_usage(state.model_input)}", _MUTED))


def _usage(model_input: ModelInput) -> str:
    if model_input.usage is None or (usage := model_input.usage.usage) is None:
        return "no usage stored"
    cached = ""
    if usage.cached_tokens is not None and usage.input_tokens:
        cached = f", {usage.cached_tokens / usage.input_tokens:.0%} cached"
    tokens = f"{estimate_mark(usage)}{format_tokens(usage.input_tokens)}"
    return f"the turn: {plural(usage.requests, 'request')}, {tokens} in{cached}"


def _parts(state: ModelInputState) -> Content:
    parts = []
    for index, name in enumerate(state.parts):
        style = "bold reverse" if index == state.part_index else _MUTED
        parts.append(Content.styled(f" {printable_line(name)} ", style))
    return Content(" ").join(parts)
