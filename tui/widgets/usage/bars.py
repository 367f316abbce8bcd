"""Stacked bars made of characters: which part of a turn's tokens fills which eighth of which cell."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from tui.model import Usage

__all__ = ["PATTERNS", "Part", "Run", "bar", "height", "patterned", "split"]

EIGHTHS = 8
_LEFT = " ▏▎▍▌▋▊▉█"
_LOWER = " ▁▂▃▄▅▆▇█"


class Part(IntEnum):
    """The parts of a bar, in the order in which they are stacked; they do not overlap."""

    CACHED = 0
    """Input that the provider had cached."""
    INPUT = 1
    """All other input."""
    OUTPUT = 2
    """Output that is not reasoning."""
    REASONING = 3
    """Reasoning."""


PATTERNS = {Part.CACHED: "░", Part.INPUT: "█", Part.OUTPUT: "▒", Part.REASONING: "▓"}
"""What tells the parts apart where colour is off: neighbours differ most."""


class Run(NamedTuple):
    """Neighbouring cells that look alike.

    Attributes:
        text: What stands in them.
        ink: The part whose colour the characters have; None for empty cells.
        paper: The part whose colour is behind them; None for the row's own background.
    """

    text: str
    ink: Part | None
    paper: Part | None = None


def split(usage: Usage) -> tuple[int, int, int, int]:
    """The tokens of each `Part`; they add up to input and output together."""
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
    return cached, usage.input_tokens - cached, usage.output_tokens - reasoning, reasoning


def bar(parts: tuple[int, int, int, int], scale: int, width: int) -> Iterator[Run]:
    """A bar with borders between the parts at eighths of a cell.

    Args:
        parts: Tokens of each part.
        scale: Tokens that fill the whole width.
        width: Cells, all of which are yielded.
    """
    edges = _edges(parts, scale, width * EIGHTHS)
    cell = 0
    while cell < width:
        covers = _covers(edges, cell * EIGHTHS)
        if len(covers) == 1:
            part = covers[0][0]
            end = width * EIGHTHS if part is None else edges[part]
            cells = (end - cell * EIGHTHS) // EIGHTHS
            yield Run((" " if part is None else _LEFT[EIGHTHS]) * cells, part)
            cell += cells
            continue
        # A cell has two colours at most: the smallest of three or more gives way to its neighbour.
        while len(covers) > 2:
            least = min(range(len(covers)), key=lambda place: covers[place][1])
            _, cover = covers.pop(least)
            neighbour, beside = covers[max(least - 1, 0)]
            covers[max(least - 1, 0)] = (neighbour, beside + cover)
        (ink, cover), (paper, _) = covers
        yield Run(_LEFT[cover], ink, paper)
        cell += 1


def patterned(parts: tuple[int, int, int, int], scale: int, width: int) -> Iterator[Run]:
    """A bar whose parts differ in pattern, in whole cells; arguments as for `bar`."""
    edges = [round(edge / EIGHTHS) for edge in _edges(parts, scale, width * EIGHTHS)]
    if any(parts):
        edges[-1] = max(edges[-1], 1)
    start = 0
    for part, edge in zip(Part, edges, strict=True):
        if edge > start:
            yield Run(PATTERNS[part] * (edge - start), part)
            start = edge
    if start < width:
        yield Run(" " * (width - start), None)


def height(tokens: int, scale: int) -> str:
    """One cell filled from below, as high as `tokens` is of `scale`; whatever is not nothing shows."""
    if not tokens:
        return " "
    return _LOWER[max(1, min(EIGHTHS, round(tokens * EIGHTHS / scale)))]


def _edges(parts: tuple[int, int, int, int], scale: int, length: int) -> list[int]:
    """Where each part ends; a bar that is not empty is at least one long."""
    edges: list[int] = []
    total = 0
    for tokens in parts:
        total += tokens
        edges.append(min(length, round(total * length / scale)) if scale else 0)
    if total and not edges[-1]:
        largest = max(Part, key=lambda part: parts[part])
        edges = [int(part >= largest) for part in Part]
    return edges


def _covers(edges: list[int], start: int) -> list[tuple[Part | None, int]]:
    """The parts that show in one cell with the eighths that each takes, from left to right."""
    covers: list[tuple[Part | None, int]] = []
    position, end = start, start + EIGHTHS
    for part, edge in zip(Part, edges, strict=True):
        if edge > position:
            covers.append((part, min(edge, end) - position))
            position = min(edge, end)
        if position == end:
            return covers
    covers.append((None, end - position))
    return covers
