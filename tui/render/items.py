"""An item to lines of segments, at a width, folded or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style

from tui.model import Item
from tui.printable import printable
from tui.render.code import compact_json, json_lines, text_lines
from tui.render.content_parts import Markdown, content_lines, content_text
from tui.render.limits import LIMIT_LINES, data_length, excerpt, format_size
from tui.render.lines import Line, indent, truncate
from tui.render.markdown import markdown_lines
from tui.render.presentation import Body, ItemPresentation, Presenter, first_line
from tui.render.styles import ItemStyles
from tui.render.tool_lines import text_of
from tui.render.tools import TOOL_PRESENTERS

__all__ = ["Rendered", "estimated_height", "is_step", "item_text", "render_item", "starts_open"]

_GUTTER = 4

_MARKDOWN: Final = 4_000
"""Characters of a text that was not read to its end that are read as markdown."""


class Rendered(NamedTuple):
    """An item at a width.

    Attributes:
        lines: At least one.
        folds: It has more to show than it shows folded; its first line then carries the meta `fold`.
    """

    lines: Sequence[Line]
    folds: bool = False


def is_step(item: Item) -> bool:
    """Whether the item is what an agent does between messages: a call, its output, reasoning, anything but words."""
    return _role(item) not in ("user", "assistant") and item.type != "user"


def starts_open(item: Item) -> bool:
    """Whether the item is shown unfolded until the user folds it: it reports a failure."""
    return item.data is not None and _presentation(item, _PLAIN).failed


def render_item(
    item: Item, width: int, *, folded: bool, styles: ItemStyles, markdown: Markdown = markdown_lines
) -> Rendered:
    """Draw an item.

    A message of the user has no heading: it stands under the header of its turn. Every other message has its role
    above it; all else is a step, drawn as a mark and a line that unfolds.

    Args:
        item: The item; nothing in it acts on the terminal.
        width: Cells of a line; drawn as for 1 where it is less.
        folded: Only its first line, where there is more.
        styles: The styles.
        markdown: Draws what the model wrote.
    """
    width = max(width, 1)
    if item.cut:
        item, left = _drawable(item)
        presentation = _presentation(item, styles, _beginning_of_markdown)
        presentation = presentation._replace(note=format_size(item.size), body=_ending(presentation.body, left))
    else:
        presentation = _presentation(item, styles, markdown)
    if not presentation.mark:
        return Rendered([*_heading(presentation, styles), *_body(presentation, width, styles)] or [Line([])])
    return _step(presentation, width, folded, styles)


def _drawable(item: Item) -> tuple[Item, int]:
    """An item that was not read to its end with its last text as far as it is drawn, and the bytes that are left."""
    if item.data is None:
        head = excerpt(item.raw or "").text
        return item._replace(raw=head), item.size - len(head.encode("utf-8", "replace"))
    data, left = _shortened(item.data)
    return item._replace(data=data), item.unread + left


def _shortened(data: Any) -> tuple[Any, int]:
    """A value with the last text in it as far as that is drawn, and how many characters less that is."""
    if isinstance(data, str):
        head = excerpt(data).text
        return head, len(data) - len(head)
    if isinstance(data, dict) and data:
        key = next(reversed(data))
        value, left = _shortened(data[key])
        return {**data, key: value}, left
    if isinstance(data, list) and data:
        value, left = _shortened(data[-1])
        return [*data[:-1], value], left
    return data, 0


def _ending(body: Body | None, left: int) -> Body:
    """A body that also says how much more of the item there is."""

    def ended(width: int, styles: ItemStyles) -> Iterable[Line]:
        end = Line([], (Segment(f"… {format_size(left)} more, y copies all", styles.muted),))
        return chain(() if body is None else body(width, styles), [end])

    return ended


def _beginning_of_markdown(text: str, width: int, styles: ItemStyles) -> Iterable[Line]:
    """What is longer than is ever drawn is hardly markdown: its first words may be."""
    cut = text.rfind("\n\n", 0, _MARKDOWN)
    cut = _MARKDOWN if cut <= 0 else cut
    beginning, rest = markdown_lines(text[:cut], width, styles), text[cut:].lstrip("\n")
    return chain(beginning, [Line([])], text_lines(rest, width, styles.text, styles))


def _heading(presentation: ItemPresentation, styles: ItemStyles) -> Iterator[Line]:
    if presentation.role:
        yield Line([], (Segment(presentation.role, styles.muted),), "")


def _body(presentation: ItemPresentation, width: int, styles: ItemStyles) -> Iterable[Line]:
    if presentation.body is None:
        return ()
    lines = iter(presentation.body(width, styles))
    end = Line([Segment("… more lines, y copies all", styles.muted)])
    return chain(islice(lines, 2 * LIMIT_LINES), (end for _ in islice(lines, 1)))


def _step(presentation: ItemPresentation, width: int, folded: bool, styles: ItemStyles) -> Rendered:
    mark = Segment(
        f"{'✗' if presentation.failed else presentation.mark} ", styles.error if presentation.failed else styles.muted
    )
    note = [Segment(f"  … {presentation.note}", styles.muted)] if presentation.note else []
    gutter = _GUTTER if width > 2 * _GUTTER else 0
    room = width - gutter
    taken = sum(span.cell_length for span in note)
    title, cut = truncate(presentation.title, max(room - taken, 1), styles.muted)
    folds = presentation.body is not None and bool(cut or presentation.note or presentation.more)
    sign = Segment(("▸ " if folded else "▾ ") if folds else "  ", styles.muted)
    first, rest = ((sign, mark), (Segment(" " * gutter),)) if gutter else ((), ())
    if folded or not folds:
        lines = [Line(truncate([*title, *note], room, styles.muted)[0], first)]
    else:
        inner = _body(presentation, room, styles)
        if opened := list(presentation.title if presentation.opened is None else presentation.opened):
            lines = [Line(truncate(opened, room, styles.muted)[0], first), *indent(inner, rest, rest)]
        else:
            lines = list(indent(inner, first, rest)) or [Line([], first)]
    if folds:
        lines[0] = _clickable(lines[0])
    return Rendered(lines, folds)


def _clickable(line: Line) -> Line:
    fold = Style(meta={"fold": True})

    def marked(segment: Segment) -> Segment:
        return Segment(segment.text, segment.style + fold if segment.style else fold)

    return line._replace(content=[*map(marked, line.content)], prefix=tuple(map(marked, line.prefix)))


def _role(item: Item) -> str:
    role = item.data.get("role") if isinstance(item.data, dict) else None
    return role if isinstance(role, str) and item.data.get("type", "message") == "message" else ""


def _presentation(item: Item, styles: ItemStyles, markdown: Markdown = markdown_lines) -> ItemPresentation:
    data = item.data
    if data is None:
        return _undecoded(item, styles)
    if _role(item):
        return _message(item, styles, markdown)
    if isinstance(data, dict):
        if data.get("type") == "reasoning":
            return _reasoning(data, styles, markdown)
        kind = data.get("type")
        make = _PRESENTERS.get(kind) if isinstance(kind, str) else None
        return make(data, styles) if make else _unknown(item, styles)
    return _unknown(item, styles)


def _message(item: Item, styles: ItemStyles, markdown: Markdown) -> ItemPresentation:
    role = _role(item)
    by_agent = role == "assistant"
    content = item.data.get("content")

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        return content_lines(content, width, styles, markdown if by_agent else None)

    if role in ("user", "assistant"):
        return ItemPresentation(body=body if content else None, role="agent" if by_agent else "")
    text = content_text(content)
    lines = text.strip().count("\n")
    name = Segment(f"{printable(role[:40])}  ", styles.muted)
    return ItemPresentation(
        "≡",
        [name, Segment(first_line(text), styles.text)],
        [name],
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=body if text else None,
    )


def _undecoded(item: Item, styles: ItemStyles) -> ItemPresentation:
    raw = item.raw or ""
    return ItemPresentation(
        "✗",
        [Segment("cannot be decoded: ", styles.error), Segment(first_line(raw), styles.text)],
        [Segment("cannot be decoded", styles.error)],
        note=format_size(item.size or len(raw)),
        body=lambda width, styles: text_lines(raw, width, styles.text, styles),
        failed=True,
    )


def _unknown(item: Item, styles: ItemStyles) -> ItemPresentation:
    title = [
        Segment(f"{printable(item.type)} ", styles.tool),
        Segment(compact_json(item.data, 400)[:400], styles.muted),
    ]
    return ItemPresentation(
        "·",
        title,
        [Segment(printable(item.type), styles.tool)],
        body=lambda width, styles: json_lines(item.data, width, styles),
    )


def _reasoning(data: dict[str, object], styles: ItemStyles, markdown: Markdown) -> ItemPresentation:
    parts = [*_parts(data.get("summary")), *_parts(data.get("content"))]
    text = content_text(parts)
    if not text.strip():
        sealed = data.get("encrypted_content")
        words = (
            f"thought, encrypted, {format_size(data_length(sealed))}"
            if isinstance(sealed, str) and sealed
            else "thought"
        )
        return ItemPresentation("✻", [Segment(words, styles.muted)])
    lines = text.strip().count("\n")
    return ItemPresentation(
        "✻",
        [Segment(first_line(text).replace("**", ""), styles.quote)],
        (),
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=lambda width, styles: content_lines(parts, width, styles._replace(text=styles.quote), markdown),
    )


def _parts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) and value else []


def _compaction(data: dict[str, object], styles: ItemStyles) -> ItemPresentation:
    sealed = data.get("encrypted_content")
    words = (
        f"earlier turns compacted, {format_size(data_length(sealed))}"
        if isinstance(sealed, str)
        else "earlier turns compacted"
    )
    return ItemPresentation("≋", [Segment(words, styles.muted)])


def _compaction_trigger(_data: dict[str, object], styles: ItemStyles) -> ItemPresentation:
    return ItemPresentation("≋", [Segment("compaction asked for", styles.muted)])


def _reference(data: dict[str, object], styles: ItemStyles) -> ItemPresentation:
    return ItemPresentation("→", [Segment(f"item {first_line(text_of(data.get('id')))}", styles.muted)])


_PRESENTERS: dict[str, Presenter] = {
    **TOOL_PRESENTERS,
    "compaction": _compaction,
    "compaction_trigger": _compaction_trigger,
    "item_reference": _reference,
}
_PLAIN = ItemStyles()


def item_text(item: Item) -> str:
    """All of an item as plain text, to be copied: what was said, called or given back, nothing folded or cut."""
    data = item.data
    if data is None:
        return item.raw or ""
    if isinstance(data, dict):
        if _role(item):
            return content_text(data.get("content"))
        match data.get("type"):
            case "reasoning":
                return content_text([*_parts(data.get("summary")), *_parts(data.get("content"))])
            case "function_call" | "custom_tool_call":
                return f"{text_of(data.get('name'))}({text_of(data.get('arguments', data.get('input')))})"
            case "code_interpreter_call" | "program":
                return text_of(data.get("code"))
            case kind if (
                isinstance(kind, str) and kind.endswith("_output") and isinstance(data.get("output"), (str, list))
            ):
                return content_text(data["output"])
    try:
        return json.dumps(data, ensure_ascii=False, indent=2, default=str)
    except RecursionError:
        return compact_json(data, 1_000_000)


def estimated_height(item: Item, width: int, folded: bool) -> int:
    """About how many lines the item will take, from the length of its text alone."""
    if is_step(item) and folded:
        return 1
    content = item.data.get("content") if isinstance(item.data, dict) else item.raw
    text = content_text(content)
    return 1 + len(text) // max(width, 1) + min(text.count("\n"), LIMIT_LINES)
