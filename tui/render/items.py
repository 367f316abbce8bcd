"""Items as lines of segments, folded or unfolded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style

from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model import Item
from tui.printable import printable
from tui.render.code import compact_json, json_lines, text_lines
from tui.render.content_parts import Markdown, content_text
from tui.render.limits import MAX_LINES, format_size
from tui.render.lines import Line, indent, limit_lines, total_cells, truncate
from tui.render.markdown import markdown_lines
from tui.render.messages import message_role, present_message, present_reasoning
from tui.render.partial import beginning_lines, drawable_part, with_note_on_rest
from tui.render.presentation import ItemPresentation, first_line
from tui.render.styles import ItemStyles
from tui.render.tools import PRESENTERS

__all__ = ["Rendered", "estimated_height", "is_step", "render_item", "starts_open"]

_GUTTER: Final = 4
"""Cells left of a step, for its fold sign and its mark."""

_MAX_TITLE_CHARS: Final = 400

_ANY_STYLES: Final = ItemStyles()


class Rendered(NamedTuple):
    """A drawn item.

    Attributes:
        lines: Its lines, at least one.
        folds: Whether it shows more unfolded than folded; the styles in its first line then have the meta `fold`.
    """

    lines: Sequence[Line]
    folds: bool = False


def is_step(item: Item) -> bool:
    """Return whether an item is drawn as a step: it is no message of the user or the assistant."""
    return message_role(item.data) not in MESSAGE_TYPES and item.type != "user"


def starts_open(item: Item) -> bool:
    """Return whether an item is unfolded at first because it reports a failure."""
    return item.data is not None and _present(item, _ANY_STYLES).failed


def estimated_height(item: Item, width: int, folded: bool) -> int:
    """Estimate the number of lines of an item from its text, without drawing it."""
    if is_step(item) and folded:
        return 1
    content = item.data.get("content") if isinstance(item.data, dict) else item.raw
    text = content_text(content)
    return 1 + len(text) // max(width, 1) + min(text.count("\n"), MAX_LINES)


def render_item(
    item: Item, width: int, *, folded: bool, styles: ItemStyles, markdown: Markdown = markdown_lines
) -> Rendered:
    """Draw an item.

    A user message has no heading since the header of its turn is above it; an assistant message has one. All other
    items are steps: a mark and a line that unfolds.

    Args:
        item: The item; untrusted text in it is made printable.
        width: Cells of a line.
        folded: Whether to draw only the first line of a step.
        styles: The styles.
        markdown: Draws texts that a model wrote.
    """
    width = max(width, 1)
    if item.cut:
        item, rest = drawable_part(item)
        presentation = _present(item, styles, beginning_lines)
        presentation = presentation._replace(
            note=format_size(item.size), body=with_note_on_rest(presentation.body, rest)
        )
    else:
        presentation = _present(item, styles, markdown)
    if presentation.mark:
        return _render_step(presentation, width, folded, styles)
    heading = [Line([], (Segment(presentation.role, styles.muted),), "")] if presentation.role else []
    return Rendered([*heading, *_body_lines(presentation, width, styles)] or [Line([])])


def _render_step(presentation: ItemPresentation, width: int, folded: bool, styles: ItemStyles) -> Rendered:
    mark = "✗" if presentation.failed else presentation.mark
    note = [Segment(f"  … {presentation.note}", styles.muted)] if presentation.note else []
    gutter = _GUTTER if width > 2 * _GUTTER else 0
    room = width - gutter
    title, cut = truncate(presentation.title, max(room - total_cells(note), 1), styles.muted)
    folds = presentation.body is not None and (cut or bool(presentation.note) or presentation.has_more)
    first: tuple[Segment, ...] = ()
    rest: tuple[Segment, ...] = ()
    if gutter:
        sign = Segment(("▸ " if folded else "▾ ") if folds else "  ", styles.muted)
        first = sign, Segment(f"{mark} ", styles.error if presentation.failed else styles.muted)
        rest = (Segment(" " * gutter),)
    if folded or not folds:
        lines = [Line(truncate([*title, *note], room, styles.muted)[0], first)]
    else:
        body = _body_lines(presentation, room, styles)
        heading = presentation.title if presentation.unfolded_title is None else presentation.unfolded_title
        if heading:
            lines = [Line(truncate(heading, room, styles.muted)[0], first), *indent(body, rest, rest)]
        else:
            lines = list(indent(body, first, rest)) or [Line([], first)]
    if folds:
        lines[0] = _with_fold_meta(lines[0])
    return Rendered(lines, folds)


def _body_lines(presentation: ItemPresentation, width: int, styles: ItemStyles) -> Iterable[Line]:
    body = presentation.body
    return () if body is None else limit_lines(body(width, styles), 2 * MAX_LINES, styles.muted)


def _with_fold_meta(line: Line) -> Line:
    fold = Style(meta={"fold": True})

    def with_meta(segment: Segment) -> Segment:
        return Segment(segment.text, segment.style + fold if segment.style else fold)

    return line._replace(content=[*map(with_meta, line.content)], prefix=tuple(map(with_meta, line.prefix)))


def _present(item: Item, styles: ItemStyles, markdown: Markdown = markdown_lines) -> ItemPresentation:
    data = item.data
    if data is None:
        return _present_undecoded(item, styles)
    if message_role(data):
        return present_message(data, styles, markdown)
    own_type = data.get("type") if isinstance(data, dict) else None
    if not isinstance(own_type, str):
        return _present_json(item, styles)
    if item_type(own_type).kind is ItemKind.REASONING:
        return present_reasoning(data, styles, markdown)
    presenter = PRESENTERS.get(own_type)
    return _present_json(item, styles) if presenter is None else presenter(data, styles)


def _present_undecoded(item: Item, styles: ItemStyles) -> ItemPresentation:
    raw = item.raw or ""
    return ItemPresentation(
        "✗",
        [Segment("cannot be decoded: ", styles.error), Segment(first_line(raw), styles.text)],
        [Segment("cannot be decoded", styles.error)],
        note=format_size(item.size or len(raw)),
        body=lambda width, styles: text_lines(raw, width, styles.text, styles),
        failed=True,
    )


def _present_json(item: Item, styles: ItemStyles) -> ItemPresentation:
    name = printable(item.type)
    return ItemPresentation(
        "·",
        [
            Segment(f"{name} ", styles.tool),
            Segment(compact_json(item.data, _MAX_TITLE_CHARS)[:_MAX_TITLE_CHARS], styles.muted),
        ],
        [Segment(name, styles.tool)],
        body=lambda width, styles: json_lines(item.data, width, styles),
    )
