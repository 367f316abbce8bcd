"""What stands above the input of a request: which one it is, how much, and what of it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.model.model_input import InputSize, ModelInput
from tui.printable import printable_line
from tui.render import format_size
from tui.widgets.format import fit_name, format_tokens
from tui.widgets.usage.run_text import estimate_mark

__all__ = ["SeenHead", "SeenState"]

_MUTED: Final = "$foreground-muted"
_NAME: Final = 32
_NOTE: Final = "Instructions and tool definitions were sent as well; a session does not store them."


class SeenState(NamedTuple):
    """What is shown.

    Attributes:
        seen: The requests of the turn.
        request: Which of them, from 0.
        parts: Names of what can be shown of it.
        part: Which of those is.
        weight: How much that is; None while it is not known.
    """

    seen: ModelInput
    request: int
    parts: Sequence[str]
    part: int
    weight: InputSize | None = None


class SeenHead(Widget):
    """Four lines: the request, its weight, what is shown of it, and what is not stored."""

    DEFAULT_CSS = """
    SeenHead {
        height: 5;
        padding: 0 1;
        background: $surface;
        border-bottom: solid $foreground 20%;
    }
    """

    state: reactive[SeenState | None] = reactive(None)
    """What is shown."""

    def render(self) -> Content:
        state, width = self.state, self.content_size.width
        if state is None or width < 1:
            return Content("")
        lines = (_title(state), _counts(state), _parts(state), Content.styled(_NOTE, _MUTED))
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _title(state: SeenState) -> Content:
    seen = state.seen
    of = f"request {state.request + 1} of {len(seen.requests)}"
    if not seen.answered and state.request == len(seen.requests) - 1:
        of += ", no answer stored"
    name = fit_name(seen.branch_id, _NAME)
    return Content.assemble(("What the model saw", "bold"), (f"  {name} · turn {seen.turn} · {of}", _MUTED))


def _counts(state: SeenState) -> Content:
    weight, usage = state.weight, state.seen.usage.usage if state.seen.usage else None
    if weight is None:
        counted = "counting…"
    else:
        items = f"{weight.items:,} item{'s' * (weight.items != 1)}"
        counted = f"{items} · {format_size(weight.size)} · ≈ {format_tokens(weight.tokens)} tokens"
    if usage is None:
        spent = "no usage stored"
    else:
        requests = f"{usage.requests:,} request{'s' * (usage.requests != 1)}"
        cached = ""
        if usage.cached_tokens is not None and usage.input_tokens:
            cached = f", {usage.cached_tokens / usage.input_tokens:.0%} cached"
        spent = f"the turn: {requests}, {estimate_mark(usage)}{format_tokens(usage.input_tokens)} in{cached}"
    return Content.assemble(counted, (f"   {spent}", _MUTED))


def _parts(state: SeenState) -> Content:
    shown = []
    for place, name in enumerate(state.parts):
        style = "bold reverse" if place == state.part else _MUTED
        shown.append(Content.styled(f" {printable_line(name)} ", style))
    return Content(" ").join(shown)
