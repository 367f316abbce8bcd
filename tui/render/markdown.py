"""Markdown to lines: what models write, at any width, with nothing of it acting on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from tui.printable import printable
from tui.render.blocks import Blocks, Leaves
from tui.render.code import IncrementalText
from tui.render.inline import DEEPEST, parser
from tui.render.lines import Line
from tui.render.styles import ItemStyles

__all__ = ["IncrementalMarkdown", "markdown_lines"]

# Parsing takes some 4 µs for each character; what follows is drawn as plain text.
_PARSED = 20_000
# And this is as much as is parsed again and again while it grows, where it can be parted.
_WINDOW = 6_000


def markdown_lines(text: str, width: int, styles: ItemStyles) -> Sequence[Line]:
    """Markdown as lines of at most `width` cells."""
    return IncrementalMarkdown(width, styles).update(text)


class _Block(NamedTuple):
    """A block of the outermost level.

    Attributes:
        tokens: What the parser made of it.
        start: Number of its first line in the text that was parsed.
        stop: Number of the line after its last.
        plain: What was written, where it is nested deeper than the parser reads.
    """

    tokens: Sequence[Token]
    start: int
    stop: int
    plain: str


class _Finished(NamedTuple):
    """A block that no further text will change, except where its links lead.

    Attributes:
        block: The block.
        lines: Its lines.
        gap: Whether a blank line was due before it.
        words: Those of its words that may name an address, as the parser compares names.
    """

    block: _Block
    lines: Sequence[Line]
    gap: bool
    words: str


class IncrementalMarkdown:
    """Markdown that grows at its end, each time drawn as if it were drawn for the first time.

    The last block that is not finished is parsed anew, and of this only what is new is drawn. A block is finished
    once another one has begun after it whose first two lines are complete: no rule looks further ahead.

    Args:
        width: Cells of a line.
        styles: The styles.
    """

    def __init__(self, width: int, styles: ItemStyles) -> None:
        self._width = width
        self._styles = styles
        self._plain = IncrementalText(width, styles.text, styles)
        self._start_anew()

    def _start_anew(self) -> None:
        self._source = ""
        self._whole_from = -1
        self._finished: list[_Finished] = []
        self._lines: list[Line] = []
        self._gap = False
        self._known: dict[str, Any] = {}
        self._named: dict[str, Any] = {}
        self._leaves = Leaves(self._styles)

    def update(self, text: str) -> Sequence[Line]:
        """Draw the text as it is now; one that does not go on where the last one ended is drawn anew."""
        if len(text) <= _PARSED:
            return self._update(text)
        cut = text.rfind("\n\n", 0, _PARSED)
        cut = _PARSED if cut <= 0 else cut
        return [*self._update(text[:cut]), Line([]), *self._plain.update(text[cut:].lstrip("\n"))]

    def _update(self, text: str) -> list[Line]:
        if not text.startswith(self._source):
            self._start_anew()
        self._leaves.begin()
        written = text[len(self._source) :]
        while len(written) > _WINDOW and len(self._source) != self._whole_from and (stop := self._pass_window(written)):
            written = written[stop:]
        tail, blocks, references = self._parse(written)
        complete = tail.count("\n")
        finished = _finished(blocks, complete)
        if finished:
            self._take(written, blocks[:finished], _end_of(blocks, finished), references)
        end = complete + bool(tail[tail.rfind("\n") + 1 :].strip())
        lines, _ = self._draw(blocks[finished:], self._gap, end)
        return [*self._lines, *lines]

    def _pass_window(self, written: str) -> int:
        """Finish what is finished in the beginning of a long text; how many characters that is.

        A list that is longer than the window is parted before an item of it: parsing a list takes as long as it has
        items. Any other block is parsed whole.
        """
        part = written[: written.rfind("\n", 0, _WINDOW) + 1]
        tail, blocks, references = self._parse(part)
        if finished := _finished(blocks, tail.count("\n")):
            return self._take(part, blocks[:finished], _end_of(blocks, finished), references)
        items = (
            [
                token.map[0]
                for token in blocks[0].tokens
                if token.type == "list_item_open" and token.level == 1 and token.map
            ]
            if blocks
            else []
        )
        if len(items) < 2:
            self._whole_from = len(self._source)
            return 0
        part = _first_lines(part, items[-1])
        _, blocks, references = self._parse(part)
        tight = any(token.type == "paragraph_open" and token.level == 2 and token.hidden for token in blocks[-1].tokens)
        stop = self._take(part, blocks, items[-1], references)
        self._gap = not tight
        return stop

    def _parse(self, written: str) -> tuple[str, list[_Block], dict[str, Any]]:
        """What is written in printable characters, its blocks, and the addresses that have names by then."""
        references = dict(self._known)
        tail = printable(written)
        blocks = _blocks(parser().parse(tail, {"references": references}), tail)
        self._name(references)
        return tail, blocks, references

    def _take(self, written: str, blocks: Sequence[_Block], stop: int, references: Mapping[str, Any]) -> int:
        """Draw blocks for good, up to a line of what is written; how many characters that is."""
        for block in blocks:
            self._finish(block)
        self._known |= {
            name: entry for name, entry in references.items() if name not in self._known and entry["map"][0] < stop
        }
        done = _first_lines(written, stop)
        self._source += done
        return len(done)

    def _finish(self, block: _Block) -> None:
        words = "\n".join(token.content for token in block.tokens if token.type == "inline" and "[" in token.content)
        before = self._gap
        lines, self._gap = self._draw([block], before)
        self._lines += lines
        self._finished.append(_Finished(block, lines, before, normalizeReference(words)))

    def _name(self, references: Mapping[str, Any]) -> None:
        """Take in which addresses have names; draw anew what is finished and leads elsewhere now."""
        named = {name: {"href": entry["href"], "title": entry["title"]} for name, entry in references.items()}
        changed = {name for name in named.keys() | self._named.keys() if named.get(name) != self._named.get(name)}
        if not changed:
            return
        self._named = named
        self._leaves.rename({"references": named})
        for index, (block, _, gap, words) in enumerate(self._finished):
            if any(name in words for name in changed):
                lines, _ = self._draw([block], gap)
                self._finished[index] = _Finished(block, lines, gap, words)
        self._lines = [line for finished in self._finished for line in finished.lines]

    def _draw(self, blocks: Sequence[_Block], gap: bool, end: int = -1) -> tuple[list[Line], bool]:
        """Draw blocks, and say whether a blank line is due after them; `end` is where the last of them may grow."""
        drawing = Blocks(self._styles, self._width, self._leaves, gap=gap, end=end)
        lines: list[Line] = []
        for block in blocks:
            lines += drawing.plain(block.plain) if block.plain else drawing.lines(block.tokens)
        return lines, drawing.gap


def _blocks(tokens: Sequence[Token], text: str) -> list[_Block]:
    """The blocks of the outermost level."""
    blocks: list[_Block] = []
    first = 0
    for index, token in enumerate(tokens):
        if token.level or token.nesting > 0:
            continue
        inside = tokens[first : index + 1]
        first = index + 1
        start, stop = inside[0].map or (0, 0)
        deep = any(token.level >= DEEPEST - 1 for token in inside)
        blocks.append(_Block(inside, start, stop, "\n".join(text.split("\n")[start:stop]) if deep else ""))
    return blocks


def _finished(blocks: Sequence[_Block], complete: int) -> int:
    """How many of the blocks no further text will change, where so many lines are complete."""
    return sum(after.start + 2 <= complete for after in blocks[1:])


def _end_of(blocks: Sequence[_Block], count: int) -> int:
    """The line that ends the first blocks, where there are more."""
    return min(blocks[count - 1].stop, blocks[count].start)


def _first_lines(text: str, count: int) -> str:
    end = 0
    for _ in range(count):
        end = text.index("\n", end) + 1
    return text[:end]
