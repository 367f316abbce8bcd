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
from tui.render.markdown import markdown_lines
from tui.render.presentation import Body, Faces, ItemPresentation, first_line
from tui.render.styles import Palette
from tui.render.text import LIMIT_LINES, Line, clipped, data_length, head_of, indented, size
from tui.render.tool_lines import text_of
from tui.render.tools import TOOL_FACES

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
    return item.data is not None and _face(item, _PLAIN).failed


def render_item(
    item: Item, width: int, *, folded: bool, palette: Palette, markdown: Markdown = markdown_lines
) -> Rendered:
    """Draw an item.

    A message of the user has no heading: it stands under the header of its turn. Every other message has its role
    above it; all else is a step, drawn as a mark and a line that unfolds.

    Args:
        item: The item; nothing in it acts on the terminal.
        width: Cells of a line; drawn as for 1 where it is less.
        folded: Only its first line, where there is more.
        palette: The styles.
        markdown: Draws what the model wrote.
    """
    width = max(width, 1)
    if item.cut:
        item, left = _drawable(item)
        face = _face(item, palette, _beginning_of_markdown)
        face = face._replace(note=size(item.size), body=_ending(face.body, left))
    else:
        face = _face(item, palette, markdown)
    if not face.mark:
        return Rendered([*_heading(face, palette), *_body(face, width, palette)] or [Line([])])
    return _step(face, width, folded, palette)


def _drawable(item: Item) -> tuple[Item, int]:
    """An item that was not read to its end with its last text as far as it is drawn, and the bytes that are left."""
    if item.data is None:
        head = head_of(item.raw or "").text
        return item._replace(raw=head), item.size - len(head.encode("utf-8", "replace"))
    data, left = _shortened(item.data)
    return item._replace(data=data), item.unread + left


def _shortened(data: Any) -> tuple[Any, int]:
    """A value with the last text in it as far as that is drawn, and how many characters less that is."""
    if isinstance(data, str):
        head = head_of(data).text
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

    def ended(width: int, palette: Palette) -> Iterable[Line]:
        end = Line([], (Segment(f"… {size(left)} more, y copies all", palette.muted),))
        return chain(() if body is None else body(width, palette), [end])

    return ended


def _beginning_of_markdown(text: str, width: int, palette: Palette) -> Iterable[Line]:
    """What is longer than is ever drawn is hardly markdown: its first words may be."""
    cut = text.rfind("\n\n", 0, _MARKDOWN)
    cut = _MARKDOWN if cut <= 0 else cut
    beginning, rest = markdown_lines(text[:cut], width, palette), text[cut:].lstrip("\n")
    return chain(beginning, [Line([])], text_lines(rest, width, palette.text, palette))


def _heading(face: ItemPresentation, palette: Palette) -> Iterator[Line]:
    if face.role:
        yield Line([], (Segment(face.role, palette.muted),), "")


def _body(face: ItemPresentation, width: int, palette: Palette) -> Iterable[Line]:
    if face.body is None:
        return ()
    lines = iter(face.body(width, palette))
    end = Line([Segment("… more lines, y copies all", palette.muted)])
    return chain(islice(lines, 2 * LIMIT_LINES), (end for _ in islice(lines, 1)))


def _step(face: ItemPresentation, width: int, folded: bool, palette: Palette) -> Rendered:
    mark = Segment(f"{'✗' if face.failed else face.mark} ", palette.error if face.failed else palette.muted)
    note = [Segment(f"  … {face.note}", palette.muted)] if face.note else []
    gutter = _GUTTER if width > 2 * _GUTTER else 0
    room = width - gutter
    taken = sum(span.cell_length for span in note)
    title, cut = clipped(face.title, max(room - taken, 1), palette.muted)
    folds = face.body is not None and bool(cut or face.note or face.more)
    sign = Segment(("▸ " if folded else "▾ ") if folds else "  ", palette.muted)
    first, rest = ((sign, mark), (Segment(" " * gutter),)) if gutter else ((), ())
    if folded or not folds:
        lines = [Line(clipped([*title, *note], room, palette.muted)[0], first)]
    else:
        inner = _body(face, room, palette)
        if opened := list(face.title if face.opened is None else face.opened):
            lines = [Line(clipped(opened, room, palette.muted)[0], first), *indented(inner, rest, rest)]
        else:
            lines = list(indented(inner, first, rest)) or [Line([], first)]
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


