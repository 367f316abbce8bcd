"""The texts of two compared items, cut into chunks of corresponding lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tui.model.compare import ComparedItem
from tui.model.diff import Span

__all__ = ["Chunk", "chunks"]

_MAX_COMMON_LENGTH: Final = 480
"""Length of a common text above which its middle is omitted."""

_END_LENGTH: Final = 160
"""Characters that are kept at each end of a shortened text."""


class Chunk(NamedTuple):
    """Lines of the left text and the corresponding lines of the right text.

    If two texts have nothing in common, their spans are not marked as differing.

    Attributes:
        left: The left lines; None if there is no left item.
        right: The right lines; None if there is no right item.
        differs: Whether the lines differ.
        in_code: Whether the lines may be a part of a block of code, if the texts are Markdown.
    """

    left: Sequence[Span] | None
    right: Sequence[Span] | None
    differs: bool
    in_code: bool = False


def chunks(left: ComparedItem | None, right: ComparedItem | None, *, full: bool) -> Iterator[Chunk]:
    """Cut the texts of two items at lines that both have, so that common lines are shown in the same rows.

    Args:
        left: The left item; None if there is only a right item.
        right: The right item; None if there is only a left item.
        full: Whether to show long common texts in full.
    """
    if left is None or right is None:
        item = left or right
        if item is not None and item.text.strip():
            spans = [_undivided(item)]
            yield Chunk(spans, None, differs=True) if left else Chunk(None, spans, differs=True)
        return
    if all(span.differs for span in (*left.spans, *right.spans)):
        yield Chunk([_undivided(left)], [_undivided(right)], differs=True)
        return
    left_lines: list[Span] = []
    right_lines: list[Span] = []
    # A text with a fence may be inside a block of code anywhere.
    in_code = _has_fence(left.text) or _has_fence(right.text)
    for left_changed, right_changed, common in _aligned(left.spans, right.spans):
        left_lines += left_changed
        right_lines += right_changed
        if common is None:
            continue
        texts = (span.text if full else _shortened(span.text) for span in common)
        for left_text, right_text in zip(*map(_thirds, texts), strict=True):
            left_lines.append(Span(left_text, differs=False))
            right_lines.append(Span(right_text, differs=False))
            if left_text.endswith("\n") and right_text.endswith("\n"):
                yield _chunk(left_lines, right_lines, in_code=in_code)
                left_lines, right_lines = [], []
    if any(span.text.strip() for span in (*left_lines, *right_lines)):
        yield _chunk(left_lines, right_lines, in_code=in_code)


def _has_fence(text: str) -> bool:
    return "```" in text or "~~~" in text


def _undivided(item: ComparedItem) -> Span:
    return Span(item.text.strip("\n"), differs=False)


def _aligned(
    left: Sequence[Span], right: Sequence[Span]
) -> Iterator[tuple[list[Span], list[Span], tuple[Span, Span] | None]]:
    """Iterate over the differing spans of each side and the common span after them; None at the end of the texts.

    Both sides have the same number of common spans.
    """
    others = iter(right)
    left_changed: list[Span] = []
    right_changed: list[Span] = []
    for span in left:
        if span.differs:
            left_changed.append(span)
            continue
        for other in others:
            if not other.differs:
                yield left_changed, right_changed, (span, other)
                break
            right_changed.append(other)
        left_changed, right_changed = [], []
    right_changed.extend(others)
    yield left_changed, right_changed, None


def _thirds(text: str) -> tuple[str, str, str]:
    """Return the end of a line that began before, complete lines, and the beginning of a line."""
    first, last = text.find("\n") + 1, text.rfind("\n") + 1
    return text[:first], text[first:last], text[last:]


def _shortened(text: str) -> str:
    if len(text) <= _MAX_COMMON_LENGTH:
        return text
    head, tail = text[:_END_LENGTH], text[-_END_LENGTH:]
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    omitted = len(text) - len(head) - len(tail)
    return f"{head.rstrip()}\n… {omitted:,} identical characters …\n{tail}"


def _chunk(left: Sequence[Span], right: Sequence[Span], *, in_code: bool) -> Chunk:
    differs = any(span.differs for span in (*left, *right))
    return Chunk(_without_last_newline(left), _without_last_newline(right), differs, in_code)


def _without_last_newline(spans: Sequence[Span]) -> list[Span]:
    kept = [span for span in spans if span.text]
    if kept and kept[-1].text.endswith("\n"):
        kept[-1] = kept[-1]._replace(text=kept[-1].text[:-1])
    return kept
