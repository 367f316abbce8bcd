"""The lines of the requests of an unfolded turn in the chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.model import TurnUsage
from tui.model.cache_evidence import Verdict
from tui.model.requests import Request
from tui.widgets.format import format_cost, format_duration, format_tokens
from tui.widgets.usage.placeholders import LOADING
from tui.widgets.usage.request_words import cache_words, differing_names
from tui.widgets.usage.run_text import missing_usage_text

__all__ = ["LineStyle", "RequestLine", "request_lines"]

_DOT: Final = " · "
_MIN_WIDTH: Final = 12


class LineStyle(StrEnum):
    """The kind of a line, named as the chart's styles."""

    NUMBERS = "label"
    CIRCUMSTANCES = "inherited"
    CHANGED = "changed"
    QUIET = "quiet"


class RequestLine(NamedTuple):
    """A line of a request; its number is 0 if the turn has no known requests."""

    number: int
    text: str
    style: LineStyle


def request_lines(turn: TurnUsage | None, width: int) -> list[RequestLine]:
    """Return the lines of the requests of a turn, or why there are none; None for a turn that was not read."""
    if turn is None:
        return [RequestLine(0, f"  {LOADING}", LineStyle.QUIET)]
    if not turn.requests:
        reason = missing_usage_text(turn.run) if turn.usage is None else "requests not recorded"
        return [RequestLine(0, f"  {reason}", LineStyle.QUIET)]
    digits = len(str(len(turn.requests)))
    found = []
    for request, names in zip(turn.requests, differing_names(turn.requests), strict=True):
        first = True
        for pieces, style in _texts(turn, request, names):
            for line in _wrapped(pieces, max(_MIN_WIDTH, width - digits - 3)):
                margin = str(request.number).rjust(digits) if first else " " * digits
                found.append(RequestLine(request.number, f"  {margin} {line}", style))
                first = False
    return found


def _texts(turn: TurnUsage, request: Request, names: str) -> Iterator[tuple[list[str], LineStyle]]:
    usage = request.usage
    if usage is None:
        numbers = ["tokens not reported"]
    else:
        counts = {"in": usage.input_tokens, "cached": usage.cached_tokens, "out": usage.output_tokens}
        estimated = turn.usage is not None and turn.usage.estimated
        numbers = [
            f"{name} {format_tokens(count, estimated=estimated)}" for name, count in counts.items() if count is not None
        ]
        if request.cost and request.cost.has_price:
            numbers.append(format_cost(request.cost))
    yield numbers, LineStyle.NUMBERS
    times = [format_duration(request.seconds)]
    if request.first_token_seconds is not None:
        times.append(f"first token {format_duration(request.first_token_seconds)}")
    circumstances = [text for text in (*times, names) if text]
    words = [cache_words(request.cache)] if request.cache else []
    is_short = request.cache is not None and request.cache.verdict in (Verdict.HIT, Verdict.UNKNOWN)
    if circumstances or is_short:
        yield [*circumstances, *(words if is_short else ())], LineStyle.CIRCUMSTANCES
    if request.cache is not None and not is_short:
        is_changed = request.cache.verdict is Verdict.PREFIX_CHANGED
        yield words, LineStyle.CHANGED if is_changed else LineStyle.CIRCUMSTANCES


def _wrapped(pieces: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of pieces, joined with dots; a piece begins a line if it does not fit, and its words may."""
    line = ""
    for piece in pieces:
        longer = f"{line}{_DOT}{piece}" if line else piece
        if line and cell_len(longer) > width:
            yield line
            longer = piece
        *full, line = _wrapped_words(longer, width)
        yield from full
    if line:
        yield line


def _wrapped_words(text: str, width: int) -> list[str]:
    """Return the lines of a text, at least one; a word that does not fit is cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(longer) > width:
            lines.append("")
            longer = word
        lines[-1] = longer if cell_len(longer) <= width else set_cell_size(longer, width)
    return lines
