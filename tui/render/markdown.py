"""Markdown as lines of segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from tui.printable import printable
from tui.render.blocks import BlockRenderer, LeafRenderer
from tui.render.code import IncrementalText
from tui.render.inline import MAX_LEVELS, block_parser
from tui.render.lines import Line
from tui.render.styles import ItemStyles

__all__ = ["IncrementalMarkdown", "markdown_lines"]

# Parsing takes some 4 µs for each character.
_MAX_PARSED_CHARS: Final = 20_000
"""Characters of a text that are parsed; the rest is drawn as plain text."""
_WINDOW_CHARS: Final = 6_000
"""Characters at the end of a growing text that each update parses again, unless a single block is longer."""


def markdown_lines(text: str, width: int, styles: ItemStyles) -> Sequence[Line]:
    """Draw Markdown in lines of at most `width` cells."""
    return IncrementalMarkdown(width, styles).update(text)


class _Block(NamedTuple):
    """A block of the outermost level.

    Attributes:
        tokens: The parser's tokens.
        start: Index of its first line in the parsed text.
        stop: Index of the line after its last line.
        source: Its source if blocks in it are nested too deep for the parser; otherwise empty.
    """

    tokens: Sequence[Token]
    start: int
    stop: int
    source: str


class _FinishedBlock(NamedTuple):
    """A block that more text cannot change, except for the targets of its links.

    Attributes:
        block: The block.
        lines: Its lines.
        gap: Whether a blank line was due before it.
        references: The normalized text of its paragraphs that contain brackets, to search for names of link references.
    """

    block: _Block
    lines: Sequence[Line]
    gap: bool
    references: str


class IncrementalMarkdown:
    """Markdown that grows at its end; each update has the same result as `markdown_lines`.

    Each update parses unfinished blocks again, and draws only the new text in them. A block is finished when the block
    after it has two complete lines, since no rule of Markdown looks further ahead.
    """

    def __init__(self, width: int, styles: ItemStyles) -> None:
        self._width = width
        self._styles = styles
        self._rest = IncrementalText(width, styles.text, styles)
        self._reset()

    def _reset(self) -> None:
        self._finished_source = ""
        self._unsplittable_at = -1
        """Length of the finished source at which a long block begins that cannot be split."""
        self._finished: list[_FinishedBlock] = []
        self._finished_lines: list[Line] = []
        self._gap = False
        self._finished_references: dict[str, Any] = {}
        self._references: dict[str, Any] = {}
        self._leaves = LeafRenderer(self._styles)

    def update(self, text: str) -> Sequence[Line]:
        """Draw a text; if it extends the previous text, only draw the new end."""
        if len(text) <= _MAX_PARSED_CHARS:
            return self._update(text)
        cut = text.rfind("\n\n", 0, _MAX_PARSED_CHARS)
        cut = _MAX_PARSED_CHARS if cut <= 0 else cut
        return [*self._update(text[:cut]), Line([]), *self._rest.update(text[cut:].lstrip("\n"))]

    def _update(self, text: str) -> list[Line]:
        if not text.startswith(self._finished_source):
            self._reset()
        self._leaves.begin_update()
        source = text[len(self._finished_source) :]
        while len(source) > _WINDOW_CHARS and len(self._finished_source) != self._unsplittable_at:
            finished_chars = self._finish_window(source)
            if not finished_chars:
                break
            source = source[finished_chars:]
        parsed, blocks, references = self._parse(source)
        complete_lines = parsed.count("\n")
        finished = _count_finished(blocks, complete_lines)
        if finished:
            self._finish(source, blocks[:finished], _end_of(blocks, finished), references)
        end = complete_lines + bool(parsed[parsed.rfind("\n") + 1 :].strip())
        lines, _ = self._draw(blocks[finished:], self._gap, end)
        return [*self._finished_lines, *lines]

    def _finish_window(self, source: str) -> int:
        """Finish blocks at the beginning of a long source; return the number of finished characters.

        A list that is longer than the window is split before one of its items. Other blocks are never split.
        """
        window = source[: source.rfind("\n", 0, _WINDOW_CHARS) + 1]
        parsed, blocks, references = self._parse(window)
        if finished := _count_finished(blocks, parsed.count("\n")):
            return self._finish(window, blocks[:finished], _end_of(blocks, finished), references)
        items = _list_item_lines(blocks[0]) if blocks else []
        if len(items) < 2:
            self._unsplittable_at = len(self._finished_source)
            return 0
        window = _first_lines(window, items[-1])
        _, blocks, references = self._parse(window)
        tight = any(token.type == "paragraph_open" and token.level == 2 and token.hidden for token in blocks[-1].tokens)
        length = self._finish(window, blocks, items[-1], references)
        self._gap = not tight
        return length

    def _parse(self, source: str) -> tuple[str, list[_Block], dict[str, Any]]:
        """Return the source in printable characters, its blocks, and all link references so far."""
        references = dict(self._finished_references)
        parsed = printable(source)
        blocks = _blocks(block_parser().parse(parsed, {"references": references}), parsed)
        self._update_references(references)
        return parsed, blocks, references

    def _finish(self, source: str, blocks: Sequence[_Block], stop: int, references: Mapping[str, Any]) -> int:
        """Finish blocks, which end before line `stop` of the source; return the number of their characters."""
        for block in blocks:
            self._finish_block(block)
        self._finished_references |= {
            name: reference
            for name, reference in references.items()
            if name not in self._finished_references and reference["map"][0] < stop
        }
        finished = _first_lines(source, stop)
        self._finished_source += finished
        return len(finished)

    def _finish_block(self, block: _Block) -> None:
        text = "\n".join(token.content for token in block.tokens if token.type == "inline" and "[" in token.content)
        gap = self._gap
        lines, self._gap = self._draw([block], gap)
        self._finished_lines += lines
        self._finished.append(_FinishedBlock(block, lines, gap, normalizeReference(text)))

    def _update_references(self, references: Mapping[str, Any]) -> None:
        """Store link references, and draw finished blocks again if the targets of their links have changed."""
        targets = {name: {"href": entry["href"], "title": entry["title"]} for name, entry in references.items()}
        names = targets.keys() | self._references.keys()
        changed = {name for name in names if targets.get(name) != self._references.get(name)}
        if not changed:
            return
        self._references = targets
        self._leaves.set_environment({"references": targets})
        for index, finished in enumerate(self._finished):
            if any(name in finished.references for name in changed):
                lines, _ = self._draw([finished.block], finished.gap)
                self._finished[index] = finished._replace(lines=lines)
        self._finished_lines = [line for finished in self._finished for line in finished.lines]

    def _draw(self, blocks: Sequence[_Block], gap: bool, end: int = -1) -> tuple[list[Line], bool]:
        """Draw blocks; `gap` and the second value returned say whether a blank line is due before and after them.

        If the last block may grow, `end` is the number of lines of the source.
        """
        renderer = BlockRenderer(self._styles, self._width, self._leaves, gap=gap, end=end)
        lines: list[Line] = []
        for block in blocks:
            lines += renderer.plain(block.source) if block.source else renderer.lines(block.tokens)
        return lines, renderer.gap


def _blocks(tokens: Sequence[Token], text: str) -> list[_Block]:
    """Return the blocks of the outermost level."""
    blocks: list[_Block] = []
    first = 0
    for index, token in enumerate(tokens):
        if token.level or token.nesting > 0:
            continue
        inside = tokens[first : index + 1]
        first = index + 1
        start, stop = inside[0].map or (0, 0)
        too_deep = any(token.level >= MAX_LEVELS - 1 for token in inside)
        blocks.append(_Block(inside, start, stop, "\n".join(text.split("\n")[start:stop]) if too_deep else ""))
    return blocks


def _count_finished(blocks: Sequence[_Block], complete_lines: int) -> int:
    """Return the number of blocks that more text cannot change."""
    return sum(after.start + 2 <= complete_lines for after in blocks[1:])


def _end_of(blocks: Sequence[_Block], count: int) -> int:
    """Return the line at which the first blocks end; other blocks follow them."""
    return min(blocks[count - 1].stop, blocks[count].start)


def _list_item_lines(block: _Block) -> list[int]:
    """Return the index of the first line of each item of a list; none for any other block."""
    items = (token for token in block.tokens if token.type == "list_item_open" and token.level == 1)
    return [token.map[0] for token in items if token.map]


def _first_lines(text: str, count: int) -> str:
    end = 0
    for _ in range(count):
        end = text.index("\n", end) + 1
    return text[:end]
