"""Stacked bars made of characters."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from tui.model import Usage

__all__ = [
    "PATTERNS",
    "BarPart",
    "BarSegment",
    "PartTokens",
    "draw_bar",
    "draw_patterned_bar",
    "split_usage",
    "vertical_bar_cell",
]

_EIGHTHS: Final = 8
_LEFT_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_LOWER_BLOCKS: Final = " ▁▂▃▄▅▆▇█"


class BarPart(IntEnum):
    """The parts of a bar, in the order in which they are stacked; they do not overlap."""

    CACHED = 0
    """Input that the provider read from its cache."""
    INPUT = 1
    """All other input."""
    OUTPUT = 2
    """Output that is not reasoning."""
    REASONING = 3


PartTokens: TypeAlias = tuple[int, int, int, int]
"""The tokens of each `BarPart`."""

PATTERNS: Final = {BarPart.CACHED: "░", BarPart.INPUT: "█", BarPart.OUTPUT: "▒", BarPart.REASONING: "▓"}
"""The characters of the parts if there are no colours; the characters of neighbouring parts differ clearly."""


class BarSegment(NamedTuple):
    """Neighbouring cells of a bar that look alike.

    Attributes:
        foreground: The part whose colour the characters have; None for empty cells.
        background: The part whose colour is behind them; None for the background of the row.
    """

    text: str
    foreground: BarPart | None
    background: BarPart | None = None


def split_usage(usage: Usage) -> PartTokens:
    """Return the tokens of each part; their sum is the sum of input and output."""
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
    return cached, usage.input_tokens - cached, usage.output_tokens - reasoning, reasoning


def draw_bar(parts: PartTokens, scale: int, width: int) -> Iterator[BarSegment]:
    """Draw a bar whose parts end at multiples of 1/8 cell.

    Args:
        parts: Tokens of each part.
        scale: Tokens that fill the width.
        width: Cells of the bar; the rest after the last part is drawn empty.
    """
    edges = _edges(parts, scale, width * _EIGHTHS)
    cell = 0
    while cell < width:
        shares = _shares(edges, cell * _EIGHTHS)
        if len(shares) == 1:
            part = shares[0][0]
            end = width * _EIGHTHS if part is None else edges[part]
            cells = (end - cell * _EIGHTHS) // _EIGHTHS
            yield BarSegment((" " if part is None else _LEFT_BLOCKS[_EIGHTHS]) * cells, part)
            cell += cells
            continue
        # A cell has two colours at most: the smallest of more shares is added to its neighbour.
        while len(shares) > 2:
            least = min(range(len(shares)), key=lambda index: shares[index][1])
            _, eighths = shares.pop(least)
            neighbour = max(least - 1, 0)
            shares[neighbour] = (shares[neighbour][0], shares[neighbour][1] + eighths)
        (foreground, eighths), (background, _) = shares
        yield BarSegment(_LEFT_BLOCKS[eighths], foreground, background)
        cell += 1


def draw_patterned_bar(parts: PartTokens, scale: int, width: int) -> Iterator[BarSegment]:
    """Draw a bar whose parts differ by pattern instead of colour, in whole cells; see `draw_bar`."""
    edges = [round(edge / _EIGHTHS) for edge in _edges(parts, scale, width * _EIGHTHS)]
    if any(parts):
        edges[-1] = max(edges[-1], 1)
    start = 0
    for part, edge in zip(BarPart, edges, strict=True):
        if edge > start:
            yield BarSegment(PATTERNS[part] * (edge - start), part)
            start = edge
    if start < width:
        yield BarSegment(" " * (width - start), None)


def vertical_bar_cell(tokens: int, scale: int) -> str:
    """Return a block character filled from below in proportion to `scale`; more than 0 tokens are always visible."""
    if not tokens:
        return " "
    return _LOWER_BLOCKS[max(1, min(_EIGHTHS, round(tokens * _EIGHTHS / scale)))]


def _edges(parts: PartTokens, scale: int, length: int) -> list[int]:
    """Return the end of each part; a bar with any tokens is at least one unit long."""
    edges: list[int] = []
    total = 0
    for tokens in parts:
        total += tokens
        edges.append(min(length, round(total * length / scale)) if scale else 0)
    if total and not edges[-1]:
        largest = max(BarPart, key=lambda part: parts[part])
        edges = [int(part >= largest) for part in BarPart]
    return edges


def _shares(edges: list[int], start: int) -> list[tuple[BarPart | None, int]]:
    """Return the parts in a cell, from left to right, each with its number of eighths."""
    shares: list[tuple[BarPart | None, int]] = []
    position, end = start, start + _EIGHTHS
    for part, edge in zip(BarPart, edges, strict=True):
        if edge > position:
            shares.append((part, min(edge, end) - position))
            position = min(edge, end)
        if position == end:
            return shares
    shares.append((None, end - position))
    return shares
