"""The view of a request: instructions, tools, settings and items, as text or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache

from tui.items.types import message_type, tool_name
from tui.model import Item
from tui.model.requests import RequestInput
from tui.printable import printable_line
from tui.render import ItemStyles, Line, Rendered, render_item, starts_open
from tui.render.code import json_lines, text_lines
from tui.render.lines import indent, truncate
from tui.widgets.lines.cursor_view import CursorView
from tui.words import plural

__all__ = ["RequestView"]

_CAPACITY: Final = 192
"""Drawn blocks that are kept."""

_INDENT: Final = (Segment("  "),)

_HEADINGS: Final = {
    "instructions": "Instructions",
    "tools": "Tools",
    "settings": "Settings",
    "items": "Items",
    "response_id": "Response",
}
"""The sections and their headings."""

_MAX_DESCRIPTION: Final = 400
"""Characters of a tool's description in its first line."""


class _Block(NamedTuple):
    """The heading of a section, or one of its parts.

    Attributes:
        part: Number of the part; None for the heading.
        is_last: Whether no part of the section is after it.
    """

    section: str
    part: int | None
    is_last: bool


class RequestView(CursorView):
    """The sections of a request, which fold, as do tools, calls and outputs in them. Pass a request to `show`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "toggle_fold", "Unfold", id="request.toggle_fold"),
        Binding("h,left", "fold", "Fold", show=False, id="request.fold"),
        Binding("l,right", "unfold", "Unfold", show=False, id="request.unfold"),
        Binding("o", "toggle_all", "Unfold all", id="request.toggle_all"),
    ]

    ALLOW_SELECT = False

    _ESTIMATE = 2

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._request: RequestInput | None = None
        self._as_json = False
        self._all_unfolded = False
        self._folded_sections: set[str] = set()
        self._toggled: set[tuple[str, int]] = set()
        self._blocks: list[_Block] = []
        self._drawn: LRUCache[int, Rendered] = LRUCache(_CAPACITY)
        self._drawn_in: tuple[ItemStyles, int] | None = None

    def show(self, request: RequestInput) -> None:
        """Show a request from its beginning; folded sections stay folded."""
        self._request = request
        self._toggled.clear()
        self._update_blocks()
        self.show_blocks(len(self._blocks))

    @property
    def as_json(self) -> bool:
        """True if the request is shown as JSON."""
        return self._as_json

    def toggle_json(self) -> None:
        """Switch between JSON and text; stay in the same part."""
        self._as_json = not self._as_json
        self._change()

    # Blocks

    def _update_blocks(self) -> None:
        """List the blocks in sight: sections that are unfolded have their parts."""
        self._drawn.clear()
        self._blocks = []
        for section in _HEADINGS:
            parts = self._parts(section) or ()
            shown = 0 if section in self._folded_sections else len(parts)
            self._blocks.append(_Block(section, None, is_last=not shown))
            self._blocks += (_Block(section, index, is_last=index == shown - 1) for index in range(shown))

    def _parts(self, section: str) -> Sequence[Any] | None:
        """Return the parts of a section; None if it is not known."""
        request = self._request
        if request is None:
            return ()
        value = request.request.response_id if section == "response_id" else getattr(request, section)
        if section in ("tools", "items"):
            return value
        if value is None:
            # Without instructions, a request whose items are recorded sent none.
            sent_none = request.items is not None and section not in request.encrypted_parts
            return () if section == "instructions" and sent_none else None
        return () if section == "response_id" and not self._as_json else (value,)

    def _change(self, position: int | None = None) -> None:
        """Show changed blocks, with the cursor on the same part, or on its section if that is folded."""
        section, index, _ = self._blocks[self.cursor[0] if position is None else position]
        self._update_blocks()
        places = {(block.section, block.part): number for number, block in enumerate(self._blocks)}
        at = places.get((section, index), places[section, None])
        top = self._viewport.row_of(self.cursor[0])
        self._viewport.reset(len(self._blocks))
        self._viewport.scroll_to(at)
        self._viewport.scroll_by(-max(top, 0))
        self.go_to(at)

    def measure(self, position: int) -> int | None:
        return len(self._draw(position).lines)

    def line(self, position: int, number: int) -> Line:
        lines = self._draw(position).lines
        return lines[number] if number < len(lines) else Line([])

    def request_blocks(self, start: int, end: int) -> None:
        """Request nothing: all is known."""

    # Folding

    def _is_folded(self, section: str, index: int | None) -> bool:
        if index is None:
            return section in self._folded_sections
        opens = self._all_unfolded
        if section == "items" and not opens:
            opens = starts_open(self._item(index))
        return opens == ((section, index) in self._toggled)

    def action_toggle_fold(self) -> None:
        """Fold or unfold the section or the part under the cursor."""
        position = self.cursor[0]
        if position >= len(self._blocks):
            return
        section, index, _ = self._blocks[position]
        if index is None:
            if self._parts(section):
                self._folded_sections ^= {section}
        elif self._draw(position).folds:
            self._toggled ^= {(section, index)}
        else:
            # A part that does not fold folds its section.
            self._folded_sections ^= {section}
        self._change(position)

    def action_fold(self) -> None:
        """Fold the section or the part under the cursor."""
        self._fold(folded=True)

    def action_unfold(self) -> None:
        """Unfold the section or the part under the cursor."""
        self._fold(folded=False)

    def _fold(self, *, folded: bool) -> None:
        position = self.cursor[0]
        if position < len(self._blocks):
            section, index, _ = self._blocks[position]
            folds = index is None or self._draw(position).folds
            if (folds and self._is_folded(section, index) != folded) or (folded and not folds):
                self.action_toggle_fold()

    def action_toggle_all(self) -> None:
        """Unfold all sections, tools, calls and outputs, or fold the parts again."""
        self._all_unfolded = not self._all_unfolded
        self._toggled.clear()
        self._folded_sections.clear()
        if self._blocks:
            self._change()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; fold or unfold what is under it on its first line or a double click."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        if offset is not None and event.button == 1 and 0 <= offset.y < len(self.rows):
            position, number = self.rows[offset.y]
            rendered = self._draw(position)
            first = next((at for at, line in enumerate(rendered.lines) if line.text.strip()), 0)
            if rendered.folds and number == first:
                self.action_toggle_fold()

    # Drawing

    def _draw(self, position: int) -> Rendered:
        drawn_in = self.item_styles, self.text_width
        if drawn_in != self._drawn_in:
            self._drawn.clear()
            self._drawn_in = drawn_in
        rendered = self._drawn.get(position)
        if rendered is None:
            block = self._blocks[position]
            draw = self._json_block if self._as_json else self._text_block
            rendered = self._drawn[position] = draw(block)
        return rendered

    def _item(self, index: int) -> Item:
        value = (self._parts("items") or ())[index]
        return Item(0, index, 0, message_type(value), tool_name(value), data=value)

    def _text_block(self, block: _Block) -> Rendered:
        section, index, _ = block
        if index is None:
            return self._text_heading(section)
        styles, width = self.item_styles, max(self.text_width - len(_INDENT[0].text), 1)
        value = (self._parts(section) or ())[index]
        match section:
            case "instructions":
                rendered = Rendered([*text_lines(value, width, styles.text, styles)])
            case "tools":
                rendered = _render_tool(value, width, styles, folded=self._is_folded(section, index))
            case "items":
                item, folded = self._item(index), self._is_folded(section, index)
                rendered = render_item(item, width, folded=folded, styles=styles)
                if item.type == "user":
                    above = [Line([])] if index else []
                    role = Line([Segment("user", styles.muted)])
                    rendered = rendered._replace(lines=[*above, role, *rendered.lines])
            case _:
                rendered = Rendered([*json_lines(value, width, styles)])
        return rendered._replace(lines=[*indent(rendered.lines, _INDENT, _INDENT)])

    def _text_heading(self, section: str) -> Rendered:
        styles, parts = self.item_styles, self._parts(section)
        note, sign = self._note(section, parts), "  "
        if parts:
            sign = "▸ " if section in self._folded_sections else "▾ "
        content = [Segment(sign, styles.muted), Segment(_HEADINGS[section], styles.title), Segment("  ")]
        content += [Segment(note, styles.muted)]
        heading = Line(truncate(content, self.text_width, styles.muted)[0])
        is_first = section == next(iter(_HEADINGS))
        return Rendered([heading] if is_first else [Line([]), heading], folds=bool(parts))

    def _note(self, section: str, parts: Sequence[Any] | None) -> str:
        if section == "response_id" and self._request is not None:
            return printable_line(self._request.request.response_id or "without an id")
        if self._request is not None and section in self._request.encrypted_parts:
            return "encrypted"
        if parts is None:
            input_items = None if self._request is None else self._request.request.input_items
            changed = section == "items" and input_items is not None
            return "no longer stored as they were sent: the branch was changed" if changed else "not recorded"
        if not parts:
            return "none"
        match section:
            case "instructions":
                return plural(len(parts[0]), "character")
            case "settings":
                return f"{len(parts[0]):,}" if parts[0] else "none"
        return f"{len(parts):,}"

    def _json_block(self, block: _Block) -> Rendered:
        section, index, is_last = block
        styles, parts = self.item_styles, self._parts(section)
        is_list, is_end = section in ("tools", "items"), section == "response_id"
        comma = "" if is_end else ","
        opening, closing = "[]" if is_list else ("", "")
        end = [Line([Segment("}", styles.text)])] if is_end and is_last else []
        if index is None:
            start = [Line([Segment("{", styles.text)])] if section == next(iter(_HEADINGS)) else []
            heading = [Segment(f'"{section}": ', styles.name)]
            if not parts:
                empty = "null" if parts is None or not is_list else "[]"
                heading.append(Segment(f"{empty}{comma}", styles.number))
            elif section in self._folded_sections:
                heading.append(Segment(f"{opening}…{closing}{comma}", styles.muted))
            elif is_list:
                heading.append(Segment(opening, styles.text))
            return Rendered([*start, *indent([Line(heading)], _INDENT, _INDENT), *end], folds=bool(parts))
        value = (parts or ())[index]
        lines = list(json_lines(value, max(self.text_width - 2 * len(_INDENT[0].text), 1), styles))
        if not (is_list and is_last):
            lines[-1].content.append(Segment(comma if not is_list else ",", styles.text))
        if is_list and is_last:
            end = [*indent([Line([Segment(f"{closing}{comma}", styles.text)])], _INDENT, _INDENT), *end]
        return Rendered([*indent(lines, _INDENT * 2, _INDENT * 2), *end])


def _render_tool(tool: Any, width: int, styles: ItemStyles, *, folded: bool) -> Rendered:
    """Draw a tool: its name and description, and below it, unfolded, all that was sent."""
    known = tool if isinstance(tool, dict) else {}
    name = tool_name(tool) or known.get("type") or "tool"
    description = str(known.get("description") or "")[:_MAX_DESCRIPTION]
    title = [
        Segment("▸ " if folded else "▾ ", styles.muted),
        Segment(printable_line(str(name)), styles.tool),
        Segment(f"  {printable_line(description)}" if description else "", styles.muted),
    ]
    first = Line(truncate(title, width, styles.muted)[0])
    return Rendered([first] if folded else list(_tool_lines(first, tool, width, styles)), folds=True)


def _tool_lines(first: Line, tool: Any, width: int, styles: ItemStyles) -> Iterator[Line]:
    yield first
    yield from indent(json_lines(tool, max(width - len(_INDENT[0].text), 1), styles), _INDENT, _INDENT)