def _face(item: Item, palette: Palette, markdown: Markdown = markdown_lines) -> ItemPresentation:
    data = item.data
    if data is None:
        return _undecoded(item, palette)
    if _role(item):
        return _message(item, palette, markdown)
    if isinstance(data, dict):
        if data.get("type") == "reasoning":
            return _reasoning(data, palette, markdown)
        kind = data.get("type")
        make = _FACES.get(kind) if isinstance(kind, str) else None
        return make(data, palette) if make else _unknown(item, palette)
    return _unknown(item, palette)


def _message(item: Item, palette: Palette, markdown: Markdown) -> ItemPresentation:
    role = _role(item)
    by_agent = role == "assistant"
    content = item.data.get("content")

    def body(width: int, shown: Palette) -> Iterator[Line]:
        return content_lines(content, width, shown, markdown if by_agent else None)

    if role in ("user", "assistant"):
        return ItemPresentation(body=body if content else None, role="agent" if by_agent else "")
    text = content_text(content)
    lines = text.strip().count("\n")
    name = Segment(f"{printable(role[:40])}  ", palette.muted)
    return ItemPresentation(
        "≡",
        [name, Segment(first_line(text), palette.text)],
        [name],
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=body if text else None,
    )


def _undecoded(item: Item, palette: Palette) -> ItemPresentation:
    raw = item.raw or ""
    return ItemPresentation(
        "✗",
        [Segment("cannot be decoded: ", palette.error), Segment(first_line(raw), palette.text)],
        [Segment("cannot be decoded", palette.error)],
        note=size(item.size or len(raw)),
        body=lambda width, shown: text_lines(raw, width, shown.text, shown),
        failed=True,
    )


def _unknown(item: Item, palette: Palette) -> ItemPresentation:
    title = [
        Segment(f"{printable(item.type)} ", palette.tool),
        Segment(compact_json(item.data, 400)[:400], palette.muted),
    ]
    return ItemPresentation(
        "·",
        title,
        [Segment(printable(item.type), palette.tool)],
        body=lambda width, shown: json_lines(item.data, width, shown),
    )


def _reasoning(data: dict[str, object], palette: Palette, markdown: Markdown) -> ItemPresentation:
    parts = [*_parts(data.get("summary")), *_parts(data.get("content"))]
    text = content_text(parts)
    if not text.strip():
        sealed = data.get("encrypted_content")
        words = f"thought, encrypted, {size(data_length(sealed))}" if isinstance(sealed, str) and sealed else "thought"
        return ItemPresentation("✻", [Segment(words, palette.muted)])
    lines = text.strip().count("\n")
    return ItemPresentation(
        "✻",
        [Segment(first_line(text).replace("**", ""), palette.quote)],
        (),
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=lambda width, shown: content_lines(parts, width, shown._replace(text=shown.quote), markdown),
    )


def _parts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) and value else []


def _compaction(data: dict[str, object], palette: Palette) -> ItemPresentation:
    sealed = data.get("encrypted_content")
    words = (
        f"earlier turns compacted, {size(data_length(sealed))}"
        if isinstance(sealed, str)
        else "earlier turns compacted"
    )
    return ItemPresentation("≋", [Segment(words, palette.muted)])


def _compaction_trigger(_data: dict[str, object], palette: Palette) -> ItemPresentation:
    return ItemPresentation("≋", [Segment("compaction asked for", palette.muted)])


def _reference(data: dict[str, object], palette: Palette) -> ItemPresentation:
    return ItemPresentation("→", [Segment(f"item {first_line(text_of(data.get('id')))}", palette.muted)])


_FACES: dict[str, Faces] = {
    **TOOL_FACES,
    "compaction": _compaction,
    "compaction_trigger": _compaction_trigger,
    "item_reference": _reference,
}
_PLAIN = Palette()


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
